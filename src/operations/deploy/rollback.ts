import { createRecorder } from '../../deploy/report/recorder.ts';
import { rollback } from '../../deploy/rollback.ts';
import type { OperationContext } from '../context.ts';
import type { Deployed } from './deploy.ts';
import { tell, tellingFailure } from './notify.ts';
import { connectTarget, loadTarget } from './open.ts';

/** An earlier release has been confirmed before: a short watch is enough. The guard is armed anyway. */
const defaultWatchMs = 2_000;

/**
 * Rolls back to an earlier release, writes the report and notifies.
 *
 * @param release default: the previous confirmed one.
 */
export async function rollbackTarget(
  context: OperationContext,
  targetName: string | undefined,
  {
    release,
    watchMs,
    wait = false,
  }: {
    readonly release: string | undefined;
    readonly watchMs: number | undefined;
    readonly wait?: boolean;
  },
): Promise<Deployed> {
  const recorder = createRecorder(context.effects.log, context.effects.clock);
  const loaded = await loadTarget(context, targetName);
  const { config, target } = loaded;
  const early = {
    command: 'rollback' as const,
    config,
    target,
    recorder,
    hosts: [],
    release: release ?? 'the previous release',
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
        config,
        target,
        hosts,
        release,
        options: {
          backup: false,
          migrate: false,
          skipPreflight: true,
          wait,
          watchMs: watchMs ?? Math.min(defaultWatchMs, config.watch.forMs),
        },
      },
      effects,
      recorder,
    ),
  );
  return { config, target, report, files: await tell(context, config, report) };
}
