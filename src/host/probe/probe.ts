import { type Clock, systemClock } from '../../kernel/clock.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import type { Host } from '../model.ts';
import type { HostFacts } from './facts.ts';
import { parseProbe } from './parse.ts';
import { probeScript } from './script.ts';

export type { DiskFacts, HostFacts } from './facts.ts';

export interface ProbeOptions {
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/**
 * The facts that a deploy needs about a host, at half the cost: the engine is queried over the connection, not with its
 * client, whose start takes most of the full probe's time. If that is not enough, it runs the full probe.
 *
 * @throws UserError as probeHost().
 */
export async function probeQuickly(host: Host, options: ProbeOptions = {}): Promise<HostFacts> {
  const [facts, info] = await Promise.all([
    probe(host, options, 'quick'),
    (host.engine.info() as Promise<EngineInfo>).catch(() => undefined),
  ]);
  const guessed = facts.disk.docker;
  if (info === undefined || guessed?.path !== info.DockerRootDir) return await probeHost(host, options);
  const cgroup = info.CgroupVersion === '1' ? 1 : info.CgroupVersion === '2' ? 2 : facts.system.cgroup;
  return {
    ...facts,
    system: { ...facts.system, cgroup },
    docker: {
      ...facts.docker,
      engine: info.ServerVersion,
      storageDriver: info.Driver,
      dataRoot: info.DockerRootDir,
      rootless: info.SecurityOptions?.includes('name=rootless') ?? false,
      remapped: info.SecurityOptions?.includes('name=userns') ?? false,
    },
  };
}

/** The part of `GET /info` in use. */
interface EngineInfo {
  readonly ServerVersion: string;
  readonly Driver: string;
  readonly CgroupVersion?: string;
  readonly DockerRootDir: string;
  readonly SecurityOptions?: readonly string[];
}

/**
 * Collects all facts about a host with one script.
 *
 * @throws UserError `host.probe` if the output is invalid; the errors of Host.script().
 */
export async function probeHost(host: Host, options: ProbeOptions = {}): Promise<HostFacts> {
  return await probe(host, options, 'full');
}

async function probe(host: Host, options: ProbeOptions, how: 'quick' | 'full'): Promise<HostFacts> {
  const { clock = systemClock, signal } = options;
  const begun = clock.now();
  let answered: number | undefined;
  const result = await host.script(probeScript, {
    what: 'Inspecting the host',
    args: [host.config.root, how],
    timeoutMs: 45_000,
    // The first line is the clock; the time of the rest must not count.
    onLine: (line) => {
      if (line.startsWith('clock ')) answered ??= clock.now();
    },
    ...(signal === undefined ? {} : { signal }),
  });
  const facts = parseProbe(result.stdout, host.config.root, { begun, answered: answered ?? clock.now() });
  if (typeof facts !== 'string') return facts;
  throw new UserError({
    code: 'host.probe',
    message: `Cannot inspect ${host.name}: its output is invalid: ${facts}`,
    hint: "Check the user's shell start-up files: their output may interfere. Unusual systems are not supported.",
    output: tail(`${result.stdout}\n${result.stderr}`, 20).slice(-4000),
  });
}
