import { readFileSync } from 'node:fs';

/** What a run is for, as far as its rights depend on it. */
export interface RunEvent {
  readonly pullRequest: boolean;
  /** Why GitHub hands the run no secrets. */
  readonly withoutSecrets: string | undefined;
}

interface Payload {
  readonly repository?: { readonly full_name?: unknown } | null;
  readonly pull_request?: {
    readonly head?: { readonly repo?: { readonly full_name?: unknown } | null } | null;
  } | null;
}

/** Reads the webhook's payload. One that is missing or makes no sense says nothing; it is others' text. */
export function readRunEvent(env: Readonly<Record<string, string | undefined>>): RunEvent {
  const pullRequest = /^pull_request(_target)?$/.test(env.GITHUB_EVENT_NAME ?? '');
  if (env.GITHUB_EVENT_NAME !== 'pull_request') return { pullRequest, withoutSecrets: undefined };
  const payload = readPayload(env.GITHUB_EVENT_PATH);
  const here = payload?.repository?.full_name;
  const head = payload?.pull_request?.head;
  // A fork that was deleted meanwhile is null.
  const fork = head !== undefined && head !== null && here !== undefined && head.repo?.full_name !== here;
  const dependabot = env.GITHUB_ACTOR === 'dependabot[bot]';
  const withoutSecrets = fork
    ? 'This is a pull request from a fork'
    : dependabot
      ? 'This run was started by Dependabot'
      : undefined;
  return { pullRequest, withoutSecrets };
}

function readPayload(path: string | undefined): Payload | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path ?? '', 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Payload) : undefined;
  } catch {
    return undefined;
  }
}
