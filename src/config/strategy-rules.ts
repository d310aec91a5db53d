import type { ComposeModel, ComposeService, Config, ServiceConfig, Strategy } from './model.ts';
import { findPorts } from './ports.ts';
import {
  commandLine,
  imageKind,
  imageRole,
  isOwnImage,
  nameParts,
  programKind,
  writableVolumes,
} from './service-facts.ts';

type Sight = Pick<Config, 'registry'>;

/** A strategy, with one sentence why. */
export type Inferred = { readonly strategy: Strategy; readonly reason: string };

/** From what must not be touched to what may be switched: the first rule that fits. */
export function infer(
  name: string,
  service: ComposeService,
  own: ServiceConfig,
  model: ComposeModel,
  config: Sight,
): Inferred {
  return (
    asJob(name, service, model) ??
    asKeep(service, own, config) ??
    asRecreate(name, service, own, config) ??
    asSingleton(name, service) ??
    asWorkers(name, service, own) ?? {
      strategy: 'blue-green',
      reason: 'it has a port, and nothing that two versions would share',
    }
  );
}

function asJob(name: string, service: ComposeService, model: ComposeModel): Inferred | undefined {
  const restarts =
    service.restart !== undefined && service.restart !== 'no' && !service.restart.startsWith('on-failure');
  if (restarts) return undefined;
  const waiting = Object.entries(model.services).find(
    ([, other]) => other.depends_on?.[name]?.condition === 'service_completed_successfully',
  );
  if (waiting !== undefined) return { strategy: 'job', reason: `${waiting[0]} waits for it to complete` };
  const hasServer =
    (service.ports?.length ?? 0) > 0 ||
    (service.expose?.length ?? 0) > 0 ||
    service.healthcheck?.test !== undefined;
  const program = programKind(commandLine(service));
  if (hasServer || program?.kind !== 'migration') return undefined;
  return { strategy: 'job', reason: 'it runs a migration and ends' };
}

function asKeep(service: ComposeService, own: ServiceConfig, config: Sight): Inferred | undefined {
  const role = imageRole(service);
  // An app of one's own may be called vault or registry; with a volume it is the database's image, adapted.
  const isAdapted = !isOwnImage(service, config.registry) || writableVolumes(service).length > 0;
  if ((role === 'database' || role === 'cache') && isAdapted) {
    return { strategy: 'keep', reason: `${imageKind(service)} holds state: a deploy never touches it` };
  }
  const volume = unsharedVolume(service, own);
  if (volume === undefined || isOwnImage(service, config.registry) || role === 'proxy') return undefined;
  return { strategy: 'keep', reason: `it writes to ${volume}: a deploy never touches it` };
}

function asRecreate(
  name: string,
  service: ComposeService,
  own: ServiceConfig,
  config: Sight,
): Inferred | undefined {
  const isProxy = isOwnImage(service, config.registry) ? isDoorName(name) : imageRole(service) === 'proxy';
  const isOpen = service.ports?.some(({ published }) => published === '80' || published === '443') === true;
  if (isProxy && isOpen && own.port === undefined) {
    return {
      strategy: 'recreate',
      reason: 'it is the front door and must see the clients’ addresses: replaced only when it changed',
    };
  }
  const volume = unsharedVolume(service, own);
  if (volume !== undefined && (isOwnImage(service, config.registry) || imageRole(service) === 'proxy')) {
    return { strategy: 'recreate', reason: `it writes to ${volume}, which two versions must not do at once` };
  }
  if (service.ports?.some(({ protocol }) => protocol === 'udp') === true) {
    return { strategy: 'recreate', reason: 'it publishes a UDP port, which the edge can’t carry' };
  }
  const network = /^(?:host$|service:|container:)/.exec(service.network_mode ?? '')?.[0];
  if (network === undefined) return undefined;
  const whose = network === 'host' ? 'the host' : 'another container';
  return { strategy: 'recreate', reason: `it uses the network of ${whose}` };
}

/** Volumes without a name are each container's own: nothing is shared where the app makes its image itself. */
function unsharedVolume(service: ComposeService, own: ServiceConfig): string | undefined {
  const volumes = writableVolumes(service);
  const named = volumes.find(({ name }) => name !== undefined && own.sharedVolumes?.includes(name) !== true);
  if (named !== undefined) return `the volume ${named.name}`;
  const unnamed = service.build === undefined ? volumes.find(({ name }) => name === undefined) : undefined;
  return unnamed === undefined ? undefined : `a volume at ${unnamed.target}`;
}

function asSingleton(name: string, service: ComposeService): Inferred | undefined {
  const program = programKind(commandLine(service));
  if (program?.kind === 'scheduler') {
    return {
      strategy: 'singleton',
      reason: `it runs ${program.what}: two at once would do everything twice`,
    };
  }
  const word = nameParts(name).find((part) =>
    ['beat', 'scheduler', 'cron', 'crontab', 'clock'].includes(part),
  );
  if (program !== undefined || word === undefined || findPorts(service, {}) !== undefined) return undefined;
  return { strategy: 'singleton', reason: `it is called ${word}: two at once would do everything twice` };
}

function asWorkers(name: string, service: ComposeService, own: ServiceConfig): Inferred | undefined {
  if (own.port !== undefined) return undefined;
  const program = programKind(commandLine(service));
  const declares = (service.ports?.length ?? 0) > 0 || (service.expose?.length ?? 0) > 0;
  if (program?.kind === 'worker' && !declares)
    return { strategy: 'workers', reason: `it runs ${program.what}` };
  if (findPorts(service, own) !== undefined) return undefined;
  const word = nameParts(name).find((part) => /^(?:worker|consumer|queue|celery)s?$/.test(part));
  return {
    strategy: 'workers',
    reason:
      word === undefined ? 'it has no port and no HTTP health check' : `it is called ${word} and has no port`,
  };
}

/** A proxy that the app builds itself is told from a front end on nginx by its name alone. */
function isDoorName(name: string): boolean {
  const words = [
    'nginx',
    'proxy',
    'caddy',
    'traefik',
    'haproxy',
    'envoy',
    'gateway',
    'ingress',
    'lb',
    'loadbalancer',
  ];
  return nameParts(name).some((part) => words.includes(part));
}
