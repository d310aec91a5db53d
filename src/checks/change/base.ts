import { readFile } from 'node:fs/promises';
import { UserError } from '../../kernel/errors.ts';

/** Runs git in the repository. @returns its output; undefined if it fails. */
export type Git = (...args: readonly string[]) => Promise<string | undefined>;

/** The commit that the change is compared with, or why it is unknown. */
type Base = { readonly commit: string } | NoBase;

interface NoBase {
  readonly why: string;
  /** Whether the change exists, but this clone is too shallow to show it. */
  readonly isLost: boolean;
}

/** The payload of the GitHub event: untrusted, and most of it may be missing. */
interface Event {
  readonly pull_request?: {
    readonly base?: { readonly sha?: unknown };
    readonly head?: { readonly sha?: unknown };
  };
  readonly merge_group?: { readonly base_sha?: unknown };
  readonly before?: unknown;
  readonly repository?: { readonly default_branch?: unknown };
}

const deeper = 'set `fetch-depth: 0` for actions/checkout';

function cutOff(what: string): NoBase {
  return { why: `${what}: ${deeper}`, isLost: true };
}

function none(why: string): NoBase {
  return { why, isLost: false };
}

/**
 * Finds the commit that the change begins at: where it left `since`, else the branch that a pull request or a merge group
 * is for, else the commit before the push. Without any of them it is where the branch left the default branch; on the
 * default branch itself it is HEAD while there is uncommitted work, and the previous commit otherwise.
 *
 * @throws UserError `checks.since` if the commit is missing.
 */
export async function findBase(
  git: Git,
  since: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Base> {
  if ((await commitOf(git, 'HEAD')) === undefined) return none('there is no commit yet');
  if (since !== undefined) return { commit: await givenBase(git, since) };
  const event = await readEvent(env.GITHUB_EVENT_PATH);
  if (event?.pull_request !== undefined) return pullRequestBase(git, event.pull_request, env.GITHUB_REF);
  if (event?.merge_group !== undefined) return knownBase(git, event.merge_group.base_sha);
  const branch = await defaultBranch(git, event?.repository?.default_branch);
  if (event?.before !== undefined) return pushBase(git, event.before, branch);
  return branchBase(git, branch, event !== undefined);
}

async function givenBase(git: Git, since: string): Promise<string> {
  const commit = since.startsWith('-') ? undefined : await commitOf(git, since);
  if (commit === undefined) {
    throw new UserError({
      code: 'checks.since',
      message: `Cannot compare the change with "${since}": the commit does not exist here`,
      hint: `Name a branch, a tag or a commit of this clone. In a workflow, ${deeper}.`,
    });
  }
  return (await mergeBase(git, commit)) ?? commit;
}

/** actions/checkout checks out the merge of both branches, whose first parent is the base as it was merged. */
async function pullRequestBase(
  git: Git,
  { base, head }: NonNullable<Event['pull_request']>,
  ref: string | undefined,
): Promise<Base> {
  const [, first, second] =
    (await git('rev-list', '--parents', '--max-count=1', 'HEAD'))?.trim().split(' ') ?? [];
  if (first !== undefined && second !== undefined && second === head?.sha) return { commit: first };
  const known = await knownBase(git, base?.sha);
  const sha = idOf(base?.sha);
  // A shallow clone does not know the parents of that merge; compared with the base's own tree it shows the same.
  const merged = /^refs\/pull\/\d+\/merge$/.test(ref ?? '');
  if ('why' in known && merged && sha !== undefined && (await commitOf(git, sha))) return { commit: sha };
  return known;
}

async function pushBase(git: Git, before: unknown, branch: string | undefined): Promise<Base> {
  // All zero: the push makes a branch or a tag.
  const began = idOf(before);
  if (began === undefined || /^0+$/.test(began)) return branchBase(git, branch, true);
  const known = await knownBase(git, began);
  if ('commit' in known || (await isShallow(git))) return known;
  // After a forced push the old commits are gone.
  return branchBase(git, branch, true);
}

async function branchBase(git: Git, branch: string | undefined, onGitHub: boolean): Promise<Base> {
  const head = await commitOf(git, 'HEAD');
  const left = branch === undefined ? head : await mergeBase(git, branch);
  if (left === undefined) {
    if (await isShallow(git)) return cutOff('this clone does not contain the commit where the branch began');
    return none('this branch and the default branch have no common history');
  }
  if (left !== head) return { commit: left };
  if (onGitHub) {
    if (branch !== undefined) return none('this run is for a commit of the default branch, not for a change');
    return cutOff('the default branch is not in this clone');
  }
  if ((await git('status', '--porcelain'))?.trim() !== '') return { commit: left };
  const previous = await commitOf(git, 'HEAD^1');
  if (previous !== undefined) return { commit: previous };
  return (await isShallow(git)) ? cutOff('this clone has only one commit') : none('this is the first commit');
}

async function knownBase(git: Git, sha: unknown): Promise<Base> {
  const id = idOf(sha);
  if (id === undefined) return none('the GitHub event does not name the base commit of the change');
  const short = id.slice(0, 12);
  if ((await commitOf(git, id)) === undefined) return cutOff(`commit ${short} is not in this clone`);
  const base = await mergeBase(git, id);
  if (base !== undefined) return { commit: base };
  return cutOff(`this clone does not contain the commit where the change left ${short}`);
}

async function defaultBranch(git: Git, named: unknown): Promise<string | undefined> {
  const head = (await git('symbolic-ref', '--quiet', 'refs/remotes/origin/HEAD'))?.trim();
  const usual = [
    ...(head === undefined ? [] : [head]),
    ...['origin/main', 'origin/master'].map((name) => `refs/remotes/${name}`),
    ...['main', 'master'].map((name) => `refs/heads/${name}`),
  ];
  const names = typeof named === 'string' ? [`refs/remotes/origin/${named}`, `refs/heads/${named}`] : usual;
  for (const name of names) {
    const commit = await commitOf(git, name);
    if (commit !== undefined) return commit;
  }
  return undefined;
}

async function commitOf(git: Git, name: string): Promise<string | undefined> {
  return (await git('rev-parse', '--verify', '--quiet', `${name}^{commit}`))?.trim();
}

async function mergeBase(git: Git, commit: string): Promise<string | undefined> {
  return (await git('merge-base', commit, 'HEAD'))?.trim();
}

async function isShallow(git: Git): Promise<boolean> {
  return (await git('rev-parse', '--is-shallow-repository'))?.trim() === 'true';
}

function idOf(sha: unknown): string | undefined {
  return typeof sha === 'string' && /^[0-9a-f]{40,64}$/.test(sha) ? sha : undefined;
}

async function readEvent(path: string | undefined): Promise<Event | undefined> {
  if (path === undefined || path === '') return undefined;
  try {
    const event: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof event === 'object' && event !== null ? event : undefined;
  } catch {
    return undefined;
  }
}
