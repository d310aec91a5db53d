import { readFile } from 'node:fs/promises';
import { runProcess } from '../kernel/process.ts';

/** What this build is of: a tag, a branch, a pull request, or a folder without git. */
export interface GitRef {
  readonly kind: 'tag' | 'branch' | 'pull' | 'none';
  /** `v1.2.3`, `feature/x`, `12`; empty for `none`. */
  readonly name: string;
  /** The commit in full. */
  readonly sha: string | undefined;
  /** Whether files differ from the commit. */
  readonly dirty: boolean;
  readonly defaultBranch: string;
  /** A pull request from a fork: its token may read, and no more. */
  readonly fork: boolean;
  /** Where the repository can be looked at, for labels. */
  readonly url: string | undefined;
  /** All tags git knows of here; CI checkouts often have none. */
  readonly tags: readonly string[];
}

export interface GitEffects {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** GitHub's runner says what a run is for; elsewhere git does: a tag only on a clean checkout of it. */
export async function readGitRef(folder: string, effects: GitEffects): Promise<GitRef> {
  const git = async (...args: string[]): Promise<string | undefined> => {
    const options = { signal: effects.signal, timeoutMs: 20_000 };
    const result = await runProcess(['git', '-C', folder, ...args], options).catch(() => undefined);
    effects.signal.throwIfAborted();
    return result?.code === 0 ? result.stdout.trim() : undefined;
  };
  const [head, branch, here, origin, remote, all, status] = await Promise.all([
    git('rev-parse', 'HEAD'),
    git('symbolic-ref', '--quiet', '--short', 'HEAD'),
    git('tag', '--points-at', 'HEAD'),
    git('symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD'),
    git('remote', 'get-url', 'origin'),
    git('tag', '--list'),
    git('status', '--porcelain', '--untracked-files=normal', '--', '.'),
  ]);
  const tags = lines(all);
  const { env } = effects;
  const event = await readEvent(env);
  const shared = {
    sha: env.GITHUB_SHA ?? head,
    dirty: (status ?? '') !== '',
    defaultBranch: event.defaultBranch ?? origin?.replace(/^origin\//, '') ?? 'main',
    fork: event.fork,
    url: repositoryUrl(env, remote),
    tags,
  };
  const pull = /^refs\/pull\/(\d+)\//.exec(env.GITHUB_REF ?? '')?.[1];
  if (pull !== undefined) return { ...shared, kind: 'pull', name: pull };
  const { GITHUB_REF_TYPE: type, GITHUB_REF_NAME: name } = env;
  if (name !== undefined && (type === 'tag' || type === 'branch')) return { ...shared, kind: type, name };
  const tag = newestVersion(lines(here)) ?? lines(here)[0];
  if (tag !== undefined && !shared.dirty) return { ...shared, kind: 'tag', name: tag };
  if (branch !== undefined) return { ...shared, kind: 'branch', name: branch };
  return { ...shared, kind: 'none', name: '' };
}

interface Event {
  readonly defaultBranch: string | undefined;
  readonly fork: boolean;
}

/** The webhook's payload, as far as it says what git can't. */
async function readEvent(env: GitEffects['env']): Promise<Event> {
  const none = { defaultBranch: undefined, fork: false };
  if (env.GITHUB_EVENT_PATH === undefined) return none;
  try {
    const event = JSON.parse(await readFile(env.GITHUB_EVENT_PATH, 'utf8')) as {
      repository?: { default_branch?: string; full_name?: string };
      pull_request?: { head?: { repo?: { full_name?: string } | null } };
    };
    const head = event.pull_request?.head;
    return {
      defaultBranch: event.repository?.default_branch,
      // A head whose repository is gone was a fork.
      fork: head !== undefined && head.repo?.full_name !== event.repository?.full_name,
    };
  } catch {
    return none;
  }
}

function repositoryUrl(env: GitEffects['env'], remote: string | undefined): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = env;
  if (server !== undefined && repository !== undefined) return `${server}/${repository}`;
  const ssh = /^(?:ssh:\/\/)?git@([^:/]+)[:/](.+?)(?:\.git)?$/.exec(remote ?? '');
  if (ssh !== null) return `https://${ssh[1]}/${ssh[2]}`;
  // Without what may stand before the @: it is a token more often than not.
  const https = /^https:\/\/(?:[^@/]*@)?([^?#]+?)(?:\.git)?$/.exec(remote ?? '');
  return https === null ? undefined : `https://${https[1]}`;
}

function newestVersion(tags: readonly string[]): string | undefined {
  return tags.filter((tag) => /^v?\d+\.\d+\.\d+/.test(tag)).at(-1);
}

function lines(text: string | undefined): string[] {
  return (text ?? '').split('\n').filter((line) => line !== '');
}
