import { objectKey } from '../../config/compose/written.ts';
import type { ComposeService } from '../../config/model.ts';
import type { Finding, PreflightInput } from './preflight.ts';

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
