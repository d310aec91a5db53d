import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../kernel/errors.ts';
import { readText } from './study/tree.ts';

export interface WantedFile {
  /** Relative to the repository root. */
  readonly path: string;
  readonly text: string;
}

export interface FilePlan extends WantedFile {
  /** `new`: missing; `same`: exists with this text; `differs`: exists with another text. */
  readonly state: 'new' | 'same' | 'differs';
  /** The changes as a unified diff, for `differs`. */
  readonly diff: string;
}

/** The result for one file; `left`: it differs and was not changed. */
export type FileOutcome = 'written' | 'changed' | 'unchanged' | 'left';

export async function planFiles(top: string, wanted: readonly WantedFile[]): Promise<FilePlan[]> {
  return await Promise.all(
    wanted.map(async (file): Promise<FilePlan> => {
      const before = await readText(join(top, file.path));
      if (before === undefined) return { ...file, state: 'new', diff: '' };
      // CRLF of a checkout on Windows is not a difference.
      if (before.replaceAll('\r\n', '\n') === file.text) return { ...file, state: 'same', diff: '' };
      return { ...file, state: 'differs', diff: unifiedDiff(file.path, before, file.text) };
    }),
  );
}

/**
 * Writes the new files, and those of the differing files that the user named.
 *
 * @param mayChange whether an existing file may be changed.
 * @throws UserError `init.write`
 */
export async function writeFiles(
  top: string,
  plans: readonly FilePlan[],
  mayChange: (path: string) => boolean,
): Promise<FileOutcome[]> {
  const outcomes: FileOutcome[] = [];
  for (const plan of plans) {
    if (plan.state === 'same') outcomes.push('unchanged');
    else if (plan.state === 'differs' && !mayChange(plan.path)) outcomes.push('left');
    else {
      await write(join(top, plan.path), plan);
      outcomes.push(plan.state === 'new' ? 'written' : 'changed');
    }
  }
  return outcomes;
}

async function write(file: string, { path, text, state }: FilePlan): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    // `wx` does not overwrite a file that appeared in the meantime or could not be read.
    if (state === 'new') return await writeFile(file, text, { flag: 'wx' });
    const fresh = `${file}.sluice-new`;
    await writeFile(fresh, text);
    await rename(fresh, file).catch(async (error: unknown) => {
      await rm(fresh, { force: true });
      throw error;
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError({
      code: 'init.write',
      message: `Cannot write ${path} (${code})`,
      hint:
        code === 'EEXIST'
          ? 'Move the existing file away: it is not a readable text file.'
          : 'Make the path writable and run the command again. Files that are already written stay.',
      cause: error,
    });
  }
}

/** A line that is kept (` `), removed (`-`) or added (`+`). */
type Edit = readonly [mark: ' ' | '-' | '+', line: string];

const context = 3;
/** The table grows with the product of the line counts. */
const maxLines = 3_000;

/** The changes as `diff -u` prints them; empty for equal texts. */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return '';
  const edits = editsBetween(linesOf(before), linesOf(after));
  const lines = [`--- ${path}`, `+++ ${path} (sluice init)`];
  for (const [start, end] of hunks(edits)) {
    const [oldStart, newStart] = [countBefore(edits, start, '+'), countBefore(edits, start, '-')];
    const hunk = edits.slice(start, end);
    const [oldCount, newCount] = [
      hunk.filter(([mark]) => mark !== '+').length,
      hunk.filter(([mark]) => mark !== '-').length,
    ];
    lines.push(`@@ -${range(oldStart, oldCount)} +${range(newStart, newCount)} @@`);
    lines.push(...hunk.map(([mark, line]) => `${mark}${line}`));
  }
  return lines.join('\n');
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
}

/** An empty range names the line before it. */
function range(before: number, count: number): string {
  return `${count === 0 ? before : before + 1},${count}`;
}

function countBefore(edits: readonly Edit[], end: number, not: '+' | '-'): number {
  return edits.slice(0, end).filter(([mark]) => mark !== not).length;
}

/** The longest common subsequence, from a table of its lengths. */
function editsBetween(a: readonly string[], b: readonly string[]): Edit[] {
  if (a.length > maxLines || b.length > maxLines) {
    return [...a.map((line): Edit => ['-', line]), ...b.map((line): Edit => ['+', line])];
  }
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push([' ', a[i++] ?? '']);
      j++;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1)))
      edits.push(['-', a[i++] ?? '']);
    else edits.push(['+', b[j++] ?? '']);
  }
  return edits;
}

/** Stretches of changes with the lines around them; those that touch are one. */
function hunks(edits: readonly Edit[]): [number, number][] {
  const found: [number, number][] = [];
  for (const [index, [mark]] of edits.entries()) {
    if (mark === ' ') continue;
    const last = found.at(-1);
    const [start, end] = [Math.max(0, index - context), Math.min(edits.length, index + context + 1)];
    if (last !== undefined && start <= last[1]) last[1] = end;
    else found.push([start, end]);
  }
  return found;
}
