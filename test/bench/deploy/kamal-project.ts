import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { syntheticSecret } from '../../bed/app/settings.ts';
import { appRegistry, imagesOf, type VersionName } from '../../bed/app/versions.ts';
import { type Bed, type BedHost, standIns } from '../../bed/bed.ts';
import { command, must } from '../../bed/command.ts';
import { registry } from '../../bed/layout.ts';

/** What `scripts/setup kamal-peer` brings: the programs `kamal` and `kamal-proxy`. */
export const kamalPeer = join(import.meta.dirname, '../../../.bed/kamal-peer');

const service = 'bookreader';
const image = 'bookreader/kamal';
const proxy = { repository: 'bench/kamal-proxy', version: 'peer' };
export const versionsUsed = ['v2', 'v5'] as const satisfies readonly VersionName[];

/** What the example's backend gets, by Sluice from compose and the env file, by Kamal from deploy.yml. */
const environment: Readonly<Record<string, string>> = {
  SECRET_KEY: syntheticSecret('SECRET_KEY', 64),
  JWT_SECRET_KEY: syntheticSecret('JWT_SECRET_KEY', 64),
  DB_HOST: `${service}-db`,
  DB_PASSWORD: syntheticSecret('DB_PASSWORD', 32),
  REDIS_HOST: `${service}-redis`,
  REDIS_PASSWORD: syntheticSecret('REDIS_PASSWORD', 32),
  WEB_CONCURRENCY: '1',
};

/**
 * A folder for Kamal: its own defaults, except for the health path, the port, and limits and drain as Sluice has them. The
 * database and Redis are accessories, which a deploy leaves alone.
 */
export function writeKamalProject(folder: string, bed: Bed, host: BedHost, drainSeconds: number): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'config'), { recursive: true });
  mkdirSync(join(folder, '.kamal'));
  mkdirSync(join(folder, 'home'), { mode: 0o700 });
  const config = {
    service,
    image,
    servers: { web: { hosts: [host.ssh.host], options: { memory: '384m', cpus: 2 } } },
    // The bed's registry takes any name; Kamal logs in to every registry that is not on localhost.
    registry: { server: registry.reference, username: 'bed', password: ['KAMAL_REGISTRY_PASSWORD'] },
    builder: { arch: arch() === 'arm64' ? 'arm64' : 'amd64' },
    ssh: {
      user: host.ssh.user,
      port: host.ssh.port,
      keys: [bed.privateKeyPath],
      keys_only: true,
      config: false,
    },
    env: { clear: { ...environment, ALLOWED_HOSTS: ['localhost', host.http.host].join(',') } },
    drain_timeout: drainSeconds,
    proxy: {
      app_port: 8000,
      healthcheck: { path: '/api/health' },
      run: { registry: registry.reference, ...proxy },
    },
    accessories: {
      db: {
        image: standIns.postgres,
        host: host.ssh.host,
        env: {
          clear: {
            POSTGRES_DB: 'bookreader',
            POSTGRES_USER: 'bookreader',
            POSTGRES_PASSWORD: environment.DB_PASSWORD,
          },
        },
      },
      redis: {
        image: standIns.redis,
        host: host.ssh.host,
        cmd: `redis-server --requirepass ${environment.REDIS_PASSWORD}`,
      },
    },
  };
  writeFileSync(join(folder, 'config/deploy.yml'), stringify(config, { lineWidth: 0 }));
  writeFileSync(join(folder, '.kamal/secrets'), 'KAMAL_REGISTRY_PASSWORD=any\n', { mode: 0o600 });
}

/**
 * The image of kamal-proxy, made as its own Dockerfile does, and the example's backend with the one label more that Kamal
 * asks for. In the bed's registry.
 */
export async function pushKamalImages(): Promise<void> {
  await push(
    `${registry.reference}/${proxy.repository}:${proxy.version}`,
    `FROM ${standIns.debian}
RUN useradd kamal-proxy && mkdir -p /home/kamal-proxy/.config/kamal-proxy && chown -R kamal-proxy:kamal-proxy /home/kamal-proxy
COPY kamal-proxy /usr/local/bin/
EXPOSE 80 443
USER kamal-proxy:kamal-proxy
CMD ["kamal-proxy", "run"]
`,
    join(kamalPeer, 'kamal-proxy'),
  );
  for (const version of versionsUsed) {
    await push(reference(version), `FROM ${imagesOf(version).backend}\nLABEL service=${service}\n`);
  }
}

async function push(name: string, dockerfile: string, ...files: readonly string[]): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), 'sluice-bench-kamal-'));
  try {
    writeFileSync(join(context, 'Dockerfile'), dockerfile);
    for (const file of files) await must(['cp', '-L', file, context]);
    await must([
      'docker',
      'buildx',
      'build',
      '--quiet',
      '--provenance=false',
      '--load',
      '--tag',
      name,
      context,
    ]);
    await must(['docker', 'push', '--quiet', name]);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

function reference(version: VersionName): string {
  return `${appRegistry}/kamal:${version}`;
}

/** Removes the container that the deploy before last left, so that no deploy has to rename one of its own version. */
export async function forgetStopped(host: BedHost): Promise<void> {
  await host.must(
    `docker ps -aq --filter status=exited --filter label=service=${service} | xargs -r docker rm >/dev/null`,
  );
}

/** Removes Kamal and its application from a host. */
export async function removeKamal(host: BedHost): Promise<void> {
  await host.must(`for label in ${service} ${service}-db ${service}-redis; do
  docker ps -aq --filter "label=service=$label" | xargs -r docker rm -f -v >/dev/null
done
docker rm -f -v kamal-proxy >/dev/null 2>&1 || true
docker network rm kamal >/dev/null 2>&1 || true
docker volume rm kamal-proxy-config >/dev/null 2>&1 || true
rm -rf /home/deploy/.kamal /home/deploy/.docker`);
}

/** A command of Kamal on the host, as its log has it. */
export interface Step {
  readonly name: string;
  readonly ms: number;
}

/** One call of Kamal that succeeded. */
export interface KamalRun {
  readonly output: string;
  readonly steps: readonly Step[];
}

/** Runs Kamal in its project. @throws if its exit code is not 0. */
export async function kamal(folder: string, args: readonly string[]): Promise<KamalRun> {
  // A home of its own, for the host keys that Kamal learns.
  const env = ['env', '--unset', 'SSH_AUTH_SOCK', `HOME=${join(folder, 'home')}`];
  const run = await command([...env, join(kamalPeer, 'kamal'), ...args], { cwd: folder, timeout: 120_000 });
  const output = `${run.stdout}${run.stderr}`;
  if (run.code !== 0)
    throw new Error(`kamal ${args.join(' ')}: exit code ${run.code}\n${output.slice(-4000)}`);
  return { output, steps: stepsOf(run.stdout) };
}

function stepsOf(output: string): Step[] {
  const commands = new Map<string, string>();
  const steps: Step[] = [];
  for (const line of output.split('\n')) {
    const [, id = '', text = ''] = /\[([0-9a-f]+)\] (.*)$/.exec(line) ?? [];
    const [, ran] = /^Running (.*) on \S+$/.exec(text) ?? [];
    const [, took] = /^Finished in ([\d.]+) seconds/.exec(text) ?? [];
    if (ran !== undefined) commands.set(id, ran.replaceAll('/usr/bin/env ', '').slice(0, 60));
    if (took !== undefined) steps.push({ name: commands.get(id) ?? '', ms: Number(took) * 1000 });
  }
  return steps;
}

/** The data services of a new project with their schema, and the application once. */
export async function startKamal(folder: string, host: BedHost): Promise<void> {
  await host.must('docker network inspect kamal >/dev/null 2>&1 || docker network create kamal >/dev/null');
  await kamal(folder, ['accessory', 'boot', 'all']);
  await host.must(`n=0
until docker exec bookreader-db pg_isready -q -h 127.0.0.1 -U bookreader; do
  n=$((n + 1)); [ $n -lt 300 ] || exit 1
  sleep 0.2
done`);
  const env = Object.entries(environment).map(([name, value]) => `--env ${name}=${value}`);
  await host.must(`docker run --rm --network kamal ${env.join(' ')} ${reference('v2')} alembic upgrade head`);
}
