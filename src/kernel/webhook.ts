import { readFileSync } from 'node:fs';

/**
 * The webhook's payload of a run, from the file GITHUB_EVENT_PATH. It is untrusted input: each field may be missing or have
 * another type than in `Payload`.
 *
 * @returns undefined if it is missing or not a JSON object.
 */
export function readPayload<Payload>(path: string | undefined): Payload | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path ?? '', 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Payload) : undefined;
  } catch {
    return undefined;
  }
}

/** Branches that GitHub creates for the entries of a merge queue: unmerged code, possibly from a fork. */
const queueBranch = /^(?:refs\/heads\/)?gh-readonly-queue\//;

/**
 * Whether a run is for an entry of a merge queue. `merge_group` is not the only event: GitHub pushes the entry to a
 * temporary branch, so workflows on `push` without a list of branches run for it, too.
 */
export function isQueueRun(env: Readonly<Record<string, string | undefined>>): boolean {
  return env['GITHUB_EVENT_NAME'] === 'merge_group' || isQueueBranch(env['GITHUB_REF']);
}

/** @param branch short or full name, from untrusted input. */
export function isQueueBranch(branch: unknown): boolean {
  return typeof branch === 'string' && queueBranch.test(branch);
}
