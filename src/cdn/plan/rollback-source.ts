import { UserError } from '../../kernel/errors.ts';
import type { Manifest, ReleaseInfo, StoredEntry } from '../model.ts';
import { nothingPublished } from '../publish/faults.ts';
import type { ObjectStore } from '../store.ts';
import { readRelease } from './site-state.ts';

/** A release to restore. */
export interface Earlier {
  readonly release: ReleaseInfo;
  readonly entries: readonly StoredEntry[];
}

/**
 * @param to number (`12` or `#12`) or name of a release; undefined: the previous release.
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
  if (found === undefined)
    throw unknown(manifest, `The store no longer has the manifest of release ${number}`);
  return { release: found.release, entries: [...found.entries.values()] };
}

function chooseRelease(manifest: Manifest, to: string | undefined): number {
  const { history, kept, release } = manifest;
  if (to === undefined) {
    const [before] = kept;
    if (before !== undefined) return before;
    throw unknown(manifest, `Release ${release.number} is the first one: there is no previous release`);
  }
  const wanted = to.replace(/^#/, '');
  const named = history.filter(({ number, name }) => String(number) === wanted || name === to);
  // A name may have been published twice; the newest kept one counts.
  const number = named.find((release) => kept.includes(release.number))?.number;
  if (number !== undefined) return number;
  if (named.some(({ number }) => number === release.number)) {
    throw unknown(manifest, `Release ${to} is the current one`);
  }
  throw unknown(manifest, named.length > 0 ? `Release ${to} is no longer kept` : `There is no release ${to}`);
}

function unknown({ history, kept }: Manifest, message: string): UserError {
  const listed = history
    .filter(({ number }) => kept.includes(number))
    .map(({ number, name }) => `#${number} (${name})`);
  return new UserError({
    code: 'cdn.release',
    message,
    hint: listed.length === 0 ? 'No earlier release is kept yet.' : `Kept releases: ${listed.join(', ')}.`,
  });
}
