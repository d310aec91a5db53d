import { UserError, UserErrors } from '../../kernel/errors.ts';
import type { Images } from '../images/built-images.ts';
import type {
  ComposeHealthcheck,
  ComposeModel,
  Config,
  HostConfig,
  ServiceConfig,
  ServicePlan,
  Strategy,
} from '../model.ts';
import { findPorts, openPorts, portsText } from '../ports/ports.ts';
import { notesOfRouting } from '../routing/routing.ts';
import { parseDuration } from '../sluice-yml/human.ts';
import { placeOf } from '../sluice-yml/normalise.ts';
import { notesOfNames } from './network-names.ts';
import { type Sight, sightOf } from './sight.ts';
import { dataOf, imageRole, type SeenService, writableVolumes } from './stores.ts';
import {
  blueGreenFaults,
  dataContainerFaults,
  migrateAddressFaults,
  tiedFaults,
  unknownServices,
} from './strategy-faults.ts';
import { infer, isDoorName } from './strategy-rules.ts';

/** Compose's default for stop_grace_period. */
const defaultStopGraceMs = 10_000;
/** A container without a health check, which can't tell how long it takes. */
const defaultStartMs = 60_000;
/** Even a fast app waits for the engine, the network and its database now and then. */
const leastStartMs = 15_000;
/** Docker's defaults of a health check. */
const defaultIntervalMs = 30_000;
const defaultRetries = 3;

type Settings = Pick<Config, 'services' | 'registry' | 'migrate' | 'backup' | 'places'> &
  Partial<Pick<Config, 'edge'>>;

export interface PlanOptions {
  /** Config of the services' images, as far as it is known ({@link builtImages}). */
  readonly images?: Images;
  /** Why the config of a service's image is not known, by service ({@link ImageAnswers}). */
  readonly unread?: Readonly<Record<string, string>>;
  /** Only the services that this host runs; undefined: all. */
  readonly host?: HostConfig;
}

/**
 * How each service is deployed and why: as sluice.yml says, else inferred from its definition and its image.
 *
 * @throws UserErrors `config.unknown-service`, `config.migrate-job` and `compose.*` for what can't be done, all at once.
 */
export function planServices(
  model: ComposeModel,
  config: Settings,
  options: PlanOptions = {},
): ServicePlan[] {
  const { host } = options;
  const errors = unknownServices(model, config);
  const plans = describeServices(model, config, options);
  for (const plan of plans) {
    const service = model.services[plan.name];
    errors.push(...dataContainerFaults(plan, model, config));
    if (plan.strategy === 'blue-green' && service !== undefined) {
      errors.push(...blueGreenFaults(plan, service, model, config));
    } else errors.push(...tiedFaults(plan, model, config));
  }
  errors.push(...migrateFaults(plans, config), ...migrateAddressFaults(plans, model, config));
  if (errors.length > 0) throw new UserErrors(errors);
  const runs = host?.services;
  // `replicas: 0` is how a service is switched off: an edge before nothing would answer 503.
  return plans.filter(({ name, replicas }) => replicas > 0 && (runs?.includes(name) ?? true));
}

/** How the services are deployed, whether or not they can be: {@link planServices} reports what is wrong with them. */
export function describeServices(
  model: ComposeModel,
  config: Settings,
  { images = {}, unread = {} }: PlanOptions = {},
): ServicePlan[] {
  const sight = sightOf(model, images, config.registry);
  return Object.keys(model.services).map((name) => {
    const plan = planService(name, model, config, sight);
    const why = Object.hasOwn(unread, name) ? unread[name] : undefined;
    if (why === undefined) return plan;
    const note = `the ports and volumes of its image are not known (${why}): check that the strategy is right`;
    return { ...plan, notes: [...(plan.notes ?? []), note] };
  });
}

function planService(name: string, model: ComposeModel, config: Settings, sight: Sight): ServicePlan {
  const own = Object.hasOwn(config.services, name) ? (config.services[name] ?? {}) : {};
  const service = sight.services[name] ?? {};
  const found = findPorts(service, own, { name, model, registry: config.registry });
  const { strategy, reason } =
    own.strategy === undefined
      ? infer({ name, service, own, model, sight })
      : { strategy: own.strategy, reason: 'set in sluice.yml' };
  const isEdged = strategy === 'blue-green';
  const notes = [
    ...notesOf(strategy, service, own),
    ...notesOfNames(name, model.services, strategy),
    ...notesOfRouting(service, strategy, name),
    ...(isEdged && config.edge?.trustedProxies === undefined ? notesOfOpenPorts(name, model, sight) : []),
    ...(isEdged ? (found?.notes ?? []) : []),
  ];
  const ports = isEdged && found !== undefined ? `; ${portsText(found)}` : '';
  return {
    name,
    strategy,
    reason: `${reason}${ports}`,
    replicas: service.deploy?.replicas ?? service.scale ?? 1,
    ports: isEdged ? (found?.ports ?? []) : [],
    health: isEdged ? found?.health : undefined,
    ...(isEdged && found?.request !== undefined ? { healthRequest: found.request } : {}),
    ...(isEdged ? edgeSettings(config) : {}),
    startDeadlineMs: own.startTimeoutMs ?? startDeadline(service.healthcheck),
    ...(own.startTimeoutMs === undefined ? {} : { startTimeout: true }),
    stopGraceMs: parseDuration(service.stop_grace_period ?? '') ?? defaultStopGraceMs,
    ...(isProxy(name, service, sight) ? { proxy: true } : {}),
    ...(notes.length > 0 ? { notes } : {}),
  };
}

function edgeSettings({ edge }: Settings): Pick<ServicePlan, 'edge'> {
  const { image: _image, ...settings } = edge ?? { image: '' };
  return Object.keys(settings).length > 0 ? { edge: settings } : {};
}

/** A port that is open beside a proxy: the edge cannot tell the proxy from anybody else. */
function notesOfOpenPorts(name: string, model: ComposeModel, sight: Sight): string[] {
  const open = openPorts(model.services[name] ?? {});
  const [proxy] =
    Object.entries(sight.services).find(
      ([other, service]) => other !== name && isProxy(other, service, sight),
    ) ?? [];
  if (open.length === 0 || proxy === undefined) return [];
  return [
    `port ${open.join(', ')} is public and bypasses ${proxy}: X-Forwarded-For counts only from networks in edge.trusted-proxies. Remove \`ports:\` if all traffic comes through ${proxy}, or publish on 127.0.0.1`,
  ];
}

function isProxy(name: string, service: SeenService, { own }: Sight): boolean {
  return imageRole(service) === 'proxy' || (own.names.has(name) && isDoorName(name));
}

function notesOf(strategy: Strategy, service: SeenService, own: ServiceConfig): string[] {
  const notes: string[] = [];
  const written = writableVolumes(service);
  const volume = written.find(({ name }) => name !== undefined)?.name;
  const isInferred = own.strategy === undefined && dataOf(service) === undefined;
  if (strategy === 'recreate' && isInferred && volume !== undefined && service.build !== undefined) {
    notes.push(
      `if two versions may write to ${volume} at once (uploads), shared-volumes: [${volume}] makes it blue-green`,
    );
  }
  if (service.restart?.startsWith('on-failure') === true && strategy !== 'job' && strategy !== 'blue-green')
    notes.push(
      `restart: ${service.restart} leaves it down when the engine or the server restarts: use unless-stopped`,
    );
  if (strategy !== 'blue-green' && strategy !== 'workers') return notes;
  for (const volume of service.volumes ?? []) {
    if (volume.type !== 'bind' || volume.read_only === true) continue;
    // Data that two versions share because sluice.yml allows it, or that the plan refuses.
    if (written.some(({ isFolder, target }) => isFolder && target === volume.target)) continue;
    notes.push(`both colors may write to ${volume.source} during a deploy`);
  }
  for (const { name, target } of written) {
    if (name !== undefined) continue;
    notes.push(`each color has its own volume at ${target}, whose content does not survive a deploy`);
  }
  return notes;
}

/** start_period + interval × retries: what the health check itself allows a healthy start to take. */
export function startDeadline(healthcheck: ComposeHealthcheck | undefined): number {
  if (healthcheck?.test === undefined || healthcheck.disable === true || healthcheck.test[0] === 'NONE')
    return defaultStartMs;
  const start = parseDuration(healthcheck.start_period ?? '') ?? 0;
  const interval = parseDuration(healthcheck.interval ?? '') || defaultIntervalMs;
  return Math.max(leastStartMs, start + interval * (healthcheck.retries || defaultRetries));
}

function migrateFaults(plans: readonly ServicePlan[], config: Settings): UserError[] {
  const service = config.migrate?.service;
  const job = plans.find(({ name, strategy }) => name === service && strategy === 'job');
  if (job === undefined) return [];
  return [
    new UserError({
      code: 'config.migrate-job',
      message: `migrate.service: ${job.name} is a job that runs by itself (${job.reason}), so the migration runs twice`,
      hint: 'Name the service whose image has the migrations, with the command: migrate: { service: backend, command: alembic upgrade head }. Or remove `migrate`, and the job migrates.',
      ...placeOf(config, ['migrate', 'service']),
    }),
  ];
}
