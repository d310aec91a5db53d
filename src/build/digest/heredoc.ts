import { isBlank } from '../../config/dockerignore/go-text.ts';
import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';

export interface Heredoc {
  /** The line that ends it. */
  readonly name: string;
  /** `<<-`: tabs before that line don't count. */
  readonly hasTabs: boolean;
}

/**
 * The heredocs that an instruction opens; their texts follow it, in this order.
 *
 * @throws Unresolvable if `<<` is among quotes and variables that cannot be read reliably.
 */
export function heredocsOf(line: string): Heredoc[] {
  if (!line.includes('<<')) return [];
  return wordsOf(line)
    .map((word) => /^\d*<<(-?)([^<]+)$/.exec(word))
    .filter((match) => match !== null)
    .map(([word, dash, name = '']) => {
      const [, plain, single, double] = /^(?:([\w./:+-]+)|'([\w./:+-]+)'|"([\w./:+-]+)")$/.exec(name) ?? [];
      const end = plain ?? single ?? double;
      if (end === undefined) throw new Unresolvable(`the heredoc ${word} cannot be read reliably`);
      return { name: end, hasTabs: dash === '-' };
    });
}

/** The words of a line with their quotes; always with `\` to escape, whatever the Dockerfile says. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let index = 0; index < line.length; index++) {
    const character = line[index] ?? '';
    if (character === '\\' && quote !== "'") {
      word += character + (line[++index] ?? '');
    } else if (quote !== '') {
      if (character === quote) quote = '';
      word += character;
    } else if (isBlank(character)) {
      if (word !== '') words.push(word);
      word = '';
    } else {
      if (character === "'" || character === '"') quote = character;
      word += character;
    }
    // Within braces, blanks and quotes follow other rules.
    if (quote !== "'" && character === '$' && /^\{[^}]*[\s'"\\{]/.test(line.slice(index + 1)))
      throw unclear();
  }
  if (quote !== '') throw unclear();
  if (word !== '') words.push(word);
  return words;
}

function unclear(): Unresolvable {
  return new Unresolvable('the Dockerfile has a line with << whose quotes cannot be read reliably');
}
