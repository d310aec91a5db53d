import { oneLine } from '../../report/text.ts';
import type { Entry } from '../model.ts';
import { type Fault, odd, wrong } from './fault.ts';

type Headers = Readonly<Record<string, string>>;

/**
 * Compares the headers stored with the object. @param changed whether the release changed it: then a CDN may
 * serve the old headers for a while.
 */
export function headerFaults(headers: Headers, entry: Entry, changed: boolean): Fault[] {
  return [
    ...typeFaults(headers['content-type'], entry),
    ...cacheFaults(headers['cache-control'], entry, changed),
    ...['content-disposition', 'content-language', 'expires'].flatMap((name) => {
      const [is, wanted] = [headers[name], entry.headers[name]];
      if (wanted === undefined || is === wanted) return [];
      return [odd('content', `${properName(name)} is ${quoted(is)}; published as ${quoted(wanted)}`)];
    }),
  ];
}

function typeFaults(is: string | undefined, entry: Entry): Fault[] {
  const wanted = entry.headers['content-type'];
  if (wanted === undefined) return [];
  const [type, wantedType] = [typeOf(is), typeOf(wanted)];
  const message = `Content-Type is ${quoted(is)}; published as ${quoted(wanted)}`;
  if (type.name !== wantedType.name) return [wrong(message)];
  return wantedType.charset !== '' && type.charset !== wantedType.charset ? [odd('content', message)] : [];
}

/** Types that browsers reject, for files that are not part of the release. */
export function kindFaults(headers: Headers, path: string): Fault[] {
  const { name } = typeOf(headers['content-type']);
  const extension = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase();
  if (extension === undefined || /^x?html?$/.test(extension)) return [];
  if (name === 'text/html')
    return [wrong('serves an HTML page instead of a file: the CDN treats it as an unknown path')];
  const wanted =
    extension === 'css' ? /^text\/css$/ : /^m?js$/.test(extension) ? /\b(?:java|ecma)script$/ : undefined;
  if (wanted === undefined || wanted.test(name)) return [];
  return [
    wrong(`Content-Type is ${quoted(headers['content-type'])}: browsers do not accept it as .${extension}`),
  ];
}

function cacheFaults(is: string | undefined, entry: Entry, changed: boolean): Fault[] {
  const wanted = entry.headers['cache-control'];
  const [has, should] = [directives(is), directives(wanted)];
  if (entry.class === 'page' && has.has('immutable') && !should.has('immutable')) {
    const message = `Cache-Control is ${quoted(is)}: browsers that load this page never request a newer one`;
    return [{ level: 'fail', kind: 'cache', message, clears: 'release' }];
  }
  if (
    wanted === undefined ||
    (has.size === should.size && [...should].every((directive) => has.has(directive)))
  )
    return [];
  const message = `Cache-Control is ${quoted(is)}; published as ${quoted(wanted)}: a CDN setting overrides it`;
  return [{ level: 'warn', kind: 'cache', message, clears: changed ? 'soon' : 'never' }];
}

function directives(value: string | undefined): ReadonlySet<string> {
  const parts = (value ?? '').split(',').map((part) =>
    part
      .trim()
      .toLowerCase()
      .replace(/(?<!\s)\s*=\s*/, '='),
  );
  return new Set(parts.filter((part) => part !== ''));
}

function typeOf(value: string | undefined): { readonly name: string; readonly charset: string } {
  const [name = '', ...parameters] = (value ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((part) => part.startsWith('charset='))?.slice('charset='.length) ?? '';
  return { name, charset: charset.replaceAll('"', '') };
}

function quoted(value: string | undefined): string {
  return value === undefined ? 'missing' : `“${oneLine(value, 120)}”`;
}

function properName(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
