/** A URL in a style sheet, unescaped. */
export interface CssReference {
  readonly url: string;
  /** Its offset. */
  readonly at: number;
}

// Runs, not single characters: a style may contain a font of megabytes, and a repeated alternative takes stack
// for each character.
const string = `"[^"\\\\\\n]*(?:\\\\[^][^"\\\\\\n]*)*"|'[^'\\\\\\n]*(?:\\\\[^][^'\\\\\\n]*)*'`;
const bare = `(?:[^\\s"'()\\\\]|\\\\[^])[^\\s"'()\\\\]*(?:\\\\[^][^\\s"'()\\\\]*)*`;
const token = new RegExp(
  `/\\*[^]*?(?:\\*/|$)|url\\(\\s*(?<quoted>${string})\\s*\\)|url\\(\\s*(?<bare>${bare})\\s*\\)|@import\\s+(?<imported>${string})|${string}`,
  'gi',
);

/**
 * Finds `url(…)` and `@import` in a style sheet or a `style` of a page. Comments, other strings, data and
 * fragments of the page (`url(#shadow)`) are ignored.
 */
export function cssReferencesOf(css: string): CssReference[] {
  if (!/url\(|@import/i.test(css)) return [];
  const found: CssReference[] = [];
  for (const { groups, index } of css.matchAll(token)) {
    const written = groups?.['bare'] ?? (groups?.['quoted'] ?? groups?.['imported'])?.slice(1, -1);
    const url = written === undefined ? '' : unescaped(written).trim();
    if (url !== '' && !/^(?:#|data:)/i.test(url)) found.push({ url, at: index });
  }
  return found;
}

function unescaped(text: string): string {
  return text.replace(/\\(?:([0-9a-f]{1,6})[ \t\n]?|\n|(.))/gis, (_, hex?: string, character?: string) => {
    if (hex === undefined) return character ?? '';
    const code = Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
  });
}
