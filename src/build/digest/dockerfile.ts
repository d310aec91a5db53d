import { isBlank, trimBlanks, trimLeadingBlanks } from '../../config/dockerignore/go-text.ts';
import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';

export interface Instruction {
  /** Upper case. */
  readonly keyword: string;
  /** `--name=value` as written in front of the arguments, without quotes. */
  readonly flags: readonly string[];
  /** The arguments, on one line. */
  readonly rest: string;
  /** The elements, if it is a RUN, COPY or ADD with a JSON array. */
  readonly json: readonly string[] | undefined;
}

export interface Dockerfile extends Directives {
  readonly instructions: readonly Instruction[];
}

const keywords =
  /^(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)$/;

/**
 * Reads a Dockerfile into instructions as BuildKit does (frontend/dockerfile/parser): directives, comments within
 * continued lines, heredocs. Arguments are not expanded.
 *
 * @throws Unresolvable for what can't be read for certain.
 */
export function readDockerfile(text: string): Dockerfile {
  const directives = readDirectives(text);
  const lines = text.split('\n').map((line) => line.replace(/(?<![\r\n])[\r\n]+$/, ''));
  const instructions: Instruction[] = [];
  let next = 0;
  const nextLine = () => lines[next++] ?? '';
  while (next < lines.length) {
    const first = trimLeadingBlanks(nextLine());
    if (first === '' || first.startsWith('#')) continue;
    let { part: line, isContinued } = continuation(first, directives.escapeToken);
    while (isContinued && next < lines.length) {
      const more = nextLine();
      const start = trimLeadingBlanks(more);
      if (start === '' || start.startsWith('#')) continue;
      const { part, isContinued: goesOn } = continuation(more, directives.escapeToken);
      line += part;
      isContinued = goesOn;
    }
    const instruction = parseInstruction(line);
    instructions.push(instruction);
    if (!mayHoldHeredocs(instruction)) continue;
    for (const { name, hasTabs } of heredocsOf(line)) {
      const isEnd = (text: string) => (hasTabs ? text.replace(/^\t+/, '') : text) === name;
      while (next < lines.length && !isEnd(lines[next] ?? '')) next++;
      if (next++ >= lines.length) throw new Unresolvable(`the heredoc <<${name} has no end`);
    }
  }
  return { ...directives, instructions };
}

/** A line continues if it ends with an escape character that is not escaped itself. */
function continuation(line: string, escapeToken: string): { part: string; isContinued: boolean } {
  const bare = line.replace(/(?<![ \t])[ \t]+$/, '');
  const isContinued = bare.endsWith(escapeToken) && !bare.endsWith(escapeToken + escapeToken);
  return isContinued ? { part: bare.slice(0, -1), isContinued } : { part: line, isContinued };
}

/** @throws Unresolvable for unknown keywords. */
export function parseInstruction(line: string): Instruction {
  const [, word = '', tail = ''] = /^([^\t\v\f\r ]*)[\t\v\f\r ]*(.*)$/s.exec(trimBlanks(line)) ?? [];
  const keyword = word.toUpperCase();
  if (!keywords.test(keyword)) throw new Unresolvable(`the Dockerfile has an unknown instruction (${word})`);
  const { flags, rest } = splitFlags(tail);
  return { keyword, flags, rest, json: /^(?:RUN|COPY|ADD)$/.test(keyword) ? jsonArray(rest) : undefined };
}

/** The arguments of an instruction that takes a list. */
export function listOf({ json, rest }: Instruction): readonly string[] {
  return json ?? rest.split(/[\t\v\f\r ]+/).filter((word) => word !== '');
}

function mayHoldHeredocs(instruction: Instruction): boolean {
  const inner = instruction.keyword === 'ONBUILD' ? parseInstruction(instruction.rest) : instruction;
  return /^(?:RUN|COPY|ADD)$/.test(inner.keyword) && inner.json === undefined;
}

/** Flags may be quoted in part (`--chown="a b"`), and always with `\` to escape. */
function splitFlags(text: string): { flags: string[]; rest: string } {
  const flags: string[] = [];
  let index = 0;
  for (;;) {
    while (isBlank(text[index] ?? '')) index++;
    if (!text.startsWith('--', index)) return { flags, rest: trimBlanks(text.slice(index)) };
    let flag = '';
    let quote = '';
    for (; index < text.length && (quote !== '' || !isBlank(text[index] ?? '')); index++) {
      const character = text[index] ?? '';
      if (character === '\\') flag += text[++index] ?? '';
      else if (quote === '' && /['"]/.test(character)) quote = character;
      else if (character === quote) quote = '';
      else flag += character;
    }
    if (flag === '--') return { flags, rest: trimBlanks(text.slice(index)) };
    flags.push(flag);
  }
}

/** @throws Unresolvable if text follows the array: old versions of BuildKit ignore it, and new ones the array. */
function jsonArray(text: string): string[] | undefined {
  const string = '"(?:[^"\\\\\\x00-\\x1f]|\\\\.)*"';
  const blanks = '[ \\t\\r\\n]*';
  const array = new RegExp(`^\\[${blanks}(?:${string}${blanks}(?:,${blanks}${string}${blanks})*)?\\]`);
  const found = array.exec(text)?.[0];
  if (found === undefined) return undefined;
  let elements: string[];
  try {
    elements = JSON.parse(found);
  } catch {
    return undefined;
  }
  if (found === text) return elements;
  throw new Unresolvable(`the Dockerfile has text after the array ${found}`);
}

/** The directives in the comments at the top of a Dockerfile. */
export interface Directives {
  readonly escapeToken: '\\' | '`';
  /** Image of the frontend that reads the file; undefined: the engine's own. */
  readonly syntax: string | undefined;
}

const directive =
  /^#[\t\n\v\f\r \u0085\u00a0]*([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*$/;
const known: readonly string[] = ['syntax', 'escape', 'check'];

/**
 * `# syntax=`, `# escape=` and `# check=`, up to the first other line.
 *
 * @throws Unresolvable for files that only another frontend can read, and for invalid directives.
 */
function readDirectives(text: string): Directives {
  // BuildKit looks for `//syntax=` and a JSON document, too: other languages with other frontends.
  if (/^(?:#![^\n]*\n)?\s*(?:\/\/|\{)/.test(text))
    throw new Unresolvable('the Dockerfile is in another language');
  const hasShebang = text.startsWith('#!');
  // Behind a shebang BuildKit still finds the syntax, but no escape.
  const lines = text.split('\n').slice(hasShebang ? 1 : 0);
  const found = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = directive.exec(line) ?? [];
    const key = name.toLowerCase();
    if (!known.includes(key)) break;
    if (found.has(key)) throw new Unresolvable(`the Dockerfile has the directive "${key}" twice`);
    found.set(key, value);
  }
  const escapeToken = hasShebang ? '\\' : (found.get('escape') ?? '\\');
  if (escapeToken !== '\\' && escapeToken !== '`')
    throw new Unresolvable('the Dockerfile has an unknown escape character');
  return { escapeToken, syntax: found.get('syntax')?.split(' ')[0] };
}

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
function heredocsOf(line: string): Heredoc[] {
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
