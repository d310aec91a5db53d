import type { VersionName } from '../app/versions.ts';
import type { CliLine, CliRun } from './cli.ts';
import type { Stage } from './model.ts';
import type { Pace } from './pace.ts';

/** What goes into sluice.yml. Times are seconds, and short, so that the demo is: a team would watch for half a minute. */
export interface Settings {
  readonly watch: number;
  readonly deadline: number;
  readonly drain: number;
  /** Fewer errors than this never revert. */
  readonly min5xx: number;
}

/**
 * A slow load needs longer until it has met ten errors, and a slow runner until it has confirmed: 0.2 s after the watch on
 * a calm machine, and 1.9 s once on one that was kept busy.
 */
export function settingsAt({ patience }: Pace): Settings {
  return { watch: patience, deadline: 2 + 3 * patience, drain: 2, min5xx: 10 };
}

/** One act of the demo: a command, and what has to come of it. */
export interface Act {
  readonly name: string;
  readonly title: string;
  /** For the table at the end. */
  readonly label: string;
  readonly why: (settings: Settings) => string;
  readonly command: 'deploy' | 'rollback';
  readonly release?: VersionName;
  readonly exit: number | null;
  readonly outcome?: string;
  readonly serves: VersionName;
  /** The version it moves traffic away from, when all goes well. */
  readonly replaces?: VersionName;
  readonly sick?: VersionName;
  /** A version that no client may have seen. */
  readonly unseen?: VersionName;
  readonly backup: boolean;
  /** A step that must have run. */
  readonly step?: string;
  readonly killAt?: (line: CliLine) => boolean;
  readonly conclude: (stage: Stage, seconds: (ms: number | undefined) => string) => string;
}

const took = (run: CliRun) => run.endedAt - run.startedAt;

export const acts: readonly Act[] = [
  {
    name: 'first',
    title: 'First deploy: v1',
    label: 'v1, the first',
    why: () => 'The servers are empty. The first one gets Postgres and Redis, and both get the application.',
    ...{ command: 'deploy', release: 'v1', exit: 0, outcome: 'confirmed', serves: 'v1', backup: false },
    conclude: ({ run }, seconds) => `v1 is serving on both servers after ${seconds(took(run))}.`,
  },
  {
    name: 'migration',
    title: 'A good release with a migration: v2',
    label: 'v2, with a migration',
    why: ({ watch }) =>
      `A backup comes first and is proven by a restore; then the migration; then v2 starts beside v1, is asked for its health, and gets the traffic. The first ${watch} s of it are watched (half a minute unless sluice.yml says otherwise), then it is confirmed.`,
    ...{ command: 'deploy', release: 'v2', exit: 0, outcome: 'confirmed', serves: 'v2', replaces: 'v1' },
    backup: true,
    step: 'migrate',
    conclude: ({ run }, seconds) =>
      `v2 is serving. The deploy took ${seconds(took(run))}, and no request failed.`,
  },
  {
    name: 'unhealthy',
    title: 'A release that never becomes healthy: v3',
    label: 'v3, never healthy',
    why: () => 'Its health endpoint always answers 503. It must not receive a single request.',
    ...{ command: 'deploy', release: 'v3', exit: 1, outcome: 'undone', serves: 'v2', unseen: 'v3' },
    backup: true,
    conclude: ({ run }, seconds) =>
      `v3 was removed; its deploy took ${seconds(took(run))} in all. v2 served all the time.`,
  },
  {
    name: 'sick',
    title: 'A release that fails only under traffic: v4',
    label: 'v4, fails under traffic',
    why: () =>
      'It reports that it is healthy, and answers 500 to all else. No check before the switch can find that. The guard inside the edge counts the answers and reverts by itself; the runner is only notified.',
    ...{ command: 'deploy', release: 'v4', exit: 1, outcome: 'reverted', serves: 'v2', sick: 'v4' },
    backup: true,
    conclude: ({ revertMs }, seconds) =>
      `The last answer of v4 came ${seconds(revertMs)} after its first error. v2 is serving again.`,
  },
  {
    name: 'killed',
    title: 'The runner dies at the worst moment: v5',
    label: 'v5, runner killed',
    why: ({ watch, deadline }) =>
      `SIGKILL right after the switch: v5 has the traffic, and its runner cannot confirm it any more. The guards wait until ${watch + deadline} s after the switch and revert to v2 by themselves.`,
    ...{ command: 'deploy', release: 'v5', exit: null, serves: 'v2', backup: false },
    killAt: (line) => line.step === 'switch' && line.outcome === 'done',
    conclude: ({ revertMs }, seconds) =>
      `The last answer of v5 came ${seconds(revertMs)} after the kill. v2 is serving; the servers needed no help.`,
  },
  {
    name: 'again',
    title: 'The same deploy again: v5',
    label: 'v5, once more',
    why: () =>
      'The deploy finds what the dead run left, undoes it, and continues. There is no lock to remove and nothing to clean up manually.',
    ...{ command: 'deploy', release: 'v5', exit: 0, outcome: 'confirmed', serves: 'v5', replaces: 'v2' },
    backup: true,
    step: 'reconcile',
    conclude: ({ run }, seconds) => `v5 is serving after ${seconds(took(run))}.`,
  },
  {
    name: 'rollback',
    title: 'Back to the previous release: v2',
    label: 'back to v2',
    why: () =>
      'v5 is healthy, but the team wants v2 back. Its containers still exist: no build, no upload, no pull.',
    ...{ command: 'rollback', exit: 0, outcome: 'confirmed', serves: 'v2', replaces: 'v5', backup: false },
    conclude: ({ run }, seconds) => `v2 is serving again after ${seconds(took(run))}.`,
  },
];
