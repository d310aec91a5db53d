import { Unresolvable } from './unresolvable.ts';

/** One compiled pattern of a .dockerignore, without its `!`. */
export interface IgnorePattern {
  /** Whether the path itself matches; paths count from the context's root and have forward slashes. */
  matches(path: string): boolean;
  /** `false` only if no path below the folder can match. */
  mayMatchBelow(folder: string): boolean;
}

type Kind = 'exact' | 'prefix' | 'suffix' | 'regexp';

/**
 * Compiles as github.com/moby/patternmatcher does, which is neither gitignore nor a shell's glob: `**` matches any
 * number of folders, but only as text (`**foo` matches `barfoo`); `*`, `?` and classes stay within one name.
 *
 * @throws Unresolvable for patterns that BuildKit refuses, and for those that only Go's regular expressions
 *   understand (`\d`, `[[:alpha:]]`, a wildcard within a class).
 */
export function compilePattern(pattern: string): IgnorePattern {
  const { kind, source } = translate(pattern);
  // BuildKit forgets to escape these (a shift beyond the byte in its table), so they mean what they do in Go.
  if (kind === 'regexp' && /\||\{\d+(?:,\d*)?\}/.test(pattern)) throw refused(pattern);
  const lead = /^[^*?[\]\\^]*/.exec(pattern)?.[0] ?? '';
  const mayMatchBelow = (folder: string) => {
    const inside = `${folder}/`;
    if (lead === pattern) return pattern.startsWith(inside);
    return lead.startsWith(inside) || inside.startsWith(lead);
  };
  switch (kind) {
    case 'exact':
      return { matches: (path) => path === pattern, mayMatchBelow };
    case 'prefix': {
      const prefix = pattern.slice(0, -2);
      return { matches: (path) => path.startsWith(prefix), mayMatchBelow };
    }
    case 'suffix': {
      const suffix = pattern.slice(2);
      const name = suffix.startsWith('/') ? suffix.slice(1) : undefined;
      return { matches: (path) => path.endsWith(suffix) || path === name, mayMatchBelow };
    }
    case 'regexp': {
      const regexp = new RegExp(`${source}$`, 'u');
      return { matches: (path) => regexp.test(path), mayMatchBelow };
    }
  }
}

/** The pattern as a regular expression, and how BuildKit compares with it: only one of the kinds uses the former. */
function translate(pattern: string): { kind: Kind; source: string } {
  if (/[\ufeff\ufffd]/.test(pattern)) throw refused(pattern);
  const characters = [...pattern];
  let kind: Kind = 'exact';
  let source = '^';
  let position = 0;
  while (position < characters.length) {
    const isFirst = position === 0;
    const character = characters[position++] ?? '';
    if (character === '*' && characters[position] === '*') {
      position++;
      if (characters[position] === '/') position++;
      if (position < characters.length) {
        // A dot of Go's matches all but a line feed; one of JavaScript's spares more.
        source += '(?:[^\\n]*/)?';
        kind = 'regexp';
      } else if (kind === 'exact') {
        kind = 'prefix';
      } else {
        source += '[^\\n]*';
        kind = 'regexp';
      }
      if (isFirst) kind = 'suffix';
    } else if (character === '*') {
      source += '[^/]*';
      kind = 'regexp';
    } else if (character === '?') {
      source += '[^/]';
      kind = 'regexp';
    } else if (character === '\\') {
      const next = characters[position++];
      if (next === undefined || !/[!-/:-@[-`{-~ ]/.test(next)) throw refused(pattern);
      source += literal(next);
      kind = 'regexp';
    } else if (character === '[') {
      const { text, length } = characterClass(characters.slice(position - 1), pattern);
      source += text;
      position += length - 1;
      kind = 'regexp';
    } else if (character === ']') {
      source += '\\]';
      kind = 'regexp';
    } else {
      // BuildKit leaves this one as it is, so it anchors.
      source += character === '^' ? '^' : literal(character);
    }
  }
  return { kind, source };
}

function literal(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

/** A class in the form that Go's globs and its regular expressions read alike. */
function characterClass(characters: readonly string[], pattern: string): { text: string; length: number } {
  const end = characters.indexOf(']', 1);
  const isNegated = characters[1] === '^';
  const items = characters.slice(isNegated ? 2 : 1, end);
  if (end < 0 || items.length === 0 || items.some((item) => /[[\\*?]/.test(item))) throw refused(pattern);
  let text = isNegated ? '[^' : '[';
  for (let index = 0; index < items.length; index++) {
    const from = items[index] ?? '';
    if (from === '-') throw refused(pattern);
    text += literal(from);
    if (items[index + 1] !== '-') continue;
    const to = items[index + 2];
    if (to === undefined || to === '-' || (to.codePointAt(0) ?? 0) < (from.codePointAt(0) ?? 0)) {
      throw refused(pattern);
    }
    text += `-${literal(to)}`;
    index += 2;
  }
  return { text: `${text}]`, length: end + 1 };
}

function refused(pattern: string): Unresolvable {
  return new Unresolvable(
    `the pattern ${JSON.stringify(pattern)} of the .dockerignore can't be read for certain`,
  );
}
