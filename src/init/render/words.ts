import { wrapWords } from '../../report/text.ts';

/** Texts of a repository (names of files, folders, branches, services) on their way into files and onto a terminal. */

/** Words that YAML 1.1 or 1.2 reads as something else than text. */
const notText = /^(?:y|n|yes|no|on|off|true|false|null|~)$/i;

/** A text as a YAML scalar: plain where that is safe everywhere, flow collections included, else in double quotes. */
export function scalar(text: string): string {
  if (/^[A-Za-z_/][\w./@-]*(?:[: ][\w./@=-]+)*$/.test(text) && !notText.test(text)) return text;
  // Fewer backslashes, and what formatters of YAML make of it.
  if (/^[ !"#-&(-[\]-~]+$/.test(text) && text.includes('"')) return `'${text}'`;
  // JSON is YAML but for what YAML does not let stand in a stream as it is.
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

/** A list of texts in brackets. */
export function list(texts: readonly string[]): string {
  return `[${texts.map(scalar).join(', ')}]`;
}

/** A text within a comment or a sentence: one line, without anything that drives a terminal or ends the comment. */
export function inline(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\p{Surrogate}/gu, '?');
}

/** A comment, broken into lines. */
export function comment(text: string, indent = '', width = 100): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of inline(text).split(' ')) {
    if (line !== '' && indent.length + 2 + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((entry) => `${indent}# ${entry}`.trimEnd());
}

/** `a`, `a and b`, `a, b and c`. */
export function enumerate(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** Breaks a text into lines for a terminal of 80 columns; what begins the lines is not broken. */
export function wrap(text: string, first = '', rest = first, width = 78): string[] {
  return wrapWords(inline(text), first, rest, width);
}
