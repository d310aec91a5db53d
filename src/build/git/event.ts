import { isQueueBranch, isQueueRun, readPayload } from '../../kernel/webhook.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The facts of the GitHub run that determine whose code is built. */
export interface BuildEvent {
  readonly kind: 'queue' | 'other';
  /** The commit the run is for; a checkout may be another. */
  readonly sha: string;
  /** The branch or tag of that commit; undefined for the merge of a pull request. */
  readonly base: { readonly kind: 'tag' | 'branch'; readonly name: string } | undefined;
  /** Set where the code may be a pull request's. */
  readonly pull: { readonly number: string | undefined; readonly isOwn: boolean } | undefined;
  readonly defaultBranch: string | undefined;
  /** `acme/shop`. */
  readonly repository: string | undefined;
}

interface Repository {
  readonly full_name?: unknown;
}

interface Payload {
  readonly repository?: (Repository & { readonly default_branch?: unknown }) | null;
  readonly pull_request?: {
    readonly number?: unknown;
    readonly head?: { readonly repo?: Repository | null } | null;
  } | null;
  readonly issue?: { readonly number?: unknown; readonly pull_request?: unknown } | null;
  readonly workflow_run?: {
    readonly event?: unknown;
    readonly head_branch?: unknown;
    readonly head_repository?: Repository | null;
    readonly pull_requests?: readonly { readonly number?: unknown }[] | null;
  } | null;
}

/** Reads the variables of the run and the webhook's payload. The payload is untrusted input: invalid values are ignored. */
export function readBuildEvent(env: Env): BuildEvent {
  const payload = readPayload<Payload>(env['GITHUB_EVENT_PATH']);
  const name = env['GITHUB_EVENT_NAME'] ?? '';
  const { GITHUB_REF_TYPE: type, GITHUB_REF_NAME: refName } = env;
  const merged = /^refs\/pull\/(\d+)\//.exec(env['GITHUB_REF'] ?? '')?.[1];
  const isNamed = merged === undefined && Boolean(refName) && (type === 'tag' || type === 'branch');
  const branch = payload?.repository?.default_branch;
  return {
    kind: isQueueRun(env) ? 'queue' : 'other',
    sha: env['GITHUB_SHA'] ?? '',
    base: isNamed ? { kind: type, name: refName ?? '' } : undefined,
    pull: pullOf(name, merged, payload),
    defaultBranch: typeof branch === 'string' ? branch : undefined,
    repository: env['GITHUB_REPOSITORY'],
  };
}

/** A head whose repository is gone was a fork; so is, for us, one that the payload does not name. */
function pullOf(name: string, merged: string | undefined, payload: Payload | undefined): BuildEvent['pull'] {
  const isOwn = (head: Repository | null | undefined) => {
    const here = payload?.repository?.full_name;
    return typeof here === 'string' && head?.full_name === here;
  };
  const pull = payload?.pull_request;
  if (merged !== undefined || name.startsWith('pull_request')) {
    return { number: merged ?? numberOf(pull?.number), isOwn: isOwn(pull?.head?.repo) };
  }
  if (name === 'issue_comment' && payload?.issue?.pull_request) {
    // A comment's payload does not have the owner of the head.
    return { number: numberOf(payload.issue.number), isOwn: false };
  }
  const run = payload?.workflow_run;
  const followed = run?.event;
  if (
    name !== 'workflow_run' ||
    typeof followed !== 'string' ||
    !(/^pull_request|^merge_group$/.test(followed) || isQueueBranch(run?.head_branch))
  ) {
    return undefined;
  }
  return { number: numberOf(run?.pull_requests?.[0]?.number), isOwn: isOwn(run?.head_repository) };
}

function numberOf(value: unknown): string | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? String(value) : undefined;
}
