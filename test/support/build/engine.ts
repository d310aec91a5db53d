import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, must } from '../../bed/command.ts';
import { buildImages } from '../../bed/images.ts';
import type { TestRegistry } from './registry.ts';

/** An engine of its own, new and empty, with the image store that is asked for. */
export interface TestEngine extends AsyncDisposable {
  /** For DOCKER_HOST. */
  readonly socket: string;
  readonly container: string;
}

/**
 * It lives in the network of the registry's container, so that both call the registry by one name, and has no bridge:
 * only steps with `network: host` reach anything. Never let it share the machine's own network: an engine without a
 * bridge removes a docker0 that it finds.
 *
 * @param diskMiB size of the disk it keeps everything on; none given: that of the machine.
 */
export async function startEngine(
  registry: Pick<TestRegistry, 'container'>,
  store: 'containerd' | 'graphdriver',
  diskMiB?: number,
): Promise<TestEngine> {
  const { host: image } = await buildImages(() => {});
  const folder = mkdtempSync('/tmp/build-engine-');
  const config =
    store === 'containerd'
      ? { features: { 'containerd-snapshotter': true } }
      : { 'storage-driver': 'overlay2' };
  writeFileSync(join(folder, 'daemon.json'), JSON.stringify(config));
  const options = [
    ...['--detach', '--rm', '--privileged', '--network', `container:${registry.container}`],
    ...(diskMiB === undefined
      ? ['--volume', '/var/lib/docker']
      : ['--tmpfs', `/var/lib/docker:exec,size=${diskMiB}m`]),
    ...['--volume', `${folder}:/sluice`, '--entrypoint', 'dockerd'],
  ];
  const socket = `unix://${folder}/docker.sock`;
  const flags = ['--config-file', '/sluice/daemon.json', '--host', 'unix:///sluice/docker.sock'];
  const network = [
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--ip-masq=false',
  ];
  const id = (await must(['docker', 'run', ...options, image, ...flags, ...network])).trim();
  const stop = async () => {
    await command(['docker', 'rm', '--force', '--volumes', id]);
    rmSync(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; ; attempt++) {
    const answer = await command(['docker', '--host', socket, 'version', '--format', '{{.Server.Version}}']);
    if (answer.code === 0) break;
    if (attempt > 100) {
      const { stderr } = await command(['docker', 'logs', '--tail', '20', id]);
      await stop();
      throw new Error(`the engine does not answer\n${stderr}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { socket, container: id, [Symbol.asyncDispose]: stop };
}

/** What `docker image ls` says in an engine: one field of each image, or of each of one repository. */
export async function listImages(
  { socket }: Pick<TestEngine, 'socket'>,
  field: 'Repository' | 'Tag',
  repository?: string,
): Promise<string[]> {
  const only = repository === undefined ? [] : [repository];
  const argv = ['docker', '--host', socket, 'image', 'ls', '--format', `{{.${field}}}`, ...only];
  return (await must(argv)).split('\n').filter((line) => line !== '');
}
