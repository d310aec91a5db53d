/** Branches that GitHub makes for the entries of a merge queue: code that nobody has merged, a fork's as well. */
const queueBranch = /^(?:refs\/heads\/)?gh-readonly-queue\//;

/**
 * Whether a run is for an entry of a merge queue. Not by `merge_group` alone: GitHub pushes the entry to a branch of its
 * own, so workflows on `push` without a list of branches run for it, too.
 */
export function isQueueRun(env: Readonly<Record<string, string | undefined>>): boolean {
  return env['GITHUB_EVENT_NAME'] === 'merge_group' || isQueueBranch(env['GITHUB_REF']);
}

/** @param branch by its short or full name, from others' text. */
export function isQueueBranch(branch: unknown): boolean {
  return typeof branch === 'string' && queueBranch.test(branch);
}
