import { sameEngine } from '../../host/engine/docker-cli.ts';
import type { Host } from '../../host/model.ts';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';

/**
 * Stops containers, all at once, each with its own grace; one that is gone already counts as stopped.
 *
 * @param graceMs how long a container may take before the engine kills it.
 */
export async function stopContainers(host: Host, ids: readonly string[], graceMs: number): Promise<void> {
  await Promise.all(
    ids.map((id) =>
      ignoring(host.engine.getContainer(id).stop({ t: Math.ceil(graceMs / 1000) }), [304, 404]),
    ),
  );
}

/** Stops containers for good: a restart of the engine or the host does not bring them back. */
export async function retireContainers(host: Host, ids: readonly string[], graceMs: number): Promise<void> {
  await Promise.all(ids.map((id) => ignoring(setRestart(host, id, 'no'), [404])));
  await stopContainers(host, ids, graceMs);
}

/** A machine that comes back starts everything at once. */
const bootMs = 15_000;

// A client of the host's own waits for each, so that drain and grace hold whatever becomes of this run and its
// connection. One that still starts may not see its signal, and would be waited for until the end of its grace.
// Time is that of the machine since its start, which nobody can set.
// $1 longest drain in seconds, then for each: a file that says when it is drained (- for at once), grace in seconds,
// container
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

/** A container that is left to end. */
export interface LeftToEnd {
  readonly id: string;
  readonly graceMs: number;
  /** File on the host that is there as soon as nothing is in flight to it; undefined: it is told to stop at once. */
  readonly drained?: string | undefined;
}

/**
 * Tells containers to stop for good and leaves them to it: each is told when its requests are done or the drain is over,
 * and ends when its work is done, at the latest after its grace. After a restart of the host they stay down. Who needs
 * their place finds them with {@link isEnding}.
 *
 * @throws UserError what `host.script` throws.
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

/** How the containers of a release that is taken back come to their end. */
export interface Ending {
  /** What each may take to end before the engine kills it, ms. */
  readonly graceMs: (service: string) => number;
  /** How long it is waited for that; what still ends then is left to end, and goes with the next deploy. */
  readonly waitMs?: number;
  readonly clock: Clock;
}

interface EndingContainer {
  readonly id: string;
  readonly name: string;
  readonly service: string;
}

/**
 * Ends containers that may be at work, and removes them: they are asked, and let finish.
 *
 * @returns names of those that were still ending when the waiting was over.
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
      // First, because it waits for a start that is under way: an engine that came back starts its containers just now.
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
 * An app that has not installed its signal handlers yet, as process 1, does not see a SIGTERM at all, and would be
 * waited for until the end of its grace.
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

/** Whether a container was told to stop for good, and has not ended yet. */
export async function isEnding(host: Host, id: string): Promise<boolean> {
  const found = await host.engine
    .getContainer(id)
    .inspect()
    .catch(() => undefined);
  return found?.State.Running === true && found.HostConfig.RestartPolicy?.Name === 'no';
}

/** Gives kept containers that serve again the restart policy they were made with. */
export async function reviveContainers(host: Host, ids: readonly string[]): Promise<void> {
  // 404: Compose made it anew, with its policy.
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

/** The last lines a container printed, stdout and stderr together, without the stream's frame headers. */
export async function lastLogs(host: Host, id: string, lines: number): Promise<string> {
  try {
    const container = host.engine.getContainer(id);
    const raw = (await container.logs({ stdout: true, stderr: true, tail: lines, follow: false })) as Buffer;
    return unframe(Buffer.from(raw)).trimEnd();
  } catch (error) {
    return `(no logs: ${messageOf(error)})`;
  }
}

/** Without a terminal, the engine sends frames: 1 byte stream, 3 zero bytes, 4 bytes length, then the text. */
export function unframe(raw: Buffer): string {
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
