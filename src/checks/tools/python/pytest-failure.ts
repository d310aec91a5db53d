import type { PythonProject } from '../../detect/python.ts';
import type { Finding } from '../../model.ts';
import type { FailedTest } from '../../parse/junit.ts';
import { inFolder, type Repo } from '../../repo.ts';
import { shownPath } from './project-check.ts';

const shownLines = 8;

/** A failed test, at its failed line. */
export function pytestFinding(failed: FailedTest, repo: Repo, project: PythonProject): Finding {
  const isCollection = failed.message === 'collection failure';
  const known = new Set(repo.files);
  const fileOf = (path: string) =>
    [shownPath(repo, project.folder, path), path].find((file) => known.has(file));
  const test = failed.file === undefined ? undefined : fileOf(failed.file);
  const place = placeIn(failed.text, fileOf, test) ?? {
    file: test ?? inFolder(project.folder, failed.file ?? ''),
    ...(failed.line === undefined ? {} : { line: failed.line }),
  };
  // pytest marks the lines of the error with E.
  const errors = failed.text.match(/^E {3,}\S.*$/gm)?.map((line) => line.slice(1).trim()) ?? [];
  const said = errors.length === 0 ? failed.message : errors.slice(0, shownLines).join('\n');
  const what = isCollection ? `cannot be imported: ${causeOf(errors)}` : `failed: ${said}`;
  return {
    tool: 'pytest',
    rule: failed.name,
    severity: 'high',
    level: 'fail',
    message: `${failed.name} ${what}`,
    ...(place.file === '' ? {} : { at: place }),
    subject: failed.name,
  };
}

/** The exception is the last of the marked lines; a syntax error shows its place before. */
function causeOf(errors: readonly string[]): string {
  return (
    errors.findLast((line) => /^[\w.]+(?:Error|Exception|Warning)?:/.test(line)) ??
    errors[0] ??
    'collection failed'
  );
}

/**
 * The last line of the test's own file in a traceback: it has the assertion, or the call that led to the error.
 * Without one it is the last line in any file of the repository.
 */
function placeIn(text: string, fileOf: (path: string) => string | undefined, test: string | undefined) {
  // `tests/test_a.py:10: in test_fail`, and for a syntax error `File "/…/tests/test_c.py", line 1`.
  const frames = [...text.matchAll(/^(?:E\s+File "(.+?)", line (\d+)|(\S.*?\.py):(\d+): )/gm)].flatMap(
    ([, quoted, quotedLine, path, line]) => {
      const file = fileOf(quoted ?? path ?? '');
      return file === undefined ? [] : [{ file, line: Number(quotedLine ?? line) }];
    },
  );
  return frames.findLast(({ file }) => file === test) ?? frames.at(-1);
}
