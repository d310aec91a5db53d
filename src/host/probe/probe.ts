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
 * What a deploy has to know of a host, at half the cost: the engine is asked over the connection, and not by its client,
 * whose start is most of what the full probe takes. Where that is not enough the full probe is made.
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

/** The part of `GET /info` that is read. */
interface EngineInfo {
  readonly ServerVersion: string;
  readonly Driver: string;
  readonly CgroupVersion?: string;
  readonly DockerRootDir: string;
  readonly SecurityOptions?: readonly string[];
}

/**
 * Asks a host everything about itself, with one script.
 *
 * @throws UserError `host.probe` if the answer makes no sense; what Host.script() throws.
 */
export async function probeHost(host: Host, options: ProbeOptions = {}): Promise<HostFacts> {
  return await probe(host, options, 'full');
}

async function probe(host: Host, options: ProbeOptions, how: 'quick' | 'full'): Promise<HostFacts> {
  const { clock = systemClock, signal } = options;
  const begun = clock.now();
  let answered: number | undefined;
  const result = await host.script(probeScript, {
    what: 'Asking the host about itself',
    args: [host.config.root, how],
    timeoutMs: 45_000,
    // The first line is the clock; the rest of the answer takes longer and must not count.
    onLine: (line) => {
      if (line.startsWith('clock ')) answered ??= clock.now();
    },
    ...(signal === undefined ? {} : { signal }),
  });
  const facts = parseProbe(result.stdout, host.config.root, { begun, answered: answered ?? clock.now() });
  if (typeof facts !== 'string') return facts;
  throw new UserError({
    code: 'host.probe',
    message: `The answer of ${host.name} about itself makes no sense: ${facts}`,
    hint: "Something in the user's shell start-up, or an unusual system, may interfere.",
    output: tail(`${result.stdout}\n${result.stderr}`, 20).slice(-4000),
  });
}
