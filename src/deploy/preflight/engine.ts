import { objectKey } from '../../config/compose/written.ts';
import type { ComposeService, HostModel } from '../../config/model.ts';
import type { connectionBudget } from '../../config/services/capacity.ts';
import type { HostFacts } from '../../host/probe/facts.ts';
import type { ReleaseRecord } from '../model.ts';

/** Result of one check. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error';
  /** Subject of the check: `memory`, `disk`, `connections`, `env`, … */
  readonly topic: string;
  readonly message: string;
  readonly fix?: string;
}

export interface PreflightInput {
  readonly facts: HostFacts;
  readonly record: Pick<ReleaseRecord, 'model' | 'services'> & Pick<Partial<HostModel>, 'carried'>;
  /** All hosts of the target: their processes share one database. Default: this host alone. */
  readonly fleet?: readonly Pick<ReleaseRecord, 'model' | 'services'>[];
  readonly config: Parameters<typeof connectionBudget>[2];
  readonly database: string | undefined;
}

export function judgeEngine({ docker }: HostFacts): Finding[] {
  const engine = docker.engine ?? '';
  const composeVersion = docker.compose ?? '';
  return [
    atLeast(engine, 20, 10)
      ? { level: 'ok', topic: 'engine', message: `Docker ${engine}` }
      : {
          level: 'error',
          topic: 'engine',
          message:
            engine === '' ? 'the Docker engine does not answer' : `Docker ${engine} is older than 20.10`,
          fix: 'Install a current Docker engine, and add the deploy user to the docker group.',
        },
    atLeast(composeVersion, 2, 20)
      ? { level: 'ok', topic: 'compose', message: `Compose ${composeVersion}` }
      : {
          level: 'error',
          topic: 'compose',
          message:
            composeVersion === ''
              ? 'the compose plugin is missing'
              : `Compose ${composeVersion} is older than 2.20`,
          fix: 'Install a current docker-compose-plugin (apt) on the host.',
        },
  ];
}

function atLeast(version: string, major: number, minor: number): boolean {
  const [, first = '-1', second = '0'] = /^v?(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return Number(first) > major || (Number(first) === major && Number(second) >= minor);
}

/** Reports what a release needs and an engine with user namespaces (rootless, userns-remap) cannot do. */
export function judgeUsers(input: Pick<PreflightInput, 'facts' | 'record'>): Finding[] {
  const { rootless, remapped } = input.facts.docker;
  if (rootless) return judgeRootless(input);
  return remapped ? judgeRemapped(input) : [];
}

/**
 * The edge runs as the deploy user, who is another user in a rootless container. Sluice connects to containers at their
 * addresses, which a rootless server cannot reach (docs.docker.com/engine/security/rootless).
 */
function judgeRootless({ record }: Pick<PreflightInput, 'record'>): Finding[] {
  const edged = record.services.filter(({ strategy }) => strategy === 'blue-green');
  const isRefused = edged.length > 0 || record.services.length === 0;
  return [
    {
      level: isRefused ? 'error' : 'warning',
      topic: 'engine',
      message: isRefused
        ? 'the engine is rootless: the edge of a blue-green service cannot open its folder, and Sluice cannot reach containers at their addresses'
        : 'the engine is rootless: by default it cannot publish ports below 1024, and containers do not see client addresses',
      fix: 'Use the system engine (/var/run/docker.sock, the deploy user in the docker group). If root in a container must not be root on the server, enable userns-remap.',
    },
  ];
}

function judgeRemapped({ record }: Pick<PreflightInput, 'record'>): Finding[] {
  const faults = record.services.flatMap(({ name }) => {
    const service = record.model.services[name] ?? {};
    if (service['userns_mode'] === 'host') return [];
    return whyRefused(service, record).map(
      (why): Finding => ({
        level: 'error',
        topic: 'engine',
        message: `the engine uses userns-remap, but ${name} ${why}`,
        fix: `Set userns_mode: host for ${name} in the compose file, so that its users are those of the server.`,
      }),
    );
  });
  const ok: Finding = { level: 'ok', topic: 'engine', message: 'userns-remap is on; edges run without it' };
  return faults.length > 0 ? faults : [ok];
}

/** Settings that the engine refuses with user namespaces (moby daemon_unix.go), and files of ours that they cannot read. */
function whyRefused(service: ComposeService, record: PreflightInput['record']): string[] {
  return [
    ...(service.network_mode === 'host' ? ['shares the server’s network (network_mode: host)'] : []),
    ...(service['pid'] === 'host' ? ['shares the server’s processes (pid: host)'] : []),
    ...(service['privileged'] === true ? ['is privileged'] : []),
    ...(service.secrets?.some((secret) => isClosed(secret, record))
      ? ['has secrets: only the deploy user can read these files, and that is another user in the container']
      : []),
  ];
}

/** Whether a secret is a file of the release (0600), not a file of the server. */
function isClosed(secret: unknown, { model, carried }: PreflightInput['record']): boolean {
  const name = typeof secret === 'string' ? secret : `${(secret as { source?: unknown } | null)?.source}`;
  const file = model.secrets?.[name]?.file;
  return (
    carried?.[objectKey('secrets', name)] !== undefined ||
    (file !== undefined && /\/files\/[0-9a-f]{16}\//.test(file))
  );
}
