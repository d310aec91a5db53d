/**
 * A word of a command that people paste into their shell: names of files and folders are untrusted, and `$(…)` in one of
 * them must stay a name.
 */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
