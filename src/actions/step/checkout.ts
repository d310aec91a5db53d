import { runProcess } from '../../kernel/process/process.ts';
import type { Effects } from '../../kernel/run.ts';

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
