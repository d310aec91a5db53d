import { counted } from '../../../kernel/figures.ts';
import type { CheckContext } from '../../tool.ts';
import type { NotRun } from '../answer.ts';

/** Commits to scan. */
export interface HistoryRange {
  readonly head: string;
  /** TruffleHog can stop at this commit. */
  readonly since?: string;
  /** Those of the change; undefined: all ancestors of `head`. */
  readonly commits?: ReadonlySet<string>;
  /** `12 commits since 0123456789ab`. */
  readonly summary: string;
}

/**
 * The change if it is known, else the whole history. Revisions are resolved here: TruffleHog treats a missing one as an
 * empty history, and passes.
 *
 * @returns undefined if there is no commit yet.
 */
export async function historyRange(context: CheckContext): Promise<HistoryRange | NotRun | undefined> {
  const { changed, settings } = context;
  const head = await resolve('HEAD', context);
  if (head === undefined) return undefined;
  const shallow = (await git(context, 'rev-parse', '--is-shallow-repository')) === 'true';
  if (changed === undefined || settings.scan.history) {
    if (shallow && settings.scan.history) {
      return notRun('checks.scan.history is set, but the clone is shallow');
    }
    const whole = counted(Number(await git(context, 'rev-list', '--count', head)), 'commit');
    // The last commit of a shallow clone has all current files.
    return { head, summary: shallow ? `${whole} of a shallow clone` : `${whole}, the whole history` };
  }
  const base = await resolve(changed.base, context);
  if (base === undefined) {
    return notRun(`git does not have commit ${changed.base.slice(0, 40)}, the base of the change`);
  }
  const commits = await revisions(context, `${base}..${head}`);
  if (commits === undefined) return notRun('git cannot list the commits of the change');
  const since = await stopBefore(context, base, head, commits);
  return {
    head,
    commits: new Set(commits),
    ...(since === undefined ? {} : { since }),
    summary: `${counted(commits.length, 'commit')} since ${base.slice(0, 12)}`,
  };
}

/**
 * TruffleHog walks `git log` and stops at its base. Older commits of a merged branch come after the base, and TruffleHog
 * misses them: then it must walk all commits.
 */
async function stopBefore(
  context: CheckContext,
  base: string,
  head: string,
  commits: readonly string[],
): Promise<string | undefined> {
  const fork = await git(context, 'merge-base', base, head);
  const log = fork === undefined ? undefined : await revisions(context, head);
  if (fork === undefined || log === undefined) return undefined;
  const before = new Set(log.slice(0, Math.max(log.indexOf(fork), 0)));
  return commits.every((commit) => before.has(commit)) ? fork : undefined;
}

/** Files that differ from the last commit, and new ones that git does not ignore; undefined if git fails. */
export async function uncommitted(context: CheckContext): Promise<string[] | undefined> {
  const head = await resolve('HEAD', context);
  const differing =
    head === undefined
      ? await git(context, 'ls-files', '-z', '--cached')
      : await git(context, 'diff', '--name-only', '-z', '--no-ext-diff', head);
  const fresh = await git(context, 'ls-files', '-z', '--others', '--exclude-standard');
  if (differing === undefined || fresh === undefined) return undefined;
  const names = `${differing}\0${fresh}`.split('\0').filter((name) => name !== '');
  return [...new Set(names)];
}

/** In the order of `git log`. */
async function revisions(context: CheckContext, range: string): Promise<string[] | undefined> {
  const listed = await git(context, 'rev-list', range);
  return listed?.split('\n').filter((line) => line !== '');
}

async function resolve(revision: string, context: CheckContext): Promise<string | undefined> {
  return git(context, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`);
}

async function git(context: CheckContext, ...args: string[]): Promise<string | undefined> {
  const run = await context.spawn(['git', ...args], { folder: '', quiet: true });
  return run.code === 0 && !run.truncated ? run.stdout.trimEnd() : undefined;
}

function notRun(why: string): NotRun {
  return {
    ran: false,
    why,
    fix: 'Fetch the history: set `fetch-depth: 0` for actions/checkout, or run `git fetch --unshallow`.',
  };
}
