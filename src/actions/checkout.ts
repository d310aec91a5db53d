import { runProcess } from '../kernel/process.ts';
import type { Effects } from '../kernel/run.ts';

/** The commit that is checked out where the step runs; undefined without git. GITHUB_SHA may be another. */
export async function headOf({ signal }: Pick<Effects, 'signal'>): Promise<string | undefined> {
  const options = { signal, timeoutMs: 20_000 };
  const asked = runProcess(['git', 'rev-parse', '--verify', 'HEAD'], options).catch(() => undefined);
  const answer = await asked;
  return answer?.code === 0 ? answer.stdout.trim() : undefined;
}
