import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../kernel/errors.ts';
import { unifiedDiff } from './render/diff.ts';
import { readText } from './study/tree.ts';

/** A file with the text that it must have. */
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

/** Compares the wanted files with the existing ones. */
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
