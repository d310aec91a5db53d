import { unseen, withoutSequences } from '../kernel/foreign.ts';

/** Foreign text without control characters; its lines stay lines. Each format quotes it in its own way. */
export function plain(text: string): string {
  return withoutSequences(text.toWellFormed())
    .replace(/\r\n?|[\u2028\u2029]/g, '\n')
    .replace(unseen, '');
}

/** Foreign text as one line of at most `limit` characters. */
export function oneLine(text: string, limit = 300): string {
  // A log of megabytes is cut before it is cleaned; 8 leaves room for control sequences.
  const line = plain(text.slice(0, limit * 8 + 1000))
    .replace(/\s+/g, ' ')
    .trim();
  const characters = Array.from(line);
  return characters.length <= limit ? line : `${characters.slice(0, limit - 1).join('')}…`;
}

/** Lines of at most `limit` characters; longer words stay whole, so that paths and commands can be copied. */
export function wrapWords(text: string, first: string, others: string, limit = 80): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > limit) {
      lines.push(line);
      line = others;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}

/** The end of a foreign text, within `lines` and `bytes` (UTF-8), and whether its beginning was cut. */
export function lastLines(
  text: string,
  limits: { readonly lines: number; readonly bytes: number },
): { readonly text: string; readonly cut: boolean } {
  // There are at most as many UTF-16 units as bytes, so a slice is a cheap first cut.
  const slice = plain(text.slice(-(limits.bytes + 1))).trimEnd();
  const lines = slice.split('\n');
  const kept = keepEnd(lines.slice(-limits.lines).join('\n'), limits.bytes);
  const cut = text.length > limits.bytes + 1 || kept.length < slice.length;
  return { text: kept, cut };
}

/** The longest end of `text` that has at most `bytes` bytes in UTF-8; never half a character. */
function keepEnd(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  let start = encoded.length - Math.max(0, bytes);
  // A byte 10xxxxxx continues a character that began before the cut.
  while (start < encoded.length && ((encoded[start] ?? 0) & 0xc0) === 0x80) start++;
  return encoded.subarray(start).toString();
}

/** The parts of one of Sluice's sentences with backticks for code, such as "Run `sluice status`." */
export function codeParts(text: string): { readonly code: boolean; readonly text: string }[] {
  return text
    .split(/`([^`]+)`/)
    .map((part, index) => ({ code: index % 2 === 1, text: part }))
    .filter((part) => part.text !== '');
}

export function byteLength(text: string): number {
  return Buffer.byteLength(text);
}
