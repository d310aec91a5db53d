import { parse, stringify } from 'yaml';

/** The lines of a key at the top of a YAML file, and the comments right above it. */
export function sectionOf(text: string, key: string): string | undefined {
  const lines = text.split(/\r?\n/);
  const begin = lines.findIndex((line) => line.startsWith(`${key}:`));
  if (begin < 0) return undefined;
  const after = lines.slice(begin + 1);
  const next = after.findIndex((line) => /^[^\s#]/.test(line));
  const own = next < 0 ? after : after.slice(0, next);
  // Comments at the margin, before the next key, are that key's.
  while (own.length > 0 && /^(?:#.*|\s*)$/.test(own.at(-1) ?? '')) own.pop();
  let top = begin;
  while (top > 0 && lines[top - 1]?.startsWith('#')) top--;
  return [...lines.slice(top, begin + 1), ...own].join('\n');
}

/** The entries of a section in block style, each with the comments above it; those in braces are not found. */
export function splitEntries(section: string): Map<string, string> {
  const entries = new Map<string, string>();
  const lines = section.split('\n');
  const begin = lines.findIndex((line) => /^[^\s#][^:]*:\s*(?:#.*)?$/.test(line));
  const first = lines.slice(begin + 1).find((line) => /^\s+[^\s#]/.test(line));
  const indent = /^\s*/.exec(first ?? '')?.[0] ?? '';
  if (begin < 0 || indent === '') return entries;
  const entry = new RegExp(`^${indent}["']?([\\w-]+)["']?\\s*:(?:\\s|$)`);
  let above: string[] = [];
  let name: string | undefined;
  for (const line of lines.slice(begin + 1)) {
    const [, found] = entry.exec(line) ?? [];
    if (found !== undefined) {
      name = found;
      entries.set(name, [...above, line].join('\n'));
      above = [];
    } else if (new RegExp(`^${indent}#|^\\s*$`).test(line)) above.push(line);
    else if (name !== undefined) {
      entries.set(name, [entries.get(name), ...above, line].join('\n'));
      above = [];
    }
  }
  const rest = above.filter((line) => line.trim() !== '');
  if (name !== undefined && rest.length > 0)
    entries.set(name, [entries.get(name), ...above].join('\n').trimEnd());
  return entries;
}

/** An entry of a section, printed from its value where its text cannot be cut out: braces, anchors. */
export function entryOf(text: string, key: string, name: string): string | undefined {
  const document = parse(text, { merge: true }) as Record<string, Record<string, unknown> | undefined> | null;
  const value = document?.[key]?.[name];
  if (value === undefined) return undefined;
  return stringify({ [name]: value }, { lineWidth: 0, aliasDuplicateObjects: false })
    .trimEnd()
    .replace(/^/gm, '  ');
}

const notText = /^(?:y|n|yes|no|on|off|true|false|null|~)$/i;

/** A text as a YAML scalar: plain where that is safe everywhere, flow collections included, else in double quotes. */
export function scalar(text: string): string {
  if (/^[A-Za-z_/][\w./@-]*(?:[: ][\w./@=-]+)*$/.test(text) && !notText.test(text)) return text;
  // Fewer backslashes, and what formatters of YAML make of it.
  if (/^[ !"#-&(-[\]-~]+$/.test(text) && text.includes('"')) return `'${text}'`;
  // JSON is YAML, except for the characters that a YAML stream cannot contain unescaped.
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]/g,
    (char, at: number, all: string) =>
      isPaired(all, at) ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Half of a character beyond the basic plane, beside its other half. */
function isPaired(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 0xd800 || code > 0xdfff) return false;
  const other = code < 0xdc00 ? text.charCodeAt(at + 1) : text.charCodeAt(at - 1);
  return code < 0xdc00 ? other >= 0xdc00 && other <= 0xdfff : other >= 0xd800 && other < 0xdc00;
}

/** A map in braces. */
export function flow(map: object): string {
  return `{ ${entriesOf(map).join(', ')} }`;
}

/** The entries of a map, one text each: `port: 80`. */
export function entriesOf(map: object): string[] {
  return Object.entries(map).map(([key, value]) => {
    const text = Array.isArray(value)
      ? list(value.map(String))
      : typeof value === 'string'
        ? scalar(value)
        : String(value);
    return `${key}: ${text}`;
  });
}

export function list(texts: readonly string[]): string {
  return `[${texts.map(scalar).join(', ')}]`;
}
