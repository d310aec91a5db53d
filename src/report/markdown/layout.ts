import { byteLength } from '../text.ts';

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
