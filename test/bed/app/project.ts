import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { BedHost } from '../host.ts';
import { standIns } from '../images.ts';
import { composeOverlay, envFile, rateLimitOff } from './settings.ts';
import { exampleFolder } from './tree.ts';
import { appRegistry, imagesOf, type VersionName, versions } from './versions.ts';

/** A copy of the example as a team would have it, with a sluice.yml for the bed. */
export interface Project {
  readonly folder: string;
  readonly config: string;
  /** JSON file with a version's images, for `--images`. */
  images(version: VersionName): string;
}

export interface ProjectSettings {
  /** What `watch` says in sluice.yml. */
  readonly watch?: Readonly<Record<string, string | number>>;
  /** Factor of the time that the backend has for its start and its health checks, on a busy machine. */
  readonly patience?: number;
  /** How long connections on the old colour may go on. */
  readonly drain?: string;
  readonly previous?: 'stopped' | 'warm';
  /** What the target `single` runs; everything by default. */
  readonly single?: readonly string[];
  /** Name of an environment variable with a webhook's URL. */
  readonly slack?: string;
}

const dataServices = ['db', 'redis'];
const appServices = ['backend', 'frontend', 'celery-worker', 'nginx'];

/**
 * Writes the project. Targets: `production` has the data services and the application on the first host, and the
 * application again on the second one; `single` has everything on the first host.
 */
export function writeProject(
  folder: string,
  hosts: readonly BedHost[],
  settings: ProjectSettings = {},
): Project {
  mkdirSync(join(folder, 'images'), { recursive: true });
  for (const name of ['compose.yml', 'compose.prod.yml', 'nginx']) {
    cpSync(join(exampleFolder, name), join(folder, name), { recursive: true });
  }
  writeFileSync(join(folder, 'compose.bed.yml'), composeOverlay(settings.patience));
  writeFileSync(join(folder, 'nginx/rate-limit-off.conf'), rateLimitOff);
  writeFileSync(join(folder, '.env.bed'), envFile(hosts.map((host) => host.http.host)), { mode: 0o600 });
  const config = join(folder, 'sluice.yml');
  writeFileSync(config, stringify(sluiceConfig(hosts, settings), { lineWidth: 0 }));
  const images = (version: VersionName) => join(folder, 'images', `${version}.json`);
  for (const version of Object.keys(versions) as VersionName[]) {
    writeFileSync(images(version), JSON.stringify(imagesOf(version), undefined, 2));
  }
  return { folder, config, images };
}

function sluiceConfig(hosts: readonly BedHost[], settings: ProjectSettings): object {
  const [first, second] = hosts;
  if (first === undefined) throw new Error('the project needs a host');
  const env = '.env.bed';
  // On the bed's network, and on nothing else, so that the second host gets there.
  const withData = { ...reached(first), env: { DB_BIND: first.address } };
  const appOnly = second && {
    ...reached(second),
    services: appServices,
    env: { DB_HOST: first.address, REDIS_HOST: first.address },
  };
  return {
    app: 'bookreader',
    compose: ['compose.yml', 'compose.prod.yml', 'compose.bed.yml'],
    registry: appRegistry,
    services: {
      backend: { port: 8000, health: '/api/health' },
      frontend: { port: 3000 },
      'celery-worker': { strategy: 'workers', pool: 1 },
      'celery-beat': { strategy: 'singleton' },
      ...Object.fromEntries([...dataServices, 'nginx'].map((name) => [name, { strategy: 'keep' }])),
    },
    migrate: { service: 'backend', command: 'alembic upgrade head', 'lock-timeout': '5s' },
    backup: { postgres: 'db', keep: 3 },
    watch: settings.watch ?? { for: '3s', 'max-5xx': '1%', 'min-5xx': 10, deadline: '5s' },
    edge: { image: standIns.haproxy },
    drain: settings.drain ?? '5s',
    ...(settings.previous === undefined ? {} : { previous: settings.previous }),
    ...(settings.slack === undefined ? {} : { notify: { slack: settings.slack } }),
    targets: {
      ...(appOnly === undefined ? {} : { production: { hosts: [withData, appOnly], 'env-file': env } }),
      single: {
        hosts: [
          { ...reached(first), ...(settings.single === undefined ? {} : { services: settings.single }) },
        ],
        'env-file': env,
      },
    },
  };
}

function reached(host: BedHost): { host: string; 'host-key': string } {
  return { host: host.sshTarget, 'host-key': host.hostKey };
}
