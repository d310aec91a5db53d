/** Matches a path from the top of the site. */
export type PathTest = (path: string) => boolean;

/**
 * Patterns of `cdn.hashed`, `cdn.headers` and `cdn.exclude`. Case matters; dotfiles match like other files.
 *
 * - `*.pdf` (no slash) is a name in any folder; `/robots.txt` and `docs/*.pdf` (with a slash) are relative to
 *   the top.
 * - `*` is any text without a slash, `?` one such character, `[a-f]` and `[!a-f]` one of a set.
 * - `**` as a whole part is any number of folders, including zero: `docs/**`, `**`+`/draft.html`.
 * - `{a,b}` is either, and may be nested; `\` escapes the next character.
 * - A pattern that ends in a plain name also matches a folder of that name: `drafts` matches everything below
 *   it.
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
  // A reversed range is literal.
  const isRange = [...members.matchAll(/(.)-(.)/gsu)].every(([, from = '', to = '']) => from <= to);
  return isRange ? [all, not ? `[^/${inside}]` : `[${inside}]`] : undefined;
}

function escaped(rest: string): readonly [string, string] | undefined {
  return rest[0] === '\\' && rest.length > 1 ? [rest.slice(0, 2), literal(rest[1] ?? '')] : undefined;
}

/** Whether the brace at the start is closed. */
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
