import type { Config } from '../../config/model.ts';
import type { Log } from '../../kernel/log.ts';
import { runProcess } from '../../kernel/process/process.ts';
import type { BuildFinding, PlannedTarget } from '../plan.ts';
import { isRoot, type SmokeEffects, smoke } from './smoke.ts';

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
