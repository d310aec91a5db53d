import { deploy } from '../../deploy/deploy.ts';
import { createRecorder } from '../../deploy/recorder.ts';
import type { CommandContext } from '../context.ts';
import { parseWatch } from '../duration.ts';
import { finish, tellingFailure } from '../finish.ts';
import { imageArguments } from '../images.ts';
import { connectTarget, loadTarget, resolveBeside } from '../open.ts';
import { releaseName } from '../release-name.ts';

export interface DeployCommandOptions {
  readonly release?: string;
  readonly image: readonly string[];
  readonly images?: string;
  readonly watch?: string;
  readonly backup: boolean;
  readonly migrate: boolean;
  readonly preflight: boolean;
  readonly force: boolean;
  readonly replaceEdges: boolean;
}

export async function execute(
  context: CommandContext,
  targetName: string | undefined,
  options: DeployCommandOptions,
): Promise<number> {
  const watchMs = parseWatch(options.watch);
  const images = await imageArguments(options.image, options.images);
  const { log, clock } = context.effects;
  const recorder = createRecorder(log, clock);
  const loaded = await loadTarget(context, targetName);
  const early = {
    ...{ command: 'deploy' as const, config: loaded.config, target: loaded.target, recorder, hosts: [] },
    release: options.release ?? 'this commit',
  };
  const opening = connectTarget(loaded);
  const models = resolveBeside(loaded, opening, images);
  // Whatever happens, it is waited for: its private files are gone when it has ended.
  await using _ended = { [Symbol.asyncDispose]: async () => void (await models.catch(() => {})) };
  models.catch(() => {});
  await using open = await tellingFailure(context, early, loaded.effects, () =>
    recorder.step(
      'connect',
      () => opening,
      ({ hosts }) => hosts.map((host) => host.name).join(', '),
    ),
  );
  const { config, target, hosts, effects } = open;
  const named = await releaseName(options.release, target, config.folder, context.effects);
  const { backup, migrate, force, replaceEdges } = options;
  const report = await tellingFailure(context, { ...early, ...named, hosts }, effects, () =>
    deploy(
      {
        ...{ config, target, hosts, models, force, replaceEdges },
        ...named,
        options: { backup, migrate, skipPreflight: !options.preflight, watchMs },
      },
      effects,
      recorder,
    ),
  );
  return await finish(context, config, report);
}
