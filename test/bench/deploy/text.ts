import type { CliRun } from '../../bed/demo/cli.ts';
import { type Spread, say, seconds, show, spread } from '../output.ts';

export interface Scenario {
  readonly name: 'one' | 'all';
  readonly title: string;
  /** Services that the Sluice target runs; all when absent. */
  readonly placed?: readonly string[];
  /** Services that a deploy replaces; the first is asked for its health. */
  readonly replaced: readonly string[];
  readonly compose: string;
  readonly script: 'backend' | 'all';
}

export interface ScenarioFigures {
  readonly scenario: Scenario;
  readonly own: { readonly boot: Spread; readonly stop: Spread };
  readonly sluice: Spread;
  /** From the command's start until the new release is confirmed. */
  readonly confirmed: Spread;
  readonly compose: Spread;
  readonly script: Spread;
  readonly distant: Spread;
  /** With two WebSockets open, where a client can reach the application from here. */
  readonly sockets?: SocketFigures;
  readonly runs: readonly CliRun[];
  readonly distantRuns: readonly CliRun[];
}

/** Deploys while WebSockets are open on the old release, which keeps them for its drain. Times from the command's start. */
export interface SocketFigures {
  readonly wall: Spread;
  readonly serves: Spread;
  /** From the confirmation to the command's end. */
  readonly after: Spread;
  /** WebSockets that ended before the drain's time was over. */
  readonly early: number;
}

interface Step {
  readonly name: string;
  readonly startedAt: number;
  readonly ms: number;
}

export function stepsOf(run: CliRun): Step[] {
  const steps = run.report?.hosts.flatMap((host) => host.steps) ?? [];
  return steps.map((step) => ({ name: step.name, startedAt: step.startedAt, ms: step.durationMs }));
}

/** The walls side by side, then where the last deploy's seconds went. */
export function tellScenario(figures: ScenarioFigures): void {
  const { scenario, own, sluice, confirmed, compose, script, distant, runs, distantRuns } = figures;
  say(`\n${scenario.title}`);
  const { boot, stop } = own;
  const rows: [string, Spread][] = [
    ['sluice deploy', sluice],
    ['(a) compose pull && up -d', compose],
    ['(b) blue-green script', script],
  ];
  const text = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  const share = (wall: Spread, without: number) =>
    wall === sluice ? '' : `${((sluice.median - boot.median) / (wall.median - without)).toFixed(2)} ×`;
  // Sluice does not wait for the old release's end, so there is no stop in its figure to take out.
  const both = (wall: Spread) => boot.median + (wall === sluice ? 0 : stop.median);
  show(
    ['deploy', 'wall', 'without boot', 'sluice is', 'without boot and stop', 'sluice is'],
    rows.map(([name, wall]) => [
      name,
      seconds(wall),
      text(wall.median - boot.median),
      share(wall, boot.median),
      text(wall.median - both(wall)),
      share(wall, both(wall)),
    ]),
  );
  say(`the application alone: boot ${seconds(boot)}, stop ${seconds(stop)}`);
  say(`sluice has confirmed the new release after ${seconds(confirmed)}; the rest is the old one's end`);
  if (figures.sockets !== undefined) {
    const { wall, serves, after, early } = figures.sockets;
    say(
      `with two WebSockets open: serves after ${seconds(serves)}, the command ends after ${seconds(wall)}, ${seconds(after)} after the confirmation; ${early} cut before their time`,
    );
  }
  const more = (distant.median - sluice.median) / 1000;
  say(`with a round trip of 50 ms: ${seconds(distant)}, ${more.toFixed(2)} s more`);
  tellSteps(runs, distantRuns);
  const counts = runs.at(-1)?.report?.counts;
  say(`over SSH: ${counts?.execs} commands, ${counts?.forwards} forwarded connections`);
}

/** Medians, because one slow step of one run would tell of the machine and not of the deploy. */
function tellSteps(runs: readonly CliRun[], distantRuns: readonly CliRun[]): void {
  const names = runs.at(-1) === undefined ? [] : stepsOf(runs.at(-1) as CliRun).map((step) => step.name);
  const ms = (all: readonly CliRun[], name: string, of: 'startedAt' | 'ms') => {
    const found = all.flatMap((run) => stepsOf(run).filter((step) => step.name === name));
    return `${Math.round(spread(found.map((step) => step[of])).median)} ms`;
  };
  show(
    ['step', 'begins', 'takes', 'over 50 ms'],
    names.map((name) => [
      name,
      ms(runs, name, 'startedAt'),
      ms(runs, name, 'ms'),
      ms(distantRuns, name, 'ms'),
    ]),
  );
}
