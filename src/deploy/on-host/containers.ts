import { sameEngine } from '../../host/engine/docker-cli.ts';
import type { Host } from '../../host/model.ts';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';

/**
 * Stops containers in parallel. A container that is gone counts as stopped.
 *
 * @param graceMs time before the engine kills a container.
 */
export async function stopContainers(host: Host, ids: readonly string[], graceMs: number): Promise<void> {
  await Promise.all(
    ids.map((id) =>
      ignoring(host.engine.getContainer(id).stop({ t: Math.ceil(graceMs / 1000) }), [304, 404]),
    ),
  );
}

/** Stops containers permanently: a restart of the engine or the host does not start them. */
export async function retireContainers(host: Host, ids: readonly string[], graceMs: number): Promise<void> {
  await Promise.all(ids.map((id) => ignoring(setRestart(host, id, 'no'), [404])));
  await stopContainers(host, ids, graceMs);
}

/** After a reboot all containers start at once. */
const bootMs = 15_000;

// A process on the host waits for each container, so that drain and grace hold even if this run or its connection ends.
// A container that is still starting may miss its signal and use up its grace, so the process waits for the start.
// Time is the uptime, because the clock can be set.
// $1 longest drain in seconds, then for each container: file that marks it as drained (- for none), grace in seconds, id
const stopLater = `${sameEngine}
within() { read now _ </proc/uptime; end=$((\${now%.*} + $1)); }
pause() {
  read now _ </proc/uptime
  [ "\${now%.*}" -lt "$end" ] || return 1
  sleep 0.2 2>/dev/null || sleep 1
}
health() { docker inspect -f '{{if .State.Health}}{{.State.Health.Status}}{{end}}' "$1" 2>/dev/null; }
limit=$1; shift
while [ $# -gt 2 ]; do
  (
    trap '' HUP
    within $((limit + 1))
    while [ "$1" != - ] && [ ! -e "$1" ]; do pause || break; done
    within ${bootMs / 1000}
    while [ "$(health "$3")" = starting ]; do pause || break; done
    exec docker stop -t "$2" "$3"
  ) </dev/null >/dev/null 2>&1 &
  shift 3
done
`;

/** A container that ends in the background. */
export interface LeftToEnd {
  readonly id: string;
  readonly graceMs: number;
  /** File on the host that exists once nothing is in flight to it; undefined: stop it at once. */
  readonly drained?: string | undefined;
}

/**
 * Stops containers permanently, in the background on the host. Each gets its stop signal once its requests are done or the
 * drain is over, and then has its grace. After a restart of the host they stay down. {@link isEnding} finds them.
 *
 * @throws UserError as `host.script` does.
 */
export async function letEnd(host: Host, ending: readonly LeftToEnd[], drainMs = 0): Promise<void> {
  if (ending.length === 0) return;
  const args = [
    String(Math.ceil(drainMs / 1000)),
    ...ending.flatMap(({ id, graceMs, drained = '-' }) => [drained, String(Math.ceil(graceMs / 1000)), id]),
  ];
  await Promise.all([
    ...ending.map(({ id }) => ignoring(setRestart(host, id, 'no'), [404])),
    host.script(stopLater, { args, timeoutMs: 20_000 }),
  ]);
}

/** How to stop the containers of a reverted release. */
export interface Ending {
  /** Time before the engine kills a container, ms. */
  readonly graceMs: (service: string) => number;
  /** Longest wait. The next deploy removes containers that are still ending then. */
  readonly waitMs?: number;
  readonly clock: Clock;
}

interface EndingContainer {
  readonly id: string;
  readonly name: string;
  readonly service: string;
}

/**
 * Stops containers gracefully, and removes them.
 *
 * @returns names of those that were still ending at the limit.
 */
export async function endContainers(
  host: Host,
  containers: readonly EndingContainer[],
  ending: Ending,
): Promise<string[]> {
  const { graceMs, clock, waitMs } = ending;
  if (waitMs !== undefined) return await endWithin(host, containers, graceMs, waitMs, clock);
  await Promise.all(
    containers.map(async ({ id, service }) => {
      // First, because it waits for a start in progress: an engine that came back is starting its containers.
      await ignoring(setRestart(host, id, 'no'), [404]);
      await whileStarting(host, id, clock);
      await stopContainers(host, [id], graceMs(service));
      await removeContainers(host, [id]);
    }),
  );
  return [];
}

async function endWithin(
  host: Host,
  containers: readonly EndingContainer[],
  graceMs: Ending['graceMs'],
  waitMs: number,
  clock: Clock,
): Promise<string[]> {
  const until = clock.elapsed() + waitMs;
  await letEnd(
    host,
    containers.map(({ id, service }) => ({ id, graceMs: graceMs(service) })),
  );
  const left = await Promise.all(
    containers.map(async ({ id, name }) => {
      while (await isEnding(host, id)) {
        if (clock.elapsed() > until) return name;
        await clock.sleep(100);
      }
      await removeContainers(host, [id]);
      return undefined;
    }),
  );
  return left.filter((name) => name !== undefined);
}

/**
 * Process 1 ignores SIGTERM until the app has installed its signal handlers, and then uses up its grace.
 */
async function whileStarting(host: Host, id: string, clock: Clock): Promise<void> {
  const until = clock.elapsed() + bootMs;
  while (clock.elapsed() < until) {
    const found = await host.engine
      .getContainer(id)
      .inspect()
      .catch(() => undefined);
    if (!found?.State.Running || found.State.Health?.Status !== 'starting') return;
    await clock.sleep(200);
  }
}

/** Whether a container is being stopped permanently and still runs. */
export async function isEnding(host: Host, id: string): Promise<boolean> {
  const found = await host.engine
    .getContainer(id)
    .inspect()
    .catch(() => undefined);
  return found?.State.Running === true && found.HostConfig.RestartPolicy?.Name === 'no';
}

/** Restores the restart policy of kept containers that serve again. */
export async function reviveContainers(host: Host, ids: readonly string[]): Promise<void> {
  // 404: Compose has recreated it, with its policy.
  await Promise.all(ids.map((id) => ignoring(setRestart(host, id, 'always'), [404])));
}

function setRestart(host: Host, id: string, name: 'no' | 'always'): Promise<unknown> {
  return host.engine.getContainer(id).update({ RestartPolicy: { Name: name } });
}

/** Removes containers with their anonymous volumes. */
export async function removeContainers(host: Host, ids: readonly string[]): Promise<void> {
  // 409: the engine is removing it already.
  await Promise.all(
    ids.map((id) => ignoring(host.engine.getContainer(id).remove({ force: true, v: true }), [404, 409])),
  );
}

async function ignoring(call: Promise<unknown>, statuses: readonly number[]): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!statuses.includes((error as { statusCode?: number }).statusCode ?? 0)) throw error;
  }
}

/** The last lines of a container's stdout and stderr. */
export async function lastLogs(host: Host, id: string, lines: number): Promise<string> {
  try {
    const container = host.engine.getContainer(id);
    const raw = (await container.logs({ stdout: true, stderr: true, tail: lines, follow: false })) as Buffer;
    return unframe(Buffer.from(raw)).trimEnd();
  } catch (error) {
    return `(no logs: ${messageOf(error)})`;
  }
}

/** Removes frame headers. Without a terminal the engine sends frames: 1 byte stream, 3 zero bytes, 4 bytes length, text. */
function unframe(raw: Buffer): string {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 8 <= raw.length) {
    const isFrame = (raw[at] ?? 9) <= 2 && raw.readUIntBE(at + 1, 3) === 0;
    if (!isFrame) return raw.toString('utf8');
    const length = raw.readUInt32BE(at + 4);
    parts.push(raw.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts).toString('utf8');
}
