/**
 * Splits a command as Compose does, by the quoting rules of a shell without expansions: single quotes, double quotes
 * with `\"` and `\\`, and backslashes. An unclosed quote goes to the end.
 */
export function splitWords(command: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let index = 0; index < command.length; index++) {
    const char = command[index] ?? '';
    const next = command[index + 1];
    if (quote === "'") {
      if (char === quote) quote = undefined;
      else word += char;
    } else if (
      char === '\\' &&
      next !== undefined &&
      (quote === undefined || next === '"' || next === '\\')
    ) {
      word = (word ?? '') + next;
      index++;
    } else if (quote === '"') {
      if (char === quote) quote = undefined;
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}
