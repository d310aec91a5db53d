import type { DeployRun } from '../context.ts';
import type { Step } from '../transaction.ts';
import { switchStep } from './switch.ts';
import { watchEdges } from './waiting/edge-watch.ts';

/** Watches the new release under real traffic, with the guards' own numbers. */
export const watch: Step = {
  name: 'watch',
  // The confirmation checks every guard in any case.
  skip: (run) => switchStep.skip?.(run) ?? (watchMs(run) === 0 ? 'watch time is 0 s' : undefined),
  apply: (run, note) => watchEdges(run, run.hosts, watchMs(run), note),
};

function watchMs(run: DeployRun): number {
  return run.options.watchMs ?? run.config.watch.forMs;
}
