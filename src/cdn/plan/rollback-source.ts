import { UserError } from '../../kernel/errors.ts';
import type { Manifest, ReleaseInfo, StoredEntry } from '../model.ts';
import { nothingPublished } from '../publish/faults.ts';
import type { ObjectStore } from '../store.ts';
import { readRelease } from './site-state.ts';

/** A release that a rollback brings back. */
export interface Earlier {
  readonly release: ReleaseInfo;
  readonly entries: readonly StoredEntry[];
}

/**
 * @param to number (`12` or `#12`) or name of a release; undefined: the one before the current.
 * @throws UserError `cdn.release` that lists those that are kept.
 */
export async function earlierRelease(
  manifest: Manifest | undefined,
  to: string | undefined,
  store: ObjectStore,
): Promise<Earlier> {
  if (manifest === undefined) {
    throw nothingPublished(store);
  }
  const number = chooseRelease(manifest, to);
  const found = await readRelease(store, number);
  if (found === undefined) throw unknown(manifest, `The store has the manifest of release ${number} no more`);
  return { release: found.release, entries: [...found.entries.values()] };
}

function chooseRelease(manifest: Manifest, to: string | undefined): number {
  const { history, kept, release } = manifest;
  if (to === undefined) {
    const [before] = kept;
    if (before !== undefined) return before;
    throw unknown(manifest, `Release ${release.number} is the first one: there is none before it`);
  }
  const wanted = to.replace(/^#/, '');
  const named = history.filter(({ number, name }) => String(number) === wanted || name === to);
  // A name may have been published twice; the newest one that can come back is meant.
  const number = named.map((releaseInfo) => releaseInfo.number).find((candidate) => kept.includes(candidate));
  if (number !== undefined) return number;
  if (named.some((releaseInfo) => releaseInfo.number === release.number)) {
    throw unknown(manifest, `Release ${to} is the current one`);
  }
  throw unknown(
    manifest,
    named.length > 0 ? `Release ${to} is not kept any more` : `There is no release ${to}`,
  );
}

function unknown({ history, kept }: Manifest, message: string): UserError {
  const listed = history
    .filter(({ number }) => kept.includes(number))
    .map(({ number, name }) => `#${number} (${name})`);
  return new UserError({
    code: 'cdn.release',
    message,
    hint: listed.length === 0 ? 'No earlier release is kept yet.' : `Kept are ${listed.join(', ')}.`,
  });
}
