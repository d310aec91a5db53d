/**
 * Quotes words for a POSIX shell, on one line: a shell that waits for its command reads exactly one. Newlines are
 * written as `"$nl"`, which the waiting shell defines (shell.ts).
 *
 * @throws RangeError for a word with a NUL character, which no argument can hold.
 */
export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

function quoteWord(word: string): string {
  if (word.includes('\u0000')) throw new RangeError('An argument cannot hold a NUL character');
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''").replaceAll('\n', `'"$nl"'`)}'`;
}
