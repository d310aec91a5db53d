import { UserError, UserErrors } from '../../kernel/errors.ts';
import { interpolate, type Lookup } from './interpolate.ts';

/** One assignment of an env file. */
export interface EnvEntry {
  readonly name: string;
  readonly value: string;
  /** Line and column of the name, from 1. */
  readonly line: number;
  readonly column: number;
}

export interface EnvFile {
  /** In the order of the file; a name may come twice, and the last one counts. */
  readonly entries: readonly EnvEntry[];
  /** Names without a value (`NAME` alone on a line): they are taken from the surroundings. */
  readonly inherited: readonly { readonly name: string; readonly line: number; readonly column: number }[];
}

export interface EnvFileOptions {
  /** Variables that values may refer to, besides those above them in the same file. */
  readonly lookup?: Lookup;
  /** `false` leaves `$` as it stands, and reports none: for `.env.example`. */
  readonly interpolate?: boolean;
}

type Problem = {
  readonly code: 'env.syntax' | 'env.reference';
  readonly message: string;
  readonly hint: string;
};

/**
 * Reads an env file as Docker Compose does (its dotenv dialect): `NAME=value`, `NAME: value`, `export NAME=value`;
 * comments from `#` or, behind an unquoted value, from ` #`; `'…'` as it stands, with `\'`; `"…"` with escapes and
 * `$NAME`; both may go over several lines. Stricter than Compose where that would guess: text behind a closing
 * quote and references to variables that are not set are errors.
 *
 * @param file how messages call it.
 * @throws UserErrors `env.syntax` and `env.reference`, all of the file, with places and never with values.
 */
export function parseEnvFile(text: string, file: string, options: EnvFileOptions = {}): EnvFile {
  const reader = createReader(text.replace(/^\uFEFF/, ''));
  const entries: EnvEntry[] = [];
  const inherited: { name: string; line: number; column: number }[] = [];
  const errors: UserError[] = [];
  const values = new Map<string, string>();
  const lookup: Lookup = (name) => values.get(name) ?? options.lookup?.(name);
  const report = (at: { line: number; column: number }, problem: Problem) =>
    errors.push(new UserError({ ...problem, at: { file, ...at } }));

  while (reader.toStatement()) {
    const at = reader.place();
    const name = reader.name();
    if (typeof name !== 'string') {
      report(at, name);
      reader.skipLine();
      continue;
    }
    if (!reader.separator()) {
      inherited.push({ name, ...at });
      continue;
    }
    const raw = reader.value();
    if ('code' in raw) {
      report(at, { ...raw, message: `${name}: ${raw.message}` });
      reader.skipLine();
      continue;
    }
    const value = raw.literal || options.interpolate === false ? raw.text : interpolate(raw.text, lookup);
    if (typeof value === 'string') {
      entries.push({ name, value, ...at });
      values.set(name, value);
    } else {
      report(at, { ...referenceFault, message: `${name}: ${faultTexts[value.kind]}` });
    }
  }
  if (errors.length > 0) throw new UserErrors(errors);
  return { entries, inherited };
}

// The name of the variable that is referred to is not shown: in pa$word it is a part of the password.
const faultTexts = {
  unset: 'the value refers to a variable that is not set',
  required: 'the value requires (:?) a variable that is not set',
  malformed: 'a $ reference in the value lacks its closing brace or its name',
} as const;
const referenceFault = {
  code: 'env.reference',
  hint: "If the $ is literal, put the value in single quotes: NAME='…'.",
} as const;

const unclosed = (quote: string): Problem => ({
  code: 'env.syntax',
  message: `the value starts with ${quote} that is not closed`,
  hint: 'Close the quote. Escape a quote inside the value with a backslash.',
});
const behindQuote: Problem = {
  code: 'env.syntax',
  message: 'there is text after the closing quote',
  hint: 'Put the whole value in one pair of quotes. Escape a quote inside it with a backslash.',
};
const noName: Problem = {
  code: 'env.syntax',
  message: 'This line does not start with NAME=',
  hint: 'A name consists of letters, digits and _, and does not start with a digit. Quote values that span several lines.',
};

/** A value as written: `literal` ones are not interpolated. */
type RawValue = { readonly text: string; readonly literal: boolean };

function createReader(text: string) {
  let position = 0;
  let countedTo = 0;
  let line = 1;
  // Compose counts these as blanks within a line; Unicode knows more.
  const skipBlanks = () => void skip(/[\t\v\f\r \u0085\u00a0]*/y);
  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = position;
    const found = pattern.exec(text)?.[0] ?? '';
    position += found.length;
    return found;
  };

  return {
    /** Goes to the next assignment, over blank lines and comments. */
    toStatement(): boolean {
      skip(/(?:\s+|#[^\n]*)*/y);
      return position < text.length;
    },
    place() {
      for (; countedTo < position; countedTo++) if (text[countedTo] === '\n') line++;
      return { line, column: position - text.lastIndexOf('\n', position - 1) };
    },
    name(): string | Problem {
      skip(/export[\t\v\f\r \u0085\u00a0]+/y);
      const name = skip(/[\p{L}_][\p{L}\p{N}_.[\]-]*/uy);
      skipBlanks();
      if (name !== '' && (position >= text.length || /[=:\n#]/.test(text[position] ?? ''))) return name;
      return noName;
    },
    /** Steps over `=` or `:`; without one the name inherits its value. */
    separator(): boolean {
      if (text[position] !== '=' && text[position] !== ':') {
        skip(/#[^\n]*/y);
        return false;
      }
      position++;
      skipBlanks();
      return true;
    },
    value(): RawValue | Problem {
      const quote = text[position];
      if (quote !== '"' && quote !== "'") {
        const rest = skip(/[^\n]*/y);
        return { text: rest.replace(/ #.*$/s, '').trimEnd(), literal: false };
      }
      const end = closingQuote(text, position, quote);
      if (end === undefined) return unclosed(quote === '"' ? 'a double quote' : 'a single quote');
      const inner = text.slice(position + 1, end).replaceAll(`\\${quote}`, quote);
      position = end + 1;
      skipBlanks();
      if (!/^(?:\n|#|$)/.test(text.slice(position, position + 1))) return behindQuote;
      return quote === "'" ? { text: inner, literal: true } : { text: resolveEscapes(inner), literal: false };
    },
    skipLine: () => void skip(/[^\n]*/y),
  };
}

/** A backslash makes the next character, a quote or another backslash, part of the value. */
function closingQuote(text: string, start: number, quote: string): number | undefined {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === '\\') index++;
    else if (text[index] === quote) return index;
  }
  return undefined;
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
  // An escaped dollar stays one through the interpolation that follows.
  $: '$$',
};

/** The escapes of double quotes; a backslash before anything else stands for itself. */
function resolveEscapes(text: string): string {
  return text.replace(/\\(?:([abfnrtv$"\\])|0(\d{0,3}))/g, (whole, letter?: string, octal = '') => {
    if (letter !== undefined) return escapes[letter] ?? whole;
    // Compose drops the zero of an invalid octal.
    return /^[0-3][0-7]{2}$/.test(octal) ? String.fromCharCode(Number.parseInt(octal, 8)) : `\\${octal}`;
  });
}
