import { systemClock } from '../../kernel/clock.ts';
import { UserError } from '../../kernel/errors.ts';
import type { ChildEnv } from '../../kernel/process/child-env.ts';
import { findPlugin } from '../../kernel/process/docker-plugin.ts';
import { runProcess, tail } from '../../kernel/process/process.ts';
import { retry } from '../../kernel/retry.ts';
import type { BuilderFacts } from '../cache/cache.ts';

export interface BuilderEffects {
  readonly env: ChildEnv;
  readonly signal: AbortSignal;
}

/** A builder that responds. */
export interface Builder extends BuilderFacts {
  /** Command line of buildx: the plugin itself if it is found, which saves starting the docker command. */
  readonly buildx: readonly [string, ...string[]];
  readonly buildxVersion: string | undefined;
  /** `linux/amd64`: the platform of builds that name none. */
  readonly platform: string | undefined;
  /** Local socket of the engine; undefined when it is reached otherwise. */
  readonly socket: string | undefined;
}

const pauseMs = 1_000;

/**
 * Retries once: an engine under load, or another buildx that holds its state, fails to respond only for a moment.
 *
 * @throws UserError `build.builder` when there is no engine or no buildx.
 */
export async function readBuilder(effects: BuilderEffects): Promise<Builder> {
  return await retry(() => askBuilder(effects), {
    clock: systemClock,
    signal: effects.signal,
    pauseMs: (_, attempt) => (attempt === 1 ? pauseMs : undefined),
  });
}

async function askBuilder(effects: BuilderEffects): Promise<Builder> {
  const options = { env: effects.env, signal: effects.signal, timeoutMs: 60_000 };
  const plugin = await findPlugin('docker-buildx', effects.env);
  const buildx = plugin === undefined ? (['docker', 'buildx'] as const) : ([plugin] as const);
  const [info, inspected, version, host] = await Promise.all([
    runProcess(['docker', 'info', '--format', '{{json .}}'], options),
    runProcess([...buildx, 'inspect'], options),
    runProcess([...buildx, 'version'], options),
    engineHost(options),
  ]);
  if (version.code !== 0) {
    throw new UserError({
      code: 'build.builder',
      message: 'docker has no buildx on this machine; Sluice builds images with it',
      hint: 'Install docker-buildx-plugin (0.13 or newer).',
      output: tail(version.stderr, 5),
    });
  }
  const driver = /^Driver:\s*(\S+)/m.exec(inspected.stdout)?.[1] ?? 'docker';
  const engine = parseInfo(info.stdout);
  if (inspected.code !== 0 || (driver === 'docker' && engine.version === undefined)) {
    throw new UserError({
      code: 'build.builder',
      message: 'No Docker engine responds on this machine',
      hint: 'Start it, or choose another builder (docker buildx use NAME, or BUILDX_BUILDER).',
      output: tail(inspected.code === 0 ? info.stderr || info.stdout : inspected.stderr, 5),
    });
  }
  return {
    buildx,
    // A buildx built from its sources reports 0.0.0 and is new.
    buildxVersion: /\bv?(?!0\.0\.0)(\d+\.\d+\.\d+)/.exec(version.stdout)?.[1],
    driver,
    engine: engine.version,
    store: engine.containerd ? 'containerd' : 'graphdriver',
    socket: /^unix:\/\/(\/.*)$/.exec(host)?.[1],
    platform: /^Platforms:\s*([a-z0-9/_]+)/m.exec(inspected.stdout)?.[1],
  };
}

/** Where the docker command finds the engine: its variable, or its context. */
async function engineHost(options: BuilderEffects): Promise<string> {
  if (options.env.DOCKER_HOST) return options.env.DOCKER_HOST;
  const argv = ['docker', 'context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'] as const;
  return (await runProcess(argv, options)).stdout.trim();
}

interface Info {
  readonly version: string | undefined;
  readonly containerd: boolean;
}

/** If the engine does not respond, `docker info` still exits with 0, with an empty version. */
function parseInfo(text: string): Info {
  try {
    const info = JSON.parse(text) as {
      ServerVersion?: string;
      DriverStatus?: readonly (readonly string[])[];
    };
    return {
      version: info.ServerVersion === '' ? undefined : info.ServerVersion,
      containerd: (info.DriverStatus ?? [])
        .flat()
        .some((word) => word.startsWith('io.containerd.snapshotter')),
    };
  } catch {
    return { version: undefined, containerd: false };
  }
}
