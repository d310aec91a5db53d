import { getExecOutput } from '@actions/exec';
import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';

const tools: readonly (readonly [program: string, ...args: string[]])[] = [
  ['git', '--version'],
  ['docker', '--version'],
  ['docker', 'compose', 'version'],
  ['docker', 'buildx', 'version'],
];

/**
 * The programs of the runner with their versions, for a run with debug logging. @actions/exec is only for short
 * commands: its children survive a cancellation, so longer ones go through the kernel's runProcess.
 */
export async function listTools(log: Log): Promise<void> {
  log.detail(`node ${process.version} ${process.platform}/${process.arch}`);
  for (const [program, ...args] of tools) {
    const answer = await getExecOutput(program, args, { silent: true, ignoreReturnCode: true }).catch(
      (error: unknown) => ({ stdout: messageOf(error) }),
    );
    log.detail(answer.stdout.trim().split('\n')[0] || `${[program, ...args].join(' ')} printed nothing`);
  }
}
