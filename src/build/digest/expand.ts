import { isBlank } from '../../config/dockerignore/go-text.ts';
import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';

/** A variable as far as Sluice knows it: `declared` is an ARG without a value, `unknown` has a reason. */
export type Variable =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'declared' }
  | { readonly kind: 'unknown'; readonly why: string };

export type Scope = ReadonlyMap<string, Variable>;

/**
 * Expands a word of a Dockerfile as BuildKit's shell lexer does: quotes, the escape character, `$NAME`, `${NAME}`,
 * `${NAME:-default}`, `${NAME:+other}`, `${NAME:?error}`, each without the colon, and nested ones.
 *
 * @throws Unresolvable for variables without a value, and for other forms (`${NAME#…}`, `${NAME/…}`).
 */
export function expand(word: string, scope: Scope, escapeToken: string): string {
  let position = 0;
  const peek = () => word[position];

  const until = (stop: string | undefined, isQuoted: boolean): string => {
    let result = '';
    for (;;) {
      const character = word[position];
      if (character === stop) {
        position++;
        return result;
      }
      if (character === undefined) throw unreadable(word);
      position++;
      if (character === '$') result += dollar();
      else if (character === escapeToken && isQuoted) result += quotedEscape(character);
      else if (character === escapeToken) result += word[position++] ?? '';
      else if (isQuoted) result += character;
      else if (character === '"') result += until('"', true);
      else if (character === "'") result += single();
      else result += character;
    }
  };
  const single = () => {
    const end = word.indexOf("'", position);
    if (end < 0) throw unreadable(word);
    const text = word.slice(position, end);
    position = end + 1;
    return text;
  };
  /** Within double quotes an escape character stands for itself before most others. */
  const quotedEscape = (character: string) => {
    const next = peek();
    if (next === '"' || next === '$' || next === escapeToken) {
      position++;
      return next;
    }
    return character;
  };
  const dollar = () => {
    const isBraced = peek() === '{';
    if (isBraced) position++;
    const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(word.slice(position))?.[0];
    if (name === undefined) throw unreadable(word);
    position += name.length;
    // Go counts the letters of all scripts to a name.
    if (/^[^\x00-\x7f]/.test(word.slice(position))) throw unreadable(word);
    if (!isBraced) return plainValue(scope, name);
    if (peek() === '}') {
      position++;
      return plainValue(scope, name);
    }
    const hasColon = peek() === ':';
    if (hasColon) position++;
    const operator = word[position++];
    if (operator === undefined || !'-+?'.includes(operator)) throw unreadable(word);
    return operated(scope, name, operator, hasColon, until('}', false));
  };
  return until(undefined, false);
}

function plainValue(scope: Scope, name: string): string {
  const variable = scope.get(name);
  if (variable?.kind === 'value') return variable.value;
  // Declared before the first FROM and given no value, it is empty for every BuildKit.
  if (variable?.kind === 'declared') return '';
  throw withoutValue(name, variable);
}

function operated(scope: Scope, name: string, operator: string, hasColon: boolean, operand: string): string {
  const variable = scope.get(name);
  if (variable?.kind === 'unknown') throw withoutValue(name, variable);
  // BuildKit 0.13 takes it for set and empty, later ones for unset.
  if (variable?.kind === 'declared' && !hasColon) throw withoutValue(name, variable);
  const value = variable?.kind === 'value' ? variable.value : undefined;
  const isGiven = value !== undefined && !(hasColon && value === '');
  if (operator === '-') return isGiven ? value : operand;
  if (operator === '+') return isGiven ? operand : '';
  if (!isGiven) throw withoutValue(name, variable);
  return value;
}

function withoutValue(name: string, variable: Variable | undefined): Unresolvable {
  if (variable?.kind === 'unknown') return new Unresolvable(`$${name} ${variable.why}`);
  return new Unresolvable(`$${name} has no value before the first FROM of the Dockerfile`);
}

function unreadable(word: string): Unresolvable {
  return new Unresolvable(`"${word}" in the Dockerfile cannot be expanded reliably`);
}

/** The words of an ARG: blanks part them unless they are quoted or escaped; quotes and escapes stay. */
export function splitWords(text: string, escapeToken: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? '';
    if (quote === '' && isBlank(character)) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    if (character === escapeToken && quote !== "'") {
      // One at the very end is dropped.
      if (index + 1 < text.length) word += character + text[++index];
      continue;
    }
    if (quote === '' && /['"]/.test(character)) quote = character;
    else if (character === quote) quote = '';
    word += character;
  }
  if (word !== '') words.push(word);
  return words;
}
