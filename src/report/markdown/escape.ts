import { byteLength, codeParts, lastLines, oneLine } from '../text.ts';

/**
 * Foreign text in Markdown, as one line. Every character with a meaning in Markdown, HTML, a table or GitHub's mathematics
 * becomes a numeric entity, which is never structure (CommonMark, 6.2). The same escape is therefore right in a heading, a
 * table cell, a list and inside HTML.
 */
export function inline(text: string, limit = 300): string {
  return oneLine(text, limit)
    .split(address)
    .map((part, index) => (index % 2 === 1 ? `\`${part}\`` : escaped(part)))
    .join('');
}

/** One of Sluice's sentences, with backticks for code. */
export function prose(text: string, limit: number): string {
  return codeParts(oneLine(text, limit))
    .map((part) => (part.code ? code(part.text, limit) : edges(part.text, (inner) => inline(inner, limit))))
    .join('');
}

/** `inline` trims; a part of a sentence keeps its blanks. */
function edges(text: string, quote: (inner: string) => string): string {
  const inner = text.trim();
  return inner === '' ? ' ' : text.replace(inner, () => quote(inner));
}

function escaped(text: string): string {
  return breakMentions(text.replace(structure, entity));
}

/** GitHub makes links of addresses such as `deploy@host` and of bare URLs; as code both stay what they are. (Looking behind spares a search from every letter of a word.) */
const address =
  /((?<![\p{L}\p{N}._-])[\p{L}\p{N}][\p{L}\p{N}._-]*@[\p{L}\p{N}][\p{L}\p{N}.-]*(?::\d{1,5}(?!\d))?|(?<![a-z])(?:[a-z]+:\/\/|www\.)[^\s`|\\<>]+)/iu;

/** A `_` within a word is not emphasis in GitHub's dialect, and names are more readable with it. */
const structure = /[\\`*[\]{}<>&|~$#]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

const entity = (character: string): string => `&#${character.codePointAt(0)};`;

/**
 * GitHub searches for `@name` in the rendered text, in which an entity is a character again; a zero-width space after `@`
 * prevents the match.
 */
function breakMentions(text: string): string {
  return text.replace(/@(?=[\p{L}\p{N}])/gu, '@&#8203;');
}

/**
 * Foreign text as code. A table is split at `|` even within backticks, so such text takes the tag instead, inside
 * which GitHub still looks for mentions and links.
 */
export function code(text: string, limit = 200): string {
  const line = oneLine(text, limit);
  if (line === '') return '';
  return /[`|\\]/.test(line)
    ? `<code>${escaped(line).replaceAll('://', ':&#8203;//')}</code>`
    : `\`${line}\``;
}

/** A URL (already normalized) as an attribute's value. */
export function attribute(url: string): string {
  return url.replace(/[&<>"'`*_|[\]\\]/g, entity);
}

/** The end of a foreign text as a fenced block that none of its lines can close, within `bytes`; '' if none fit. */
export function fence(text: string, limits: { readonly lines: number; readonly bytes: number }): string {
  const room = limits.bytes - fenceCost;
  if (text.trim() === '' || room < 1) return '';
  const end = lastLines(text, { lines: limits.lines, bytes: room });
  const body = end.text.replace(tooManyTicks, '[backticks]');
  const marks = '`'.repeat(Math.max(3, longestRun(body) + 1));
  return `${marks}text\n${end.cut ? cutNote : ''}${body}\n${marks}`;
}

const cutNote = '(earlier lines omitted)\n';

/** A fence must be longer than any run of backticks in its text; longer runs are cut. */
const tooManyTicks = /`{40,}/g;
const fenceCost = 2 * 40 + 'text\n\n'.length + cutNote.length;

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
}

/** The parts, in order, that fit in `bytes`; empty parts are omitted, a part is never cut. */
export function joinWithin(bytes: number, parts: readonly string[], separator: string): string {
  const kept: string[] = [];
  let size = 0;
  for (const part of parts.filter((candidate) => candidate !== '')) {
    size += byteLength(part) + (kept.length === 0 ? 0 : byteLength(separator));
    if (size > bytes) break;
    kept.push(part);
  }
  return kept.join(separator);
}

/**
 * A table with as many whole rows as fit in `bytes`, and a last line with the number of the others; '' without rows or if
 * not even one fits. Cells are Markdown already.
 */
export function table(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  bytes: number,
): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const frame = `${title === '' ? '' : `${title}\n\n`}${line(head)}\n${line(head.map(() => '---'))}`;
  const more = (missing: number) => (missing === 0 ? '' : `\n\n… and ${missing} more`);
  let size = byteLength(frame);
  const shown: string[] = [];
  for (const [index, row] of rows.entries()) {
    const text = line(row);
    const missing = rows.length - index - 1;
    // A note is needed only if a row is missing, but reserve its space until all rows fit.
    if (size + 1 + byteLength(text) + byteLength(more(missing)) > bytes) break;
    size += 1 + byteLength(text);
    shown.push(text);
  }
  if (shown.length === 0) return '';
  return `${frame}\n${shown.join('\n')}${more(rows.length - shown.length)}`;
}

/** A collapsed part. The blank lines make GitHub render its content as Markdown. */
export function details(summary: string, inside: string): string {
  return `<details><summary>${summary}</summary>\n\n${inside}\n\n</details>`;
}
