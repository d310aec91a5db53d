import { isAbsolute } from 'node:path';
import { shownPath } from '../../config/compose/cli.ts';
import type { BuildFinding, PlannedTarget, SlowStep } from '../plan.ts';
import { bakeName } from './bake.ts';
import { type ProgressReader, type Step, stepMs } from './progress.ts';

const most = 5;
/** Shorter ones are no one's problem. */
const leastMs = 500;

/** The steps that took longest, the longest first. */
export function slowestSteps(steps: readonly Step[]): SlowStep[] {
  return steps
    .flatMap((step): SlowStep[] => {
      const ms = stepMs(step);
      return ms === undefined || ms < leastMs || step.cached
        ? []
        : [{ target: step.target, name: step.name, ms }];
    })
    .sort((a, b) => b.ms - a.ms)
    .slice(0, most);
}

/** A tag that nobody has written; a blob that a cache's own manifest names is another matter. */
function isNotThereYet(error: string): boolean {
  return /: not found$/.test(error) && !/content descriptor/.test(error);
}

/** Docker's own build checks, and caches that could not be written. One that is not there yet is no fault. */
export function checkFindings(progress: ProgressReader, planned: readonly PlannedTarget[]): BuildFinding[] {
  const checks = progress.warnings().map((warning): BuildFinding => {
    const found = planned.find(({ target }) => bakeName(target) === warning.target)?.target;
    const path = found?.dockerfile.kind === 'file' ? found.dockerfile.path : warning.file;
    const file = path === undefined ? undefined : isAbsolute(path) ? shownPath(path) : path;
    return {
      target: found?.name ?? warning.target,
      topic: 'build-check',
      // The place says the line; Docker says it once more.
      message: warning.text.replace(/ \(line \d+\)$/, ''),
      ...(file === undefined
        ? {}
        : { at: { file, ...(warning.line === undefined ? {} : { line: warning.line }) } }),
      ...(warning.url ? { url: warning.url } : {}),
    };
  });
  const caches = progress
    .steps()
    .filter(({ kind, error }) => /^cache-/.test(kind) && error !== undefined && !isNotThereYet(error))
    .map(
      ({ target, name, error }): BuildFinding => ({ target, topic: 'cache', message: `${name}: ${error}` }),
    );
  // Each target says the same of a line that they share.
  const seen = new Set<string>();
  return [...checks, ...caches].filter((finding) => {
    const key = JSON.stringify([finding.message, finding.at]);
    return seen.has(key) ? false : seen.add(key);
  });
}

/** The build was done a second time. @param why what BuildKit said the first time. */
export function cacheLeftOut(why: string): BuildFinding {
  const message = `the build failed with the cache and was done again without it: ${why}`;
  return { target: '', topic: 'cache', message };
}

/** The image is no image of the tree that was looked at. */
export function lostTree(target: string): BuildFinding {
  const message =
    'files changed while they were built, so the next build will not find this image by its tree';
  return { target, topic: 'lost-tree', message };
}
