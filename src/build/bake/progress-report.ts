import { isAbsolute } from 'node:path';
import { shownPath } from '../../config/compose/cli.ts';
import type { BuildFinding, PlannedTarget, SlowStep } from '../plan.ts';
import { bakeName } from './bake.ts';
import { type ProgressReader, type Step, stepMs } from './progress.ts';

const most = 5;
/** Shorter steps are not worth a line. */
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

/** A cache tag that does not exist yet. A missing blob that the cache's manifest names is an error. */
function isNotThereYet(error: string): boolean {
  return /: not found$/.test(error) && !/content descriptor/.test(error);
}

/** Docker's own build checks, and caches that cannot be written. A cache that does not exist yet is not a finding. */
export function checkFindings(progress: ProgressReader, planned: readonly PlannedTarget[]): BuildFinding[] {
  const checks = progress.warnings().map((warning): BuildFinding => {
    const found = planned.find(({ target }) => bakeName(target) === warning.target)?.target;
    const path = found?.dockerfile.kind === 'file' ? found.dockerfile.path : warning.file;
    const file = path === undefined ? undefined : isAbsolute(path) ? shownPath(path) : path;
    return {
      target: found?.name ?? warning.target,
      topic: 'build-check',
      // The finding has the line already.
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
  // Every target reports the lines that they share.
  const seen = new Set<string>();
  return [...checks, ...caches].filter((finding) => {
    const key = JSON.stringify([finding.message, finding.at]);
    return seen.has(key) ? false : seen.add(key);
  });
}

/** The build ran twice. @param why BuildKit's error of the first run. */
export function cacheLeftOut(why: string): BuildFinding {
  const message = `the build failed with the cache and ran again without it: ${why}`;
  return { target: '', topic: 'cache', message };
}

/** The image is not that of the tree whose digest was computed. */
export function lostTree(target: string): BuildFinding {
  const message = 'files changed during the build, so the next build cannot reuse this image';
  return { target, topic: 'lost-tree', message };
}
