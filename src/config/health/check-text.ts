import type { ComposeService } from '../model.ts';

/** The command of a health check, in the forms that its readers need. */
export interface CheckText {
  /** One line, variables replaced as far as the definition of the service sets them. */
  readonly line: string;
  /** The simple commands in it, those of `sh -c`, `$(…)` and pipes included, each as its words. */
  readonly commands: readonly (readonly string[])[];
}

/** Whole scripts are in some checks; what they ask is near their beginning. */
const longest = 4096;

/** @returns undefined where the service has no check, or has switched it off. */
export function checkText(service: ComposeService): CheckText | undefined {
  const { test, disable } = service.healthcheck ?? {};
  if (test === undefined || disable === true) return undefined;
  const [form, ...words] = test.map(String);
  if (form === undefined || form === 'NONE' || words.length === 0) return undefined;
  const environment = service.environment ?? {};
  const shown = words.map((word) => withVariables(word.slice(0, longest), environment));
  const line = shown.join(' ').slice(0, longest);
  return { line, commands: form === 'CMD' ? commandsOfWords(shown, 0) : commandsIn(line, 0) };
}

/**
 * Replaces `$PORT`, `${PORT:-3000}` and `process.env.PORT || 3000` by their values, and all ways to name the
 * container itself by `localhost`. Unknown variables stay.
 */
function withVariables(text: string, environment: NonNullable<ComposeService['environment']>): string {
  const known = (name: string): string | undefined => {
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (typeof value === 'string' && /^[\w.:/-]{1,200}$/.test(value)) return value;
    return name === 'HOSTNAME' ? 'localhost' : undefined;
  };
  if (!/[$`]|process\.env/.test(text)) return text;
  let result = text
    .replaceAll('$$', '$')
    .replace(/\$\(\s*hostname(?:\s+-\w{1,9})?\s*\)|`\s*hostname(?:\s+-\w{1,9})?\s*`/g, 'localhost')
    .replace(
      /(?:\$\{|["'`]\s?\+\s?\(?)\s?process\.env\.(\w{1,80})(?:\s?(?:\|\||\?\?)\s?["']?(\d{1,5})["']?)?\s?(?:\}|\)?\s?\+\s?["'`])/g,
      (whole, name: string, fallback?: string) => known(name) ?? fallback ?? whole,
    )
    .replace(
      /\bprocess\.env\.(\w{1,80})(?:\s?(?:\|\||\?\?)\s?["']?(\d{1,5})["']?)?/g,
      (whole, name: string, fallback?: string) => known(name) ?? fallback ?? whole,
    );
  // A default may itself be a variable: the innermost first.
  for (let depth = 0; depth < 3; depth++) {
    result = result.replace(
      /\$\{(\w{1,80})(?::?[-=]([^{}$]{0,200}))?\}|\$(\w{1,80})/g,
      (whole, braced?: string, fallback?: string, plain?: string) =>
        known(braced ?? plain ?? '') ?? fallback ?? whole,
    );
  }
  return result;
}

/** A command given as words: `sh -c SCRIPT`, behind `timeout 5` and the like, is the script. */
function commandsOfWords(words: readonly string[], depth: number): string[][] {
  const shell = words.findIndex((word) => /(?:^|\/)(?:ba|da|a|z|k)?sh$/.test(word));
  const option = words.findIndex((word, index) => index > shell && /^-[a-z]*c$/.test(word));
  const script = shell < 0 || option < 0 ? undefined : words[option + 1];
  const inner = words.flatMap((word) => substitutions(word, depth));
  if (script !== undefined && depth < 3) return [...commandsIn(script, depth + 1), ...inner];
  return [[...words], ...inner];
}

function substitutions(word: string, depth: number): string[][] {
  if (depth >= 3) return [];
  const [, dollar, back] = /\$\(([^()]{1,2000})\)|`([^`]{1,2000})`/.exec(word) ?? [];
  const inner = dollar ?? back;
  return inner === undefined || !/\s/.test(inner) ? [] : commandsIn(inner, depth + 1);
}

/** Splits a line of the shell at its operators, with the shell's quotes. */
function commandsIn(script: string, depth: number): string[][] {
  const commands: string[][] = [[]];
  let word: string | undefined;
  let quote: string | undefined;
  const endWord = () => {
    if (word !== undefined) commands.at(-1)?.push(word);
    word = undefined;
  };
  for (let index = 0; index < script.length; index++) {
    const char = script[index] ?? '';
    const next = script[index + 1];
    const opens = quote === undefined ? substitutionAt(script, index) : undefined;
    if (quote === undefined && opens !== undefined) {
      word = `${word ?? ''}${opens}`;
      index += opens.length - 1;
    } else if (char === '\\' && quote !== "'" && next !== undefined && /["\\$`\s]/.test(next)) {
      word = `${word ?? ''}${next}`;
      index++;
    } else if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word = `${word ?? ''}${char}`;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char) && char !== '\n') endWord();
    else if (/[;|&\n()<>]/.test(char)) {
      endWord();
      if ((commands.at(-1)?.length ?? 0) > 0) commands.push([]);
    } else word = `${word ?? ''}${char}`;
  }
  endWord();
  return commands.filter((words) => words.length > 0).flatMap((words) => commandsOfWords(words, depth));
}

/** `$(…)` or `` `…` `` that begins here, whole, so that the blanks in it do not part the word. */
function substitutionAt(script: string, index: number): string | undefined {
  const ends = script.startsWith('$(', index) ? ')' : script[index] === '`' ? '`' : undefined;
  if (ends === undefined) return undefined;
  const end = script.indexOf(ends, index + 1);
  return end < 0 ? undefined : script.slice(index, end + 1);
}
