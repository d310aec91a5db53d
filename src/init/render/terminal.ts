import { wrapWords } from '../../report/text.ts';

/** A text within a comment or a sentence: one line, without control characters. */
export function inline(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\p{Surrogate}/gu, '?');
}

export function comment(text: string, indent = '', width = 100): string[] {
  const mark = `${indent}# `;
  return wrapWords(inline(text), mark, mark, width).map((line) => line.trimEnd());
}

/** `a`, `a and b`, `a, b and c`. */
export function enumerate(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** Breaks a text into lines for a terminal of 80 columns, without breaking `first` and `rest`, their beginnings. */
export function wrap(text: string, first = '', rest = first): string[] {
  return wrapWords(inline(text), first, rest, 78);
}
