import type { Step } from '../transaction.ts';
import { watchEdges } from '../watch.ts';
import { switchStep } from './switch.ts';

/** Looks at the new release under real traffic, with the guards' own numbers. */
export const watch: Step = {
  name: 'watch',
  ...(switchStep.skip === undefined ? {} : { skip: switchStep.skip }),
  apply: (run, note) => watchEdges(run, run.hosts, run.options.watchMs ?? run.config.watch.forMs, note),
};
