import { UserError } from '../../kernel/errors.ts';
import { plainEnv } from '../../kernel/process/child-env.ts';
import { runProcess } from '../../kernel/process/process.ts';
import { type BuildEvent, readBuildEvent } from './event.ts';

/** The source of this build: a tag, a branch, a pull request, an entry of a merge queue, or none of them. */
export interface GitRef {
  readonly kind: 'tag' | 'branch' | 'pull' | 'queue' | 'none';
  /** `v1.2.3`, `feature/x`, `12`; empty for `queue` and `none`. */
  readonly name: string;
  /** The commit that is checked out, in full. */
  readonly sha: string | undefined;
  /** Whether files differ from the commit. */
  readonly dirty: boolean;
  readonly defaultBranch: string;
  /** Why nothing is pushed, no tag set and no shared cache written: the code is that of an unmerged change. */
  readonly foreign: string | undefined;
  /** The repository's page, for labels. */
  readonly url: string | undefined;
  /** All tags git knows of here; CI checkouts often have none. */
  readonly tags: readonly string[];
  /** Where the checkout differs from the run's commit, or has no commit. */
  readonly notes: readonly string[];
}

export interface GitEffects {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Runs git in the folder. @returns what it prints; undefined when it fails. */
export type Git = (...args: string[]) => Promise<string | undefined>;

/** The checkout as git knows it. */
export interface Checkout {
  readonly head: string;
  readonly dirty: boolean;
  /** Branch that is checked out; undefined for a detached commit. */
  readonly branch: string | undefined;
  readonly tagsHere: readonly string[];
  /** `https://github.com/acme/shop`, of the remote `origin`. */
  readonly origin: string | undefined;
}

/**
 * The commit that is checked out decides, never the one that the event names: under `pull_request_target`,
 * `workflow_run` or a dispatch a workflow may check out anything. The branch and the tag of the GitHub run belong to its
 * commit, GITHUB_SHA, and to no other.
 *
 * @param isNamed whether the user set the tags: then a commit of unknown origin may be pushed.
 * @throws UserError `build.checkout`: on GitHub, without a commit, or with one of unknown origin.
 */
export async function readGitRef(folder: string, effects: GitEffects, isNamed = false): Promise<GitRef> {
  const { env, signal } = effects;
  const git: Git = async (...args) => {
    const options = { env: plainEnv(env), signal, timeoutMs: 20_000 };
    const result = await runProcess(['git', '-C', folder, ...args], options).catch(() => undefined);
    signal.throwIfAborted();
    return result?.code === 0 ? result.stdout.trim() : undefined;
  };
  const [head, branch, here, first, remote, all, status] = await Promise.all([
    git('rev-parse', '--verify', 'HEAD'),
    git('symbolic-ref', '--quiet', '--short', 'HEAD'),
    git('tag', '--points-at', 'HEAD'),
    git('symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD'),
    git('remote', 'get-url', 'origin'),
    git('tag', '--list'),
    git('status', '--porcelain', '--untracked-files=normal', '--', '.'),
  ]);
  const onGitHub = env['GITHUB_SHA'] !== undefined;
  const event = onGitHub ? readBuildEvent(env) : undefined;
  const origin = webAddress(remote);
  const changed = lines(status);
  const shared = {
    sha: head,
    dirty: changed.length > 0,
    defaultBranch: event?.defaultBranch ?? first?.replace(/^origin\//, '') ?? 'main',
    foreign: undefined,
    url: origin ?? ofRun(env),
    tags: lines(all),
  };
  if (head === undefined) {
    if (onGitHub && !isNamed) throw noCommit(folder);
    return {
      ...shared,
      kind: 'none',
      name: '',
      foreign: event && foreignOf(event),
      notes: ['git has no commit here, so no image is tagged with one'],
    };
  }
  const checkout = { head, branch, dirty: shared.dirty, tagsHere: lines(here), origin };
  const named = await (event === undefined
    ? localName(checkout)
    : nameOnGitHub(checkout, event, git, isNamed));
  const dirt = changed.length === 0 || !onGitHub ? [] : [dirtNote(changed, head)];
  return { ...shared, ...named, notes: [...(named.notes ?? []), ...dirt] };
}

/** The name of a checkout, and notes about it. */
export type Named = Pick<GitRef, 'kind' | 'name'> & Partial<Pick<GitRef, 'foreign' | 'notes'>>;

/** Outside of CI: a tag only on a clean checkout of it. */
function localName({ dirty, tagsHere, branch }: Checkout): Named {
  const tag = newestVersion(tagsHere) ?? tagsHere[0];
  if (tag !== undefined && !dirty) return { kind: 'tag', name: tag };
  return branch === undefined ? { kind: 'none', name: '' } : { kind: 'branch', name: branch };
}

async function nameOnGitHub(
  checkout: Checkout,
  event: BuildEvent,
  git: Git,
  isNamed: boolean,
): Promise<Named> {
  const { head, dirty } = checkout;
  // Of an annotated tag some events name the tag's own object.
  const isOfRun = [event.sha, await commitOf(event.sha, git)].includes(head);
  if (event.kind === 'queue') {
    return { kind: 'queue', name: '', foreign: foreignOf(event) };
  }
  // Changed files may come from anyone: some workflows put a pull request over the base branch's checkout.
  const isBase = isOfRun && !dirty && event.base !== undefined;
  const note = `The checkout is ${short(head)}, the run is for ${short(event.sha)}: images are tagged after the checkout`;
  const notes = isOfRun ? [] : [note];
  if (event.pull !== undefined && !isBase) return { ...ofPull(event), notes };
  if (isOfRun && event.base !== undefined) return event.base;
  // A deployment may be created for any commit, including one of a fork.
  const found = await provenance(checkout, event, git);
  if (found !== undefined) return { ...found, notes };
  if (!isNamed) throw unknownCommit(checkout, event);
  return {
    kind: 'none',
    name: '',
    notes: [...notes, `${short(head)} is not on any branch or tag that git has here`],
  };
}

/** Without a number (a run that follows a fork's) the pull request has no tag. */
function ofPull(event: BuildEvent): Named {
  const number = event.pull?.number;
  const name =
    number === undefined ? ({ kind: 'none', name: '' } as const) : ({ kind: 'pull', name: number } as const);
  return { ...name, foreign: foreignOf(event) };
}

function foreignOf({ kind, pull }: BuildEvent): string | undefined {
  if (kind === 'queue') return 'an entry of the merge queue is not on a branch yet';
  if (pull === undefined || pull.isOwn) return undefined;
  return 'a pull request from a fork can only read the registry';
}

async function commitOf(sha: string, git: Git): Promise<string | undefined> {
  return /^[0-9a-f]{40,64}$/.test(sha)
    ? await git('rev-parse', '--verify', '--quiet', `${sha}^{commit}`)
    : undefined;
}

function dirtNote(changed: readonly string[], head: string): string {
  const count = changed.length === 1 ? '1 file differs' : `${changed.length} files differ`;
  return `${count} from commit ${short(head)}, so no image is tagged with it: ${changed[0]?.replace(/^ ?\S+ +/, '')}${changed.length > 1 ? ', …' : ''}`;
}

function noCommit(folder: string): UserError {
  return new UserError({
    code: 'build.checkout',
    message: `git has no commit in ${folder}, so Sluice cannot name the images`,
    hint: 'Check the repository out with actions/checkout, or set the tags: `tags: preview`. In a container, install git before the checkout.',
  });
}

function unknownCommit({ head, origin }: Checkout, { repository, sha }: BuildEvent): UserError {
  const of =
    origin === undefined || repository === undefined || isOrigin(origin, repository) ? '' : ` of ${origin}`;
  return new UserError({
    code: 'build.checkout',
    message: `The checkout is ${short(head)}${of}, the run is for ${sha === head ? 'that commit' : short(sha)}, and no known branch or tag of ${repository ?? 'the repository'} has that commit`,
    hint: 'Check out a branch or a tag by its name, check out everything (`fetch-depth: 0`), or set the tags: `tags: preview`.',
  });
}

function ofRun({
  GITHUB_SERVER_URL: server,
  GITHUB_REPOSITORY: repository,
}: GitEffects['env']): string | undefined {
  return server !== undefined && repository !== undefined ? `${server}/${repository}` : undefined;
}

function webAddress(remote: string | undefined): string | undefined {
  const ssh = /^(?:ssh:\/\/)?git@([^:/]+)[:/](.+?)(?:\.git)?$/.exec(remote ?? '');
  if (ssh !== null) return `https://${ssh[1]}/${ssh[2]}`;
  // Without the part before the @, which is often a token.
  const https = /^https:\/\/(?:[^@/]*@)?([^?#]+?)(?:\.git)?$/.exec(remote ?? '');
  return https === null ? undefined : `https://${https[1]}`;
}

const short = (sha: string) => sha.slice(0, 12);

function lines(text: string | undefined): string[] {
  return (text ?? '').split('\n').filter((line) => line !== '');
}

/**
 * Where a commit comes from that is not the one the run is for. A commit proves nothing by itself: GitHub serves the
 * commits of all forks under the repository's own address. A branch or a tag of the repository must have it, by the
 * names git keeps of the remote; the name of a local branch is arbitrary.
 *
 * @returns undefined if nothing proves that it is the repository's own.
 */
async function provenance(
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
function isOrigin(origin: string | undefined, repository: string | undefined): boolean {
  return repository !== undefined && origin?.toLowerCase().endsWith(`/${repository.toLowerCase()}`) === true;
}

/** The newest version among tags, as git sorts them. */
function newestVersion(tags: readonly string[]): string | undefined {
  return tags.filter((tag) => /^v?\d+\.\d+\.\d+/.test(tag)).at(-1);
}
