import { cleanPath, trimBlanks } from './go-text.ts';
import { compilePattern, type IgnorePattern } from './ignore-pattern.ts';
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
