import type { Finding } from '../../model.ts';

/** A file that a formatter changes, and the first changed line. */
interface Reformatted {
  readonly path: string;
  readonly line: number;
  /** Number of changed places. */
  readonly places: number;
}

/** Reads the unified diffs that `black --diff` and `ruff format --diff` print. */
export function readDiffs(text: string): Reformatted[] {
  return text.split(/^(?=--- )/m).flatMap((diff) => {
    const path = /^--- ([^\t\n]+)(?:\t.*)?\n\+\+\+ /.exec(diff)?.[1];
    const hunks = [...diff.matchAll(/^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@.*\n((?:[ +\-\\].*\n?|\n)*)/gm)];
    const [first] = hunks;
    if (path === undefined || first === undefined) return [];
    const before = (first[2] ?? '').split('\n').findIndex((line) => /^[+-]/.test(line));
    // A hunk begins at line 0 of an empty file.
    return [{ path, line: Math.max(1, Number(first[1]) + Math.max(0, before)), places: hunks.length }];
  });
}

/** @param command that formats the file. */
export function formatFinding(
  tool: string,
  rule: string,
  file: string,
  { line, places }: Pick<Reformatted, 'line' | 'places'>,
  command: string,
): Finding {
  const where = places === 1 ? 'in one place' : `in ${places} places`;
  return {
    tool,
    rule,
    severity: 'low',
    level: 'fail',
    message: `Not formatted with ${command}: differs ${where}.`,
    at: { file, line },
    fix: `Run \`${command}\`.`,
    subject: file,
  };
}

/** A file that is not valid Python. */
export function unparsable(tool: string, file: string, line: number, column: number, why: string): Finding {
  return {
    tool,
    rule: 'invalid-syntax',
    severity: 'high',
    level: 'fail',
    message: why,
    at: { file, line, column },
  };
}
