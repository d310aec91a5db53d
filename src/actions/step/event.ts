import { isQueueBranch, isQueueRun, readPayload } from '../../kernel/webhook.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What a run is for, as far as its rights depend on it. */
export interface RunEvent {
  /** Whether it is for a change that is not merged: a pull request, or an entry of a merge queue. */
  readonly change: boolean;
  /** Why GitHub hands the run no secrets. */
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

// Its commit is on no branch that people have, and is thrown away when another entry fails.
const ofQueue = 'This run is for an entry of the merge queue';

/** Events whose code is a change's, and how a message calls such a run. */
const changes: Readonly<Record<string, string>> = {
  pull_request: 'This run is for a pull request',
  // Its workflow is the base branch's, what is checked out often the pull request's.
  pull_request_target: 'This run is for a pull request (pull_request_target)',
  pull_request_review: 'This run is for the review of a pull request',
  pull_request_review_comment: 'This run is for the review of a pull request',
  merge_group: ofQueue,
};

/** Reads the webhook's payload. One that is missing or makes no sense says nothing; it is others' text. */
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
 * Why the code of this run is that of a change which is not merged; undefined where it is a branch's or a tag's.
 *
 * @param head commit of the checkout: runs that follow a pull request's (`workflow_run`, a comment) begin with the code
 * of the default branch, and are the change's when another commit was checked out.
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
  return 'This run follows a pull request, and another commit than that of the default branch is checked out';
}
