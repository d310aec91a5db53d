import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../kernel/errors.ts';
import { unifiedDiff } from './render/diff.ts';
import { readText } from './study/tree.ts';

/** A file as it is to be. */
export interface WantedFile {
  /** From the top of the repository. */
  readonly path: string;
  readonly text: string;
}

export interface FilePlan extends WantedFile {
  /** `new`: it is not there; `same`: it is there like this; `differs`: it is there, and other. */
  readonly state: 'new' | 'same' | 'differs';
  /** What would change, for `differs`. */
  readonly diff: string;
}

/** What became of a file. */
export type FileOutcome = 'written' | 'changed' | 'unchanged' | 'left';

/** Compares the wanted files with those that are there. */
export async function planFiles(top: string, wanted: readonly WantedFile[]): Promise<FilePlan[]> {
  return await Promise.all(
    wanted.map(async (file): Promise<FilePlan> => {
      const before = await readText(join(top, file.path));
      if (before === undefined) return { ...file, state: 'new', diff: '' };
      // A checkout on Windows has its own line ends, and is the same all the same.
      if (before.replaceAll('\r\n', '\n') === file.text) return { ...file, state: 'same', diff: '' };
      return { ...file, state: 'differs', diff: unifiedDiff(file.path, before, file.text) };
    }),
  );
}

/**
 * Writes what is new, and of the files that differ those that the person named.
 *
 * @param mayChange whether a file that is there may be changed.
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
    // `wx`: what came there in the meantime, or could not be read, is not overwritten.
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
      message: `${path} cannot be written (${code})`,
      hint:
        code === 'EEXIST'
          ? 'There is something of that name that is no text file: move it away.'
          : 'Files written before it stay; run the command again when this one can be written.',
      cause: error,
    });
  }
}
