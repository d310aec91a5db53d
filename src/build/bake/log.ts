import type { Log, StepLog } from '../../kernel/log.ts';
import type { BuildTarget } from '../model.ts';
import { shortStep } from '../plan-text.ts';
import { bakeName } from './bake.ts';
import { countCached, type ProgressReader, type Step, stepMs } from './progress.ts';

/** Shows a bake run: a line per target, live on a terminal; the full log in a separate group. */
export interface BakeWatch {
  readonly onStep: (step: Step) => void;
  /** It failed because of a cache and starts again without it. */
  readonly onAgain: (why: string) => void;
  done(progress: ProgressReader): void;
  failed(): void;
}

export function watchBake(targets: readonly BuildTarget[], log: Log): BakeWatch {
  const open = new Map<string, StepLog>();
  const seen = new Map<string, Map<string, Step>>();
  for (const target of targets) {
    open.set(bakeName(target), log.step(`build ${target.name}`));
    seen.set(bakeName(target), new Map());
  }
  const close = (name: string) => {
    const steps = [...(seen.get(name)?.values() ?? [])];
    open.get(name)?.done(countText(steps));
    open.delete(name);
  };
  return {
    onStep: (step) => {
      seen.get(step.target)?.set(step.id, step);
      if (step.kind === 'export' && step.endedAt !== undefined && step.error === undefined)
        close(step.target);
      else if (step.startedAt !== undefined && step.endedAt === undefined)
        open.get(step.target)?.note(shortStep(step.name));
    },
    onAgain: (why) => {
      log.warn(`the cache is broken, building again without it: ${why}`);
      for (const steps of seen.values()) steps.clear();
    },
    done: (progress) => {
      for (const name of [...open.keys()]) close(name);
      log.group('build log', progressText(progress.steps()));
    },
    failed: () => {
      for (const [name, step] of open) {
        const steps = [...(seen.get(name)?.values() ?? [])];
        step.failed(
          steps.some(({ error }) => error !== undefined) ? 'failed' : 'stopped: another image failed',
        );
      }
      log.group('build log', progressText([...seen.values()].flatMap((steps) => [...steps.values()])));
    },
  };
}

function countText(steps: readonly Step[]): string {
  const { cached, run } = countCached(steps);
  return run + cached === 0 ? '' : `${cached} of ${run + cached} steps from the cache`;
}

/** The full log: each step with its time and its output. */
export function progressText(steps: readonly Step[]): string {
  return steps
    .filter(({ startedAt, cached }) => startedAt !== undefined || cached)
    .map((step) => {
      const ms = stepMs(step);
      const took = step.cached ? 'CACHED' : ms === undefined ? '' : `${(ms / 1000).toFixed(1)} s`;
      const head = [step.target, step.name, took].filter((part) => part !== '').join('  ');
      return [
        head,
        ...step.output.map((line) => `  ${line}`),
        ...(step.error ? [`  ERROR ${step.error}`] : []),
      ].join('\n');
    })
    .join('\n');
}
