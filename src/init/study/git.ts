import type { ImageAnswers } from '../../config/images/service-images.ts';
import { plainEnv } from '../../kernel/process/child-env.ts';
import { runProcess } from '../../kernel/process/process.ts';

export interface Remote {
  readonly host: string;
  /** `acme/bookreader`: owner (or groups) and repository. */
  readonly path: string;
}

export interface GitFacts {
  /** Top folder of the working tree; undefined without git. */
  readonly top: string | undefined;
  readonly remote: Remote | undefined;
  readonly defaultBranch: string | undefined;
  /** All local and remote branches, without the name of the remote. */
  readonly branches: readonly string[];
}

export interface LookEffects {
  /**
   * Reads facts about images from the engine and registries; without it, none are read.
   *
   * @param references by service.
   */
  readonly askImages?: ((references: Readonly<Record<string, string>>) => Promise<ImageAnswers>) | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

/** Facts from git about a folder. Without git, or outside a repository, they are empty: no error. */
export async function readGit(folder: string, effects: LookEffects): Promise<GitFacts> {
  const git = async (...args: string[]): Promise<string | undefined> => {
    const result = await runGit(folder, args, effects);
    return result?.code === 0 ? result.stdout.trim() : undefined;
  };
  const [top, url, origin, head, refs] = await Promise.all([
    git('rev-parse', '--show-toplevel'),
    git('remote', 'get-url', 'origin'),
    git('symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD'),
    git('symbolic-ref', '--quiet', '--short', 'HEAD'),
    git('for-each-ref', '--format=%(refname)', 'refs/heads', 'refs/remotes/origin'),
  ]);
  const branches = (refs ?? '')
    .split('\n')
    .map((ref) => ref.replace(/^refs\/(?:heads|remotes\/origin)\//, ''))
    .filter((name) => name !== '' && name !== 'HEAD');
  return {
    top,
    remote: url === undefined ? undefined : parseRemote(url),
    defaultBranch: origin?.replace(/^origin\//, '') ?? likelyDefault(branches, head),
    branches: [...new Set(branches)].sort(),
  };
}

async function runGit(folder: string, args: readonly string[], effects: LookEffects) {
  const options = {
    env: plainEnv(effects.env),
    timeoutMs: 10_000,
    ...(effects.signal && { signal: effects.signal }),
  };
  const result = await runProcess(['git', '-C', folder, ...args], options).catch(() => undefined);
  effects.signal?.throwIfAborted();
  return result;
}

/** Those of the paths that git can add to a commit; none without git, or outside a repository. */
export async function notIgnored(
  folder: string,
  paths: readonly string[],
  effects: LookEffects,
): Promise<string[]> {
  const result = await runGit(folder, ['check-ignore', '--', ...paths], effects);
  // 1: none of them is ignored. https://git-scm.com/docs/git-check-ignore#_exit_status
  if (result === undefined || (result.code !== 0 && result.code !== 1)) return [];
  const ignored = new Set(result.stdout.split('\n'));
  return paths.filter((path) => !ignored.has(path));
}

/** A clone knows the default branch of its remote; a repository created locally does not. */
function likelyDefault(branches: readonly string[], head: string | undefined): string | undefined {
  return ['main', 'master', 'trunk'].find((name) => branches.includes(name)) ?? head;
}

/**
 * Reads `git@github.com:acme/shop.git`, `https://github.com/acme/shop` and `ssh://git@github.com:22/acme/shop.git`.
 * A user and a password are removed: CI systems put tokens there.
 *
 * @returns undefined for a local path, and for an unusual name.
 */
export function parseRemote(url: string): Remote | undefined {
  const scp = /^(?:[^@/\s]+@)?([A-Za-z0-9.-]+):(?!\/\/)\/*(.+)$/.exec(url);
  const parsed = scp === null && URL.canParse(url) ? new URL(url) : undefined;
  const host = (scp?.[1] ?? parsed?.hostname ?? '').toLowerCase();
  const path = (scp?.[2] ?? parsed?.pathname ?? '').replace(/^\/+|(?<!\/)\/+$/g, '').replace(/\.git$/, '');
  if (host === '' || !/^[\w.-]+(?:\/[\w.-]+)+$/.test(path)) return undefined;
  return { host: host === 'ssh.github.com' ? 'github.com' : host, path };
}
