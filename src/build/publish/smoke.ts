import { randomBytes } from 'node:crypto';
import { splitWords } from '../../config/compose/command-words.ts';
import { plain } from '../../config/compose/load.ts';
import { UserError } from '../../kernel/errors.ts';
import type { ChildEnv } from '../../kernel/process/child-env.ts';
import { runProcess, tail } from '../../kernel/process/process.ts';

export interface SmokeEffects {
  readonly env: ChildEnv;
  readonly signal: AbortSignal;
}

const smokeMs = 120_000;

/**
 * Runs a command in a new image instead of its entrypoint, without network and without the service's variables.
 *
 * @param image reference the engine has, or can pull.
 * @throws UserError `build.smoke`
 */
export async function smoke(
  service: string,
  image: string,
  command: string | readonly string[],
  effects: SmokeEffects,
): Promise<void> {
  const [program = '', ...args] = typeof command === 'string' ? splitWords(plain(command)) : command;
  const name = `sluice-smoke-${randomBytes(6).toString('hex')}`;
  const { signal, env } = effects;
  const options = ['--rm', '--name', name, '--network', 'none', '--entrypoint', program];
  let ended = false;
  try {
    const result = await runProcess(['docker', 'run', ...options, image, ...args], {
      env,
      signal,
      timeoutMs: smokeMs,
    });
    ended = true;
    if (result.code === 0) return;
    throw new UserError({
      code: 'build.smoke',
      message: `${service}: the smoke command exited with code ${result.code}`,
      hint: `To reproduce it: docker run --rm --network none --entrypoint ${program} ${[image, ...args].join(' ')}`,
      output: tail(`${result.stdout}${result.stderr}`, 15),
    });
  } finally {
    // The docker command has ended then, but perhaps not its container.
    if (!ended)
      await runProcess(['docker', 'rm', '--force', name], { env, timeoutMs: 5_000 }).catch(() => {});
  }
}

/** Whether an image's USER is root: none, `root`, 0, with or without a group. */
export function isRoot(user: string | undefined): boolean {
  return /^(?:root|0+)?(?::.*)?$/.test(user ?? '');
}
