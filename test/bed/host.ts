import { connect } from 'node:net';
import { command, must, type Result } from './command.ts';
import { ensureContainer } from './container.ts';
import { hostKey, type KeyFile } from './keys.ts';
import { type HostPlace, network, registry } from './layout.ts';

/** Size of the file system under /opt/sluice. */
const diskMiB = 2048;

export interface BedHost {
  name: string;
  ssh: { host: string; port: number; user: string };
  /** `deploy@127.0.0.11:2222` */
  sshTarget: string;
  /** `ssh-ed25519 AAAA…` */
  hostKey: string;
  /** On the bed's network: how hosts reach each other. */
  address: string;
  /** Port 80 of the host, seen from this machine. */
  http: { host: string; port: number };
  /** Runs a shell script on the host, as root unless told otherwise. Not over SSH. */
  exec(script: string, options?: { user?: string; timeout?: number }): Promise<Result>;
  /** Like exec, but a non-zero exit code is an error. Returns stdout. */
  must(script: string, options?: { user?: string; timeout?: number }): Promise<string>;
  /** Kills everything on the host at once. */
  powerCut(): Promise<void>;
  /** Switches the host on after a power cut; returns when sshd and the engine answer. */
  boot(): Promise<void>;
  /** As `systemctl restart ssh`: open sessions stay, unless they are cut too. */
  restartSshd(options?: { cutSessions?: boolean }): Promise<void>;
  stopSshd(options?: { cutSessions?: boolean }): Promise<void>;
  startSshd(): Promise<void>;
  /** As `systemctl restart docker`; `crash` kills the engine with SIGKILL. Returns when it answers again. */
  restartDockerd(options?: { crash?: boolean }): Promise<void>;
  stopDockerd(): Promise<void>;
  startDockerd(): Promise<void>;
  /** Leaves so many MiB free under /opt/sluice. */
  fillDisk(freeMiB: number): Promise<void>;
  freeDisk(): Promise<void>;
  /**
   * Removes all containers, networks and volumes and all of /opt/sluice, or those of one app. Images stay.
   */
  wipe(app?: string): Promise<void>;
}

export async function upHost(
  place: HostPlace,
  image: string,
  client: KeyFile,
  log: (line: string) => void,
): Promise<BedHost> {
  const identity = await hostKey(place);
  const publish = (
    [
      [place.ssh, 22],
      [place.http, 80],
    ] as const
  ).flatMap(([at, port]) => ['--publish', `${at.host}:${at.port}:${port}`]);
  await ensureContainer(
    {
      name: place.name,
      image,
      version: identity.publicKey,
      options: [
        '--hostname',
        place.name,
        '--privileged',
        ...['--network', network.name, '--ip', place.address],
        // As on a real server: gone after a power cut, so no stale pid files.
        ...['--tmpfs', '/run:rw,exec,mode=755', '--tmpfs', '/tmp:rw,exec,mode=1777'],
        ...['--volume', `${place.volumes.docker}:/var/lib/docker`],
        ...['--volume', `${place.volumes.disk}:/bed/volume`],
        ...['--volume', `${place.volumes.home}:/home/deploy`],
        ...['--env', `BED_AUTHORIZED_KEY=${client.publicKey}`],
        ...['--env', `BED_REGISTRY=${registry.address}:5000`],
        ...['--env', `BED_DISK_MIB=${diskMiB}`],
        ...publish,
      ],
      prepare: async () => {
        await must(['docker', 'cp', identity.path, `${place.name}:/etc/ssh/ssh_host_ed25519_key`]);
        await must([
          'docker',
          'cp',
          `${identity.path}.pub`,
          `${place.name}:/etc/ssh/ssh_host_ed25519_key.pub`,
        ]);
      },
    },
    log,
  );
  const host = bedHost(place, identity.publicKey);
  await untilReady(host);
  return host;
}

function bedHost(place: HostPlace, key: string): BedHost {
  const exec: BedHost['exec'] = (script, { user = 'root', timeout } = {}) =>
    command(['docker', 'exec', '--interactive', '--user', user, place.name, 'sh', '-s'], {
      stdin: script,
      ...(timeout === undefined ? {} : { timeout }),
    });
  const mustExec: BedHost['must'] = async (script, options) => {
    const result = await exec(script, options);
    if (result.code === 0) return result.stdout;
    throw new Error(`${place.name}: exit code ${result.code}\n${script}\n${result.stdout}${result.stderr}`);
  };
  const act = async (script: string): Promise<void> => {
    await mustExec(script);
  };
  const cutSessions = 'pkill -KILL -x sshd-session || true';
  const host: BedHost = {
    name: place.name,
    ssh: place.ssh,
    sshTarget: `${place.ssh.user}@${place.ssh.host}:${place.ssh.port}`,
    hostKey: key,
    address: place.address,
    http: place.http,
    exec,
    must: mustExec,
    powerCut: async () => {
      await must(['docker', 'kill', place.name]);
    },
    boot: async () => {
      await must(['docker', 'start', place.name]);
      await untilReady(host);
    },
    restartSshd: async (options) => {
      await act(`service restart sshd${options?.cutSessions ? `; ${cutSessions}` : ''}`);
      await untilSshAnswers(host);
    },
    stopSshd: (options) => act(`service stop sshd${options?.cutSessions ? `; ${cutSessions}` : ''}`),
    startSshd: async () => {
      await act('service start sshd');
      await untilSshAnswers(host);
    },
    restartDockerd: async (options) => {
      await act(`service ${options?.crash ? 'crash' : 'restart'} dockerd`);
      await untilEngineAnswers(host);
    },
    stopDockerd: () => act('service stop dockerd'),
    startDockerd: async () => {
      await act('service start dockerd');
      await untilEngineAnswers(host);
    },
    fillDisk: (freeMiB) => act(fillScript(freeMiB)),
    freeDisk: () => act('rm -f /bed/disk/fill'),
    wipe: (app) => act(wipeScript(app)),
  };
  return host;
}

function fillScript(freeMiB: number): string {
  return `set -eu
rm -f /bed/disk/fill
available=$(df --output=avail -B1M /opt/sluice | tail -n 1)
size=$((available - ${Math.max(0, Math.floor(freeMiB))}))
[ "$size" -le 0 ] || fallocate -l "\${size}M" /bed/disk/fill`;
}

/** With an app: what carries its label, and the compose project of that name. */
function wipeScript(app: string | undefined): string {
  if (app === undefined) {
    return `set -eu
rm -f /bed/disk/fill
docker ps -aq | xargs -r -P 4 -n 4 docker rm -f -v >/dev/null
docker volume ls -q | xargs -r docker volume rm -f >/dev/null
docker network prune -f >/dev/null
find /opt/sluice -mindepth 1 -delete`;
  }
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(app)) throw new Error(`not an app's name: ${app}`);
  return `set -eu
for label in sluice.app=${app} com.docker.compose.project=${app}; do
  docker ps -aq --filter "label=$label" | xargs -r -P 4 -n 4 docker rm -f -v >/dev/null
  docker volume ls -q --filter "label=$label" | xargs -r docker volume rm -f >/dev/null
  docker network ls -q --filter "label=$label" | xargs -r docker network rm >/dev/null
done
rm -rf "/opt/sluice/${app}"`;
}

async function untilReady(host: BedHost): Promise<void> {
  await Promise.all([untilEngineAnswers(host), untilSshAnswers(host)]);
}

async function untilEngineAnswers(host: BedHost): Promise<void> {
  const script = `n=0
until docker version >/dev/null 2>&1; do
  n=$((n + 1)); [ $n -lt 600 ] || { tail -n 20 /var/log/boot.log /var/log/dockerd.log; exit 1; }
  sleep 0.05
done`;
  await host.must(script, { timeout: 60_000 });
}

/** sshd speaks first: a banner proves more than an open port, which may be only the port publisher's. */
async function untilSshAnswers(host: BedHost): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await sshBanner(host.ssh))) {
    if (performance.now() > deadline)
      throw new Error(`${host.name}: sshd does not answer on ${host.sshTarget}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function sshBanner(at: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...at, timeout: 2000 });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (data) => finish(data.toString('latin1').startsWith('SSH-2.0-')));
    socket.once('error', () => finish(false));
    socket.once('timeout', () => finish(false));
    socket.once('close', () => resolve(false));
  });
}
