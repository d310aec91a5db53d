import { type Place, UserError } from '../../kernel/errors.ts';
import { formatAddress } from '../address.ts';
import { carriedRegistry } from '../images/transferred.ts';
import type {
  BuildConfig,
  CheckSettings,
  Config,
  EnvSource,
  HostConfig,
  ServiceConfig,
  Target,
} from '../model.ts';
import { reservedFaults } from '../secrets/reserved.ts';
import { pathText } from './issues.ts';
import { checks } from './schema/checks.ts';
import type { RawConfig } from './schema/schema.ts';
import type { Path, YamlFile } from './yaml.ts';

type RawTarget = NonNullable<RawConfig['targets']>[string];
type RawHost = RawTarget['hosts'][number];
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The file as the model that every domain reads. `compose` may still be empty: load.ts looks for it. */
export function normalise(raw: RawConfig, file: string, folder: string, yaml: YamlFile): Config {
  const { migrate, backup, watch } = raw;
  return {
    file,
    folder,
    app: raw.app,
    compose: list(raw.compose),
    registry: raw.registry === 'none' ? carriedRegistry(raw.app) : raw.registry,
    services: mapEntries(raw.services, serviceConfig),
    migrate: migrate && {
      service: migrate.service,
      command: migrate.command,
      lockTimeoutMs: migrate['lock-timeout'],
      timeoutMs: migrate.timeout,
      revision: migrate.revision ?? revisionCommand(migrate.command),
    },
    backup: backup && {
      engine: 'postgres',
      service: backup.postgres,
      keep: backup.keep,
      restoreTest: backup['restore-test'],
      timeoutMs: backup.timeout,
    },
    checks: checkSettings(raw.checks),
    cdn: raw.cdn,
    build: buildConfig(raw.build),
    watch: {
      forMs: watch.for,
      max5xx: watch['max-5xx'],
      min5xx: watch['min-5xx'],
      maxP95Ms: watch['max-p95'],
      url: watch.url,
      deadlineMs: watch.deadline,
    },
    targets: mapEntries(raw.targets ?? {}, targetConfig),
    notify: { slack: raw.notify.slack },
    edge: {
      image: raw.edge.image,
      ...(raw.edge['trusted-proxies'] === undefined ? {} : { trustedProxies: raw.edge['trusted-proxies'] }),
      ...(raw.edge['proxy-protocol'] === undefined ? {} : { proxyProtocol: raw.edge['proxy-protocol'] }),
      ...(raw.edge['max-connections'] === undefined ? {} : { maxConnections: raw.edge['max-connections'] }),
    },
    keep: raw.keep,
    previous: raw.previous,
    drainMs: raw.drain,
    places: places(raw, yaml),
  };
}

function buildConfig({ 'job-credentials': jobCredentials, ...raw }: RawConfig['build']): BuildConfig {
  const smoke = mapEntries(raw.smoke, (value) => value);
  return { ...raw, smoke, ...(jobCredentials === undefined ? {} : { jobCredentials }) };
}

function serviceConfig(raw: RawConfig['services'][string]): ServiceConfig {
  const { 'shared-volumes': sharedVolumes, ...rest } = raw;
  const service: Mutable<ServiceConfig> = sharedVolumes === undefined ? {} : { sharedVolumes };
  if (rest.strategy !== undefined) service.strategy = rest.strategy;
  if (rest.port !== undefined) service.port = rest.port;
  if (typeof rest.mode === 'string') service.mode = rest.mode;
  else if (rest.mode !== undefined) service.modes = rest.mode;
  if (typeof rest.health === 'string') service.health = rest.health;
  else if (rest.health !== undefined) {
    const { path, timeout, ...how } = rest.health;
    service.health = path;
    const request = { ...how, ...(timeout === undefined ? {} : { timeoutMs: timeout }) };
    const given = Object.entries(request).filter(([, value]) => value !== undefined);
    if (given.length > 0) service.healthRequest = Object.fromEntries(given);
  }
  if (rest['start-timeout'] !== undefined) service.startTimeoutMs = rest['start-timeout'];
  if (rest.pool !== undefined) service.pool = rest.pool;
  if (rest.processes !== undefined) service.processes = rest.processes;
  if (rest['process-memory'] !== undefined) service.processMemory = rest['process-memory'];
  return service;
}

function targetConfig(raw: RawTarget, name: string): Target {
  return {
    name,
    hosts: raw.hosts.map(hostConfig),
    env: envSources(raw),
    requireTag: raw['require-tag'],
    url: raw.url,
    batch: raw.batch,
  };
}

/** From the general to the particular, whatever their order in the file: later ones win. */
function checkSettings(raw: RawConfig['checks']): CheckSettings {
  const { scan, coverage } = raw;
  return {
    skip: raw.skip,
    ignore: raw.ignore,
    baseline: raw.baseline,
    timeoutMs: raw.timeout,
    timeouts: raw.timeouts,
    tools: raw.tools,
    env: raw.env,
    scan: {
      failOn: scan['fail-on'],
      unfixed: scan.unfixed,
      history: scan.history,
      verifySecrets: scan['verify-secrets'],
      images: scan.images,
    },
    coverage: { total: coverage.total, changed: coverage.changed, codecov: coverage.codecov },
  };
}

/** The settings of a repository without a sluice.yml. */
export function defaultCheckSettings(): CheckSettings {
  return checkSettings(checks.parse({}));
}

function envSources(raw: RawTarget): EnvSource[] {
  return [
    ...list(raw['env-file']).map((path) => ({ kind: 'file', path }) as const),
    ...list(raw['env-secret']).map((variable) => ({ kind: 'secret-file', variable }) as const),
    ...list(raw['host-env-file']).map((path) => ({ kind: 'host-file', path }) as const),
    ...(raw.env === undefined || raw.env.length === 0
      ? []
      : [{ kind: 'variables', names: raw.env } as const]),
  ];
}

function hostConfig(raw: RawHost): HostConfig {
  const full = 'host' in raw ? raw : { host: raw, env: {}, root: '/opt/sluice' };
  const { name, user, address, port } = full.host;
  const jump = full.jump === undefined ? undefined : 'host' in full.jump ? full.jump : { host: full.jump };
  return {
    name,
    user,
    address,
    port,
    services: full.services,
    env: mapEntries(full.env, String),
    hostKey: full['host-key'],
    jump: jump && {
      user: jump.host.user,
      address: jump.host.address,
      port: jump.host.port,
      hostKey: jump['host-key'],
    },
    root: full.root.replace(/(?<!\/)\/+$/, ''),
  };
}

/** Contradictions between values, which the schema checks one by one. */
export function contradictions(config: Config): UserError[] {
  const errors: UserError[] = reservedFaults(config, (path) => placeOf(config, path));
  for (const target of Object.values(config.targets)) {
    const seen = new Map<string, number>();
    for (const [index, host] of target.hosts.entries()) {
      const path = ['targets', target.name, 'hosts', index];
      const key = formatAddress({ ...host, user: '' });
      const first = seen.get(key);
      seen.set(key, first ?? index);
      if (first === undefined) continue;
      errors.push(
        new UserError({
          code: 'config.host',
          message: `${pathText(path)}: is the same server as hosts[${first}]`,
          hint: 'List each server once, with all its services in `services: [...]`.',
          ...placeOf(config, path),
        }),
      );
    }
  }
  return errors;
}

/** `{ at }` for an error about a part of sluice.yml, or nothing where the place is not known. */
export function placeOf(config: Pick<Config, 'places'>, path: Path): { readonly at?: Place } {
  for (let length = path.length; length > 0; length--) {
    const key = pathText(path.slice(0, length));
    const at =
      config.places !== undefined && Object.hasOwn(config.places, key) ? config.places[key] : undefined;
    if (at !== undefined) return { at };
  }
  return {};
}

function places(raw: RawConfig, yaml: YamlFile): Record<string, Place> {
  const result: Record<string, Place> = {};
  const add = (path: Path, holder: object | undefined) => {
    const key = path.at(-1) ?? '';
    if (holder !== undefined && Object.hasOwn(holder, key)) result[pathText(path)] = yaml.place(path);
  };
  for (const key of ['app', 'compose', 'registry', 'build', 'migrate', 'backup', 'notify', 'cdn'])
    add([key], raw);
  add(['build', 'job-credentials'], raw.build);
  add(['notify', 'slack'], raw.notify);
  for (const name of Object.keys(raw.build.smoke)) add(['build', 'smoke', name], raw.build.smoke);
  add(['migrate', 'service'], raw.migrate);
  add(['backup', 'postgres'], raw.backup);
  for (const [name, service] of Object.entries(raw.services)) {
    result[pathText(['services', name])] = yaml.placeOfKey(['services'], name);
    for (const key of ['strategy', 'port', 'shared-volumes']) add(['services', name, key], service);
  }
  for (const [name, target] of Object.entries(raw.targets ?? {})) {
    result[pathText(['targets', name])] = yaml.placeOfKey(['targets'], name);
    for (const key of ['env-file', 'env-secret', 'host-env-file', 'env']) add(['targets', name, key], target);
    for (const [index, host] of target.hosts.entries()) {
      add(['targets', name, 'hosts', index], target.hosts);
      add(['targets', name, 'hosts', index, 'services'], host);
    }
  }
  return result;
}

function list<T>(value: T | readonly T[] | undefined): T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? [...(value as readonly T[])] : [value as T];
}

/** Without a prototype: `constructor` is a fine name for a service. */
function mapEntries<V, R>(
  object: Readonly<Record<string, V>>,
  map: (value: V, key: string) => R,
): Record<string, R> {
  const result: Record<string, R> = Object.create(null);
  for (const [key, value] of Object.entries(object)) result[key] = map(value, key);
  return result;
}

/** Alembic can tell the current revision, called the same way; other tools are called only if the file sets `revision`. */
function revisionCommand(command: string | readonly string[]): string | undefined {
  const line = typeof command === 'string' ? command.trim() : command.join(' ');
  const call = /^(?:cd \S+ && )?(?:\w+ run (?:--\S+ )*|\/\S+\/bin\/)?alembic(?: -c \S+)?(?= )/.exec(
    line,
  )?.[0];
  return call === undefined ? undefined : `${call} current`;
}
