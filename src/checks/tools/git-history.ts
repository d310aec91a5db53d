import type { CheckContext } from '../tool.ts';
import type { NotRun } from './answer.ts';

/** Commits to look at: those that `head` has and `base` has not, or all. */
export interface HistoryRange {
  readonly head: string;
  readonly base?: string;
  readonly commits: number;
  /** `12 commits since 0123456789ab`. */
  readonly summary: string;
}

/**
 * The change where one is known, else the whole history. Revisions are resolved here: TruffleHog takes one that does not
 * exist for an empty history, and passes.
 */
export async function historyRange(context: CheckContext): Promise<HistoryRange | NotRun> {
  const { changed, settings } = context;
  const head = await resolve('HEAD', context);
  if (head === undefined) return { head: '', commits: 0, summary: 'no commits yet' };
  const shallow = (await git(context, 'rev-parse', '--is-shallow-repository')) === 'true';
  if (changed === undefined || settings.scan.history) {
    if (shallow && settings.scan.history) {
      return notRun('checks.scan.history is set, but the clone is shallow: git has only the last commits');
    }
    const commits = await count(context, head);
    const whole = `${commits} ${commits === 1 ? 'commit' : 'commits'}`;
    // The last commit of a shallow clone has all files of that moment, so what is in them today is looked at.
    return { head, commits, summary: shallow ? `${whole} of a shallow clone` : `${whole}, all there are` };
  }
  const base = await resolve(changed.base, context);
  if (base === undefined) {
    return notRun(`git has no commit ${changed.base.slice(0, 40)}, which the change is compared with`);
  }
  const commits = await count(context, `${base}..${head}`);
  const words = `${commits} ${commits === 1 ? 'commit' : 'commits'} since ${base.slice(0, 12)}`;
  return { head, base, commits, summary: words };
}

/** Files that differ from the last commit, and new ones that git does not ignore. */
export async function uncommitted(context: CheckContext): Promise<string[]> {
  const head = await resolve('HEAD', context);
  const differing =
    head === undefined
      ? await git(context, 'ls-files', '-z', '--cached')
      : await git(context, 'diff', '--name-only', '-z', '--no-ext-diff', head);
  const fresh = await git(context, 'ls-files', '-z', '--others', '--exclude-standard');
  const names = `${differing ?? ''}\0${fresh ?? ''}`.split('\0').filter((name) => name !== '');
  return [...new Set(names)];
}

async function count(context: CheckContext, range: string): Promise<number> {
  return Number((await git(context, 'rev-list', '--count', range)) ?? 'NaN');
}

async function resolve(revision: string, context: CheckContext): Promise<string | undefined> {
  return git(context, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`);
}

async function git(context: CheckContext, ...args: string[]): Promise<string | undefined> {
  const run = await context.spawn(['git', ...args], { folder: '', quiet: true });
  return run.code === 0 ? run.stdout.trimEnd() : undefined;
}

function notRun(why: string): NotRun {
  return {
    ran: false,
    why,
    fix: 'Check out with the history: `fetch-depth: 0` of actions/checkout, or `git fetch --unshallow`.',
  };
}
