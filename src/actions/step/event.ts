import { runProcess } from '../../kernel/process/process.ts';
import type { Effects } from '../../kernel/run.ts';
import { isQueueBranch, isQueueRun, readPayload } from '../../kernel/webhook.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The purpose of a run, as far as its permissions depend on it. */
export interface RunEvent {
  /** Whether it is for an unmerged change: a pull request, or an entry of a merge queue. */
  readonly change: boolean;
  /** Why GitHub passes no secrets to the run. */
  readonly withoutSecrets: string | undefined;
}

interface Payload {
  readonly repository?: { readonly full_name?: unknown } | null;
  readonly pull_request?: {
    readonly head?: { readonly repo?: { readonly full_name?: unknown } | null } | null;
  } | null;
  readonly workflow_run?: { readonly event?: unknown; readonly head_branch?: unknown } | null;
  readonly issue?: { readonly pull_request?: unknown } | null;
}

// Its commit is on no branch that people use, and is discarded when another entry fails.
const ofQueue = 'This run is for an entry of the merge queue';

/** Events that run code of a change, and the name of such a run in messages. */
const changes: Readonly<Record<string, string>> = {
  pull_request: 'This run is for a pull request',
  // Its workflow comes from the base branch, its checkout often from the pull request.
  pull_request_target: 'This run is for a pull request (pull_request_target)',
  pull_request_review: 'This run is for the review of a pull request',
  pull_request_review_comment: 'This run is for the review of a pull request',
  merge_group: ofQueue,
};

/** Reads the webhook's payload, which is untrusted input. A missing or invalid one is ignored. */
export function readRunEvent(env: Env): RunEvent {
  const name = env['GITHUB_EVENT_NAME'] ?? '';
  const change = Object.hasOwn(changes, name) || isQueueRun(env);
  if (name !== 'pull_request') return { change, withoutSecrets: undefined };
  const payload = readPayload<Payload>(env['GITHUB_EVENT_PATH']);
  const here = payload?.repository?.full_name;
  const head = payload?.pull_request?.head;
  // A fork that was deleted meanwhile is null.
  const fork = head !== undefined && head !== null && here !== undefined && head.repo?.full_name !== here;
  const dependabot = env['GITHUB_ACTOR'] === 'dependabot[bot]';
  const withoutSecrets = fork
    ? 'This is a pull request from a fork'
    : dependabot
      ? 'This run was started by Dependabot'
      : undefined;
  return { change, withoutSecrets };
}

/**
 * Why the code of this run is an unmerged change; undefined for a branch or a tag.
 *
 * @param head commit of the checkout. Runs that follow a pull request (`workflow_run`, a comment) begin with the code of
 * the default branch; if another commit was checked out, it is the change.
 */
export async function changeOf(
  env: Env,
  head: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const name = env['GITHUB_EVENT_NAME'] ?? '';
  if (Object.hasOwn(changes, name)) return changes[name];
  if (isQueueRun(env)) return ofQueue;
  if (name !== 'workflow_run' && name !== 'issue_comment') return undefined;
  const payload = readPayload<Payload>(env['GITHUB_EVENT_PATH']);
  const { event: followed, head_branch: branch } = payload?.workflow_run ?? {};
  const follows = (typeof followed === 'string' && Object.hasOwn(changes, followed)) || isQueueBranch(branch);
  if (!follows && !payload?.issue?.pull_request) return undefined;
  if ((await head()) === env['GITHUB_SHA']) return undefined;
  return 'This run follows a pull request, and its checkout is not the commit of the default branch';
}

/** Whether git sends a token with every request: actions/checkout leaves one unless `persist-credentials` is false. */
export async function keepsToken({ signal }: Pick<Effects, 'signal'>): Promise<boolean> {
  // Names alone: the value is the token.
  const argv = ['git', 'config', '--name-only', '--get-regexp', '^http\\..*\\.extraheader$'] as const;
  const answer = await runProcess(argv, { signal, timeoutMs: 20_000 }).catch(() => undefined);
  return answer?.code === 0;
}

/** The commit that is checked out where the step runs; undefined without git. GITHUB_SHA may differ. */
export async function headOf({ signal }: Pick<Effects, 'signal'>): Promise<string | undefined> {
  const options = { signal, timeoutMs: 20_000 };
  const asked = runProcess(['git', 'rev-parse', '--verify', 'HEAD'], options).catch(() => undefined);
  const answer = await asked;
  return answer?.code === 0 ? answer.stdout.trim() : undefined;
}
