import { createRecorder } from '../../deploy/recorder.ts';
import { rollback } from '../../deploy/rollback.ts';
import type { CommandContext } from '../context.ts';
import { parseWatch } from '../duration.ts';
import { finish, tellingFailure } from '../finish.ts';
import { connectTarget, loadTarget, targetAndName } from '../open.ts';

/** An earlier release has proven itself before: a short look is enough, the guard is armed all the same. */
const defaultWatchMs = 2_000;

export async function execute(
  context: CommandContext,
  targetName: string | undefined,
  options: { readonly argument?: string; readonly watch?: string },
): Promise<number> {
  const watchMs = parseWatch(options.watch);
  const given = await targetAndName(context, targetName, options.argument);
  const recorder = createRecorder(context.effects.log, context.effects.clock);
  const loaded = await loadTarget(context, given.target);
  const { config, target } = loaded;
  const early = {
    ...{ command: 'rollback' as const, config, target, recorder, hosts: [] },
    release: given.name ?? 'the release before',
  };
  await using open = await tellingFailure(context, early, loaded.effects, () =>
    recorder.step(
      'connect',
      () => connectTarget(loaded),
      ({ hosts }) => hosts.map((host) => host.name).join(', '),
    ),
  );
  const { hosts, effects } = open;
  const report = await tellingFailure(context, { ...early, hosts }, effects, () =>
    rollback(
      {
        ...{ config, target, hosts },
        release: given.name,
        options: {
          backup: false,
          migrate: false,
          skipPreflight: true,
          watchMs: watchMs ?? Math.min(defaultWatchMs, config.watch.forMs),
        },
      },
      effects,
      recorder,
    ),
  );
  return await finish(context, config, report);
}
