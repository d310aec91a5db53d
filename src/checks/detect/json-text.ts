/** JSON as people write it: with the line of a syntax error, and with comments. */

export type JsonReading = { readonly value: unknown } | { readonly fault: string; readonly line: number };

/** @returns the value, or the first syntax error and its line (from 1). */
export function readJson(text: string): JsonReading {
  try {
    return { value: JSON.parse(text.replace(/^\ufeff/, '')) as unknown };
  } catch {
    const at = firstFault(text);
    const line = text.slice(0, at).split('\n').length;
    const found = at >= text.trimEnd().length ? 'it ends too early' : `unexpected ${quoted(text.slice(at))}`;
    return { fault: `The file is not valid JSON: ${found}`, line };
  }
}

/** tsconfig.json, biome.jsonc and others like them: comments, and commas before a closing bracket. */
export function readJsonWithComments(text: string): unknown {
  const bare = text.replace(/("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g, '$1');
  const strict = bare.replace(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, '$1');
  const read = readJson(strict);
  return 'value' in read ? read.value : undefined;
}

/** An object of the file; empty for any other value. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** Its entries that are text. */
export function textsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(recordOf(value)).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}

export function textList(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

const token =
  /[ \t\r\n]*(?:("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([{}[\],:]))/y;

/** V8 names the place of some syntax errors only, so this parser finds it. */
function firstFault(text: string): number {
  let at = text.startsWith('\ufeff') ? 1 : 0;
  const open: string[] = [];
  let expected: 'value' | 'first' | 'key' | 'firstKey' | 'colon' | 'next' | 'end' = 'value';
  for (;;) {
    token.lastIndex = at;
    const [whole, string, scalar, sign] = token.exec(text) ?? [];
    if (whole === undefined) return skipSpace(text, at);
    const fault = skipSpace(text, at);
    const after = () => (open.length === 0 ? 'end' : 'next');
    const wantsValue = expected === 'value' || expected === 'first';
    if (wantsValue && (string !== undefined || scalar !== undefined)) expected = after();
    else if ((expected === 'key' || expected === 'firstKey') && string !== undefined) expected = 'colon';
    else if (expected === 'colon' && sign === ':') expected = 'value';
    else if (wantsValue && (sign === '{' || sign === '[')) {
      open.push(sign);
      expected = sign === '{' ? 'firstKey' : 'first';
    } else if (closes(sign, open.at(-1)) && ['first', 'firstKey', 'next'].includes(expected)) {
      open.pop();
      expected = after();
    } else if (expected === 'next' && sign === ',') expected = open.at(-1) === '{' ? 'key' : 'value';
    else return fault;
    at = token.lastIndex;
  }
}

function closes(sign: string | undefined, opened: string | undefined): boolean {
  return (opened === '{' && sign === '}') || (opened === '[' && sign === ']');
}

function skipSpace(text: string, at: number): number {
  const space = /[ \t\r\n]*/y;
  space.lastIndex = at;
  space.exec(text);
  return space.lastIndex;
}

function quoted(text: string): string {
  return `“${(text.match(/^\S{1,20}/)?.[0] ?? '').replaceAll('“', '"')}”`;
}
