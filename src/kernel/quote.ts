/**
 * One word for a POSIX shell, bare where the shell takes every character literally. Names of files come from the repository:
 * `$(…)` in one must stay a name, also when a person pastes the command.
 */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}
