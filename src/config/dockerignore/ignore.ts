import { cleanPath, trimBlanks } from './go-text.ts';
import { Unresolvable } from './unresolvable.ts';

/** The verdict on one path, which its children need. */
export interface Verdict {
  readonly isExcluded: boolean;
  readonly matched: readonly boolean[];
}

/** Which paths of a context the build does not see. */
export interface Ignore {
  /**
   * @param path from the context's root, with forward slashes.
   * @param parent the verdict on its folder; undefined directly in the root.
   */
  judge(path: string, parent: Verdict | undefined): Verdict;
  /** Whether something below an excluded folder may be included nevertheless. */
  mayIncludeBelow(folder: string): boolean;
}

interface Rule extends IgnorePattern {
  readonly isException: boolean;
}

/**
 * Reads a .dockerignore as BuildKit does (moby/patternmatcher's ignorefile and MatchesUsingParentResults, through
 * tonistiigi/fsutil's filter): the last rule that matches a path or a folder above it decides.
 *
 * @throws Unresolvable for patterns that BuildKit refuses or that can't be read for certain.
 */
export function readIgnore(text: string): Ignore {
  const rules = patternsOf(text)
    .map(ruleOf)
    .filter((rule) => rule !== undefined);
  const exceptions = rules.filter((rule) => rule.isException);
  return {
    judge(path, parent) {
      let isExcluded = false;
      const matched = rules.map((rule, index) => {
        let isMatch = parent?.matched[index] === true;
        if (!isMatch) {
          // Not an optimization: a rule that is skipped here counts as not matched for everything below, too.
          if (rule.isException !== isExcluded) return false;
          isMatch = rule.matches(path);
        }
        if (isMatch) isExcluded = !rule.isException;
        return isMatch;
      });
      return { isExcluded, matched };
    },
    mayIncludeBelow: (folder) => exceptions.some((rule) => rule.mayMatchBelow(folder)),
  };
}

/** The lines, as the ignore file's reader hands them to the matcher. */
function patternsOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map(trimBlanks)
    .filter((line) => line !== '')
    .map((line) => {
      const isException = line.startsWith('!');
      const path = isException ? trimBlanks(line.slice(1)) : line;
      const clean = path === '' ? '' : cleanPath(path);
      const relative = clean.length > 1 && clean.startsWith('/') ? clean.slice(1) : clean;
      return isException ? `!${relative}` : relative;
    });
}

/** The matcher cleans again, so `/!a` becomes an exception here. */
function ruleOf(line: string): Rule | undefined {
  const trimmed = trimBlanks(line);
  if (trimmed === '') return undefined;
  const pattern = cleanPath(trimmed);
  if (pattern === '!') throw new Unresolvable('the .dockerignore has an exception without a path ("!")');
  const isException = pattern.startsWith('!');
  return { ...compilePattern(isException ? pattern.slice(1) : pattern), isException };
}

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
function compilePattern(pattern: string): IgnorePattern {
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
