import type { Clock } from '../../kernel/clock.ts';
import type { DeployRun, HostRun } from '../context.ts';
import { isEnding } from '../on-host/containers.ts';
import type { EdgeColour, GuardClient } from './guard.ts';

const pollMs = 100;

export interface DrainOptions {
  /** Longest wait, ms. */
  readonly limitMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly note?: (text: string) => void;
}

/**
 * Waits until a color without new traffic has nothing in flight. Its containers can then be stopped without losing an
 * answer, even if their app ends at once on SIGTERM.
 *
 * @returns requests and WebSockets in flight at the limit. An edge that does not answer counts as 0.
 */
export async function drainColour(
  guards: Iterable<Pick<GuardClient, 'status'>>,
  colour: EdgeColour,
  options: DrainOptions,
): Promise<number> {
  const { limitMs, clock, signal, note } = options;
  const all = [...guards];
  const until = clock.elapsed() + limitMs;
  for (;;) {
    const counts = await Promise.all(all.map((guard) => inFlight(guard, colour)));
    const left = counts.reduce((sum, count) => sum + count, 0);
    if (left === 0 || clock.elapsed() >= until) return left;
    note?.(`${left} ${left === 1 ? 'connection' : 'connections'} still on the old release`);
    await clock.sleep(pollMs, signal);
  }
}

async function inFlight(guard: Pick<GuardClient, 'status'>, colour: EdgeColour): Promise<number> {
  const status = await guard.status().catch(() => undefined);
  return status?.colours[colour].current ?? 0;
}

/** Longest wait for workers and apps to end after the drain. */
const longestEndMs = 60_000;

/**
 * Waits for ending containers: the drain, and the shutdown of their apps.
 *
 * @returns those that still run at the limit.
 */
export async function untilEnded<C extends { readonly id: string; readonly service: string }>(
  run: Pick<DeployRun, 'config' | 'effects' | 'signal'>,
  hostRun: Pick<HostRun, 'host' | 'plan'>,
  containers: readonly C[],
  note: (text: string) => void,
): Promise<readonly C[]> {
  const { clock } = run.effects;
  const graces = hostRun.plan.services.map(({ plan }) => Math.min(plan.stopGraceMs, longestEndMs));
  const until = clock.elapsed() + run.config.drainMs + Math.max(longestEndMs / 6, ...graces) + 2_000;
  for (;;) {
    const ending = await Promise.all(containers.map(({ id }) => isEnding(hostRun.host, id)));
    const left = containers.filter((_, index) => ending[index] === true);
    if (left.length === 0 || clock.elapsed() > until) return left;
    const names = [...new Set(left.map(({ service }) => service))].join(', ');
    note(`waiting for ${names} of the old release to finish`);
    await clock.sleep(200, run.signal);
  }
}
