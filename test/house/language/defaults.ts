import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type File, type Finding, lineAt, sourceOfGenerated } from './model.ts';
import { hidden } from './source.ts';
import { withoutFences, withoutGenerated } from './texts.ts';

/** Defaults by the path of their key in sluice.yml, such as `watch.for` → `30s`. */
export type Defaults = ReadonlyMap<string, string>;

interface Schema {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** The defaults of the JSON Schema; a name that the user chooses is no part of a path. */
export function schemaDefaults(root: string): Defaults {
  const defaults = new Map<string, string>();
  const walk = (schema: Schema, path: readonly string[]): void => {
    if (path.length > 0 && ['string', 'number', 'boolean'].includes(typeof schema.default))
      defaults.set(path.join('.'), String(schema.default));
    for (const [key, value] of Object.entries(schema.properties ?? {})) walk(value, [...path, key]);
    if (typeof schema.additionalProperties === 'object') walk(schema.additionalProperties, path);
    if (schema.items !== undefined) walk(schema.items, path);
    for (const one of schema.anyOf ?? []) walk(one, path);
  };
  walk(JSON.parse(readFileSync(join(root, 'schema/sluice.schema.json'), 'utf8')) as Schema, []);
  return defaults;
}

const value = String.raw`(\d[\d.]*(?: ?(?:ms|s|m|h|d|min|minutes?|hours?|days?|seconds?|%))?(?![\w.]))`;
const key = '`([a-z][a-z0-9.-]*)`';
/** Ways in which prose names a key and its default. */
const claims: readonly RegExp[] = [
  // `watch.for` (30 s), `drain` (default: 30s)
  new RegExp(String.raw`${key},? \((?:default:? |by default )?${value}[,;)]`, 'g'),
  // (at most `drain`, 30 s)
  new RegExp(String.raw`\([^()\n]*${key}, ${value}\)`, 'g'),
  // `keep`: 5 by default; `keep` defaults to 5; `keep`, default 5
  new RegExp(`${key}(?:: | defaults to |, default:? )${value}(?: by default)?`, 'g'),
  // `cache: auto` (default)
  /`([a-z][a-z0-9.-]*): ([^`]+)` \((?:the )?default[,;)]/g,
];
/** For 60 s (`verify.for`) */
const behind = new RegExp(String.raw`${value} \(${key}\)`, 'g');

/** Places where a page names another default than the schema has. */
export function defaultFindings({ path, text }: File, defaults: Defaults): Finding[] {
  if (sourceOfGenerated(text) !== undefined) return [];
  const prose = withoutGenerated(withoutFences(text, hidden)).replaceAll('\n', ' ');
  const named = [
    ...claims.flatMap((claim) =>
      [...prose.matchAll(claim)].map(({ 0: found, 1: name, 2: said, index }) => ({
        found,
        name,
        said,
        index,
      })),
    ),
    ...[...prose.matchAll(behind)].map(({ 0: found, 1: said, 2: name, index }) => ({
      found,
      name,
      said,
      index,
    })),
  ];
  const page = /([^/]+)\.md$/.exec(path)?.[1] ?? '';
  return named.flatMap(({ found, name = '', said = '', index }): Finding[] => {
    const known = [...new Set(matching(name, page, defaults))];
    const expected = known.length === 1 ? known[0] : undefined;
    if (expected === undefined || measure(said) === measure(expected)) return [];
    return [{ path, line: lineAt(text, index), found, better: `${expected}, as in the schema` }];
  });
}

/** Defaults of the keys that a name on a page may mean. */
function matching(name: string, page: string, defaults: Defaults): string[] {
  const exact = defaults.get(`${page}.${name}`) ?? defaults.get(name);
  if (exact !== undefined) return [exact];
  return [...defaults].flatMap(([path, value]) => (path.endsWith(`.${name}`) ? [value] : []));
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

/** `30 s`, `30s` and `30 seconds` are the same. */
function measure(text: string): string {
  const [, number, unit = ''] = /^([\d.]+) ?([a-z%]*)$/i.exec(text.trim()) ?? [];
  if (number === undefined) return text.trim();
  const factor = units[unit === 'ms' ? unit : unit.slice(0, 1)];
  return factor === undefined ? `${number}${unit}` : `${Number(number) * factor} ms`;
}

/** Lists of all exit codes that leave out those of checks. */
export function exitCodeFindings({ path, text }: File): Finding[] {
  const blocks = text.matchAll(/(?:^.+\n?)+/gm);
  return [...blocks].flatMap(({ 0: block, index }): Finding[] => {
    const has = (code: number) => new RegExp(String.raw`(?<![\w.])${code}(?![\w.%])`).test(block);
    if (!/exit codes?/i.test(block) || !has(70) || !has(130)) return [];
    const missing = [3, 4].filter((code) => !has(code));
    if (missing.length === 0) return [];
    const at = index + block.search(/exit codes?/i);
    return [
      {
        path,
        line: lineAt(text, at),
        found: 'exit codes',
        better: `name ${missing.join(' and ')}, too (checks)`,
      },
    ];
  });
}
