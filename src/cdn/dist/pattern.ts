/** Tells whether a path, from the top of the site, is meant. */
export type PathTest = (path: string) => boolean;

/**
 * Patterns of `cdn.hashed`, `cdn.headers` and `cdn.exclude`. Case counts; files with a dot in front are files like others.
 *
 * - `*.pdf` (no slash) is a name, anywhere; `/robots.txt` and `docs/*.pdf` (a slash in front or within) count from the top.
 * - `*` is any text without a slash, `?` one such character, `[a-f]` and `[!a-f]` one of a set.
 * - `**` as a whole part is any number of folders, also none: `docs/**`, `**`+`/draft.html`.
 * - `{a,b}` is either, and may stand in another; `\` takes the meaning from the character behind it.
 * - A pattern that ends in a plain name stands for a folder of that name, too: `drafts` is all that is below it.
 */
export function pathTest(patterns: readonly string[]): PathTest {
  if (patterns.length === 0) return () => false;
  const expression = new RegExp(patterns.map((pattern) => `(?:${expressionOf(pattern)})`).join('|'), 'su');
  return (path) => expression.test(path);
}

function expressionOf(pattern: string): string {
  const bare = pattern.replace(/^\.\//, '').replace(/\/$/, '');
  const isAnchored = bare.includes('/');
  const text = bare.replace(/^\//, '');
  const last = text.slice(text.lastIndexOf('/') + 1);
  const below = /[*?[\]{}]/.test(last) ? '' : '(?:/.*)?';
  return `^${isAnchored ? '' : '(?:.*/)?'}${bodyOf(text)}${below}$`;
}

function bodyOf(text: string): string {
  let body = '';
  let depth = 0;
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    const [part, meaning] = (isPartStart(text, at) && folders(rest)) ||
      set(rest) ||
      escaped(rest) || [rest[0] ?? '', undefined];
    at += part.length;
    if (meaning !== undefined) body += meaning;
    else if (part === '*') body += '[^/]*';
    else if (part === '?') body += '[^/]';
    else if (part === '{' && closes(rest)) {
      depth++;
      body += '(?:';
    } else if (part === ',' && depth > 0) body += '|';
    else if (part === '}' && depth > 0) {
      depth--;
      body += ')';
    } else body += literal(part);
  }
  return body;
}

function isPartStart(text: string, at: number): boolean {
  return at === 0 || text[at - 1] === '/';
}

function folders(rest: string): readonly [string, string] | undefined {
  if (rest.startsWith('**/')) return ['**/', '(?:.*/)?'];
  return rest === '**' ? ['**', '.*'] : undefined;
}

function set(rest: string): readonly [string, string] | undefined {
  const [all, not, members] = /^\[([!^]?)(\]?[^\]/]*)\]/.exec(rest) ?? [];
  if (all === undefined || !members) return undefined;
  const inside = members.replaceAll(/[\\\][^]/g, '\\$&').replaceAll(/^-|-$/g, '\\-');
  // A range that runs backwards is none.
  const isRange = [...members.matchAll(/(.)-(.)/gsu)].every(([, from = '', to = '']) => from <= to);
  return isRange ? [all, not ? `[^/${inside}]` : `[${inside}]`] : undefined;
}

function escaped(rest: string): readonly [string, string] | undefined {
  return rest[0] === '\\' && rest.length > 1 ? [rest.slice(0, 2), literal(rest[1] ?? '')] : undefined;
}

/** Whether the brace at the start has its partner. */
function closes(rest: string): boolean {
  let depth = 0;
  for (const character of rest) {
    if (character === '{') depth++;
    if (character === '}' && --depth === 0) return true;
  }
  return false;
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
}
