import { randomBytes } from 'node:crypto';
import { splitWords } from '../../config/compose/command-words.ts';
import { plain } from '../../config/compose/load.ts';
import type { Config } from '../../config/model.ts';
import { UserError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { ChildEnv } from '../../kernel/process/child-env.ts';
import { runProcess, tail } from '../../kernel/process/process.ts';
import type { BuildFinding, PlannedTarget } from '../plan.ts';

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
async function smoke(
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

interface SetEffects extends SmokeEffects {
  readonly log: Log;
}

/** Runs the smoke tests of all new images before any is pushed. @throws UserError `build.smoke` */
export async function smokeAll(
  toBuild: readonly PlannedTarget[],
  image: (planned: PlannedTarget) => string,
  config: Config,
  effects: SetEffects,
): Promise<void> {
  const runs = toBuild.flatMap((planned) =>
    planned.target.services.flatMap((service) => {
      const command = config.build.smoke[service];
      return command === undefined ? [] : [{ service, command, reference: image(planned) }];
    }),
  );
  await Promise.all(
    runs.map(async ({ service, command, reference }) => {
      const step = effects.log.step(`smoke ${service}`);
      try {
        await smoke(service, reference, command, effects);
        step.done();
      } catch (error) {
        step.failed('no tag was pushed');
        throw error;
      }
    }),
  );
}

/** The default smoke test: the user of the image. */
export async function localRoots(
  toBuild: readonly PlannedTarget[],
  image: (planned: PlannedTarget) => string,
  effects: SetEffects,
): Promise<BuildFinding[]> {
  if (toBuild.length === 0) return [];
  const argv = ['docker', 'image', 'inspect', '--format', '{{json .Config.User}}'] as const;
  const { stdout } = await runProcess([...argv, ...toBuild.map(image)], {
    env: effects.env,
    signal: effects.signal,
  });
  const users = stdout.trim().split('\n');
  return toBuild.flatMap(({ target }, index) =>
    isRoot((users[index] ?? '"?"').replaceAll('"', '')) ? [rootUser(target.name)] : [],
  );
}

export function rootUser(target: string): BuildFinding {
  const message = 'the image runs as root; set USER in its Dockerfile';
  return { target, topic: 'root-user', message };
}
