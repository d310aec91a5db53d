import type { BuildEvent } from './event.ts';
import type { Checkout, Git, Named } from './ref.ts';

/**
 * Where a commit comes from that is not the one the run is for. A commit proves nothing by itself: GitHub serves the
 * commits of all forks under the repository's own address. A branch or a tag of the repository must have it, by the
 * names git keeps of the remote; the name of a local branch is arbitrary.
 *
 * @returns undefined if nothing proves that it is the repository's own.
 */
export async function provenance(
  { head, dirty, branch, tagsHere, origin }: Checkout,
  { repository }: BuildEvent,
  git: Git,
): Promise<Named | undefined> {
  const refs = async (...args: string[]) =>
    ((await git('for-each-ref', '--format=%(refname)', ...args)) ?? '')
      .split('\n')
      .filter((line) => line !== '');
  const here = await refs('--points-at', head, 'refs/remotes');
  const pull = here
    .map((ref) => /^refs\/remotes\/pull\/(\d+)\//.exec(ref)?.[1])
    .find((candidate) => candidate !== undefined);
  if (pull !== undefined) {
    return {
      kind: 'pull',
      name: pull,
      foreign: `pull request ${pull} is checked out, and it may come from a fork`,
    };
  }
  if (!isOrigin(origin, repository)) return undefined;
  const tag = newestVersion(tagsHere) ?? tagsHere[0];
  if (tag !== undefined && !dirty) return { kind: 'tag', name: tag };
  const branches = here
    .filter((ref) => ref.startsWith('refs/remotes/origin/') && ref !== 'refs/remotes/origin/HEAD')
    .map((ref) => ref.slice('refs/remotes/origin/'.length));
  const [only, ...others] = branches;
  const name = branches.find((candidate) => candidate === branch) ?? (others.length === 0 ? only : undefined);
  if (name !== undefined) return { kind: 'branch', name };
  if (branches.length > 0) return { kind: 'none', name: '' };
  const holders = await refs('--contains', head, '--count=1', 'refs/remotes/origin', 'refs/tags');
  return holders.length > 0 ? { kind: 'none', name: '' } : undefined;
}

/** Whether an address is that of the repository `owner/name`. */
export function isOrigin(origin: string | undefined, repository: string | undefined): boolean {
  return repository !== undefined && origin?.toLowerCase().endsWith(`/${repository.toLowerCase()}`) === true;
}

/** The newest version among tags, as git sorts them. */
export function newestVersion(tags: readonly string[]): string | undefined {
  return tags.filter((tag) => /^v?\d+\.\d+\.\d+/.test(tag)).at(-1);
}
