import type { ComposeModel, ServiceConfig, Strategy } from '../model.ts';
import { findPorts, mostPorts, publishedElse, publishedPorts } from '../ports/ports.ts';
import { callsOf } from './callers.ts';
import { addressesOf, hasHardwareAddress } from './network-names.ts';
import { isDoor } from './ownership.ts';
import { commandLine, endsBecause, nameParts, programKind, runsNamedServer } from './programs.ts';
import { isSameImage, mayServe, type Sight } from './sight.ts';
import { soleReason } from './sole.ts';
import {
  dataOf,
  imageKind,
  imageRole,
  isShared,
  type SeenService,
  sharedKeys,
  volumesFrom,
  writableVolumes,
} from './stores.ts';

/** A strategy, with one sentence why. */
export type Inferred = { readonly strategy: Strategy; readonly reason: string };

/** A service, with all that is known of it. */
export interface Case {
  readonly name: string;
  /** As the container will run: its definition, with what the image says filled in. */
  readonly service: SeenService;
  readonly own: ServiceConfig;
  readonly model: ComposeModel;
  readonly sight: Sight;
}

/** From what must not be touched to what may be switched: the first rule that fits. */
export function infer(example: Case): Inferred {
  return (
    asJob(example) ??
    asKeep(example) ??
    asRecreate(example) ??
    asSingleton(example) ??
    asHelper(example) ??
    asWorkers(example) ?? {
      strategy: 'blue-green',
      reason: 'it has a port, and nothing that two versions share',
    }
  );
}

function asJob({ name, service, own, model, sight }: Case): Inferred | undefined {
  const mode = (service.deploy as { mode?: string } | undefined)?.mode;
  if (mode === 'replicated-job' || mode === 'global-job')
    return { strategy: 'job', reason: `\`deploy.mode: ${mode}\` means that it exits` };
  const policy = restartOf(service);
  if (policy === 'always' || own.port !== undefined) return undefined;
  const waiting = Object.entries(model.services).find(
    ([, other]) => other.depends_on?.[name]?.condition === 'service_completed_successfully',
  );
  if (waiting !== undefined) return { strategy: 'job', reason: `${waiting[0]} waits for it to complete` };
  // A port that only the image exposes does not matter for a command that exits; one in the compose file does.
  const written = model.services[name] ?? service;
  const serves =
    (written.ports?.length ?? 0) > 0 || (written.expose?.length ?? 0) > 0 || sight.isReached(written);
  if (serves || written.healthcheck?.test !== undefined) return undefined;
  const why = endsBecause(name, service);
  if (why !== undefined) return { strategy: 'job', reason: why };
  const role = imageRole(service);
  const isStore = role !== undefined || dataOf(service) !== undefined;
  const line = commandLine(service);
  const isLasting = programKind(line) !== undefined || runsNamedServer(line);
  if (policy !== 'no' || isStore || isLasting || callsOf(name, model).by.length > 0) return undefined;
  return { strategy: 'job', reason: '`restart: "no"` means that it exits' };
}

/** The restart policy; undefined: the compose file sets none. */
function restartOf({ restart, deploy }: SeenService): 'always' | 'on-failure' | 'no' | undefined {
  const condition = (deploy as { restart_policy?: { condition?: string } } | undefined)?.restart_policy
    ?.condition;
  const word = restart ?? condition;
  if (word === undefined) return undefined;
  if (word === 'no' || word === 'none') return 'no';
  return word.startsWith('on-failure') ? 'on-failure' : 'always';
}

function asKeep({ service, sight, name }: Case): Inferred | undefined {
  const role = imageRole(service);
  // An app of one's own may be called vault or registry; what it is built from tells, else whether it has a volume.
  const isNamesake =
    sight.own.names.has(name) && service.from === undefined && writableVolumes(service).length === 0;
  if ((role === 'database' || role === 'cache') && !isNamesake) {
    const built = service.from === undefined ? '' : `, built from ${service.from},`;
    return {
      strategy: 'keep',
      reason: `${imageKind(service)}${built} holds state: a deploy never touches it`,
    };
  }
  const data = role === undefined ? dataOf(service) : undefined;
  return data === undefined
    ? undefined
    : {
        strategy: 'keep',
        reason: `a database stores its files at ${data.target}: a deploy never touches it`,
      };
}

function asRecreate({ name, service, own, sight, model }: Case): Inferred | undefined {
  const isOwn = sight.own.names.has(name);
  const isProxy = isOwn && !sight.own.isForeign ? isDoorName(name) : imageRole(service) === 'proxy';
  if (isProxy && isDoor(service) && own.port === undefined) {
    return {
      strategy: 'recreate',
      reason: 'it is the front proxy and must see the clients’ addresses: replaced only when it changes',
    };
  }
  const volume = unsharedVolume(service, own);
  if (volume !== undefined) {
    return {
      strategy: 'recreate',
      reason: `it writes to ${volume}, which two versions must not do at once: replaced in place when it changes`,
    };
  }
  const protocol = publishedElse(service);
  if (protocol !== undefined) {
    const port = `${protocol === 'UDP' ? 'a' : 'an'} ${protocol} port`;
    return { strategy: 'recreate', reason: `it publishes ${port}, which the edge cannot forward` };
  }
  const published = publishedPorts(service).length;
  if (published > mostPorts) {
    return {
      strategy: 'recreate',
      reason: `it publishes ${published} ports, and the edge forwards at most ${mostPorts}`,
    };
  }
  const network = /^(?:host$|bridge$|none$|service:|container:)/.exec(service.network_mode ?? '')?.[0];
  if (network !== undefined) {
    const networks: Readonly<Record<string, string>> = {
      host: 'it uses the host network',
      bridge: 'it uses Docker’s default network, which has no names that an edge can use',
      none: 'it has no network',
    };
    return { strategy: 'recreate', reason: networks[network] ?? 'it uses the network of another container' };
  }
  const sole = soleReason(name, service, own, model);
  if (sole !== undefined) return { strategy: 'recreate', reason: sole };
  const tied = Object.entries(model.services).find(([, other]) => isTied(other, name));
  return tied === undefined
    ? undefined
    : { strategy: 'recreate', reason: `${tied[0]} shares its container (network, ipc or volumes)` };
}

function isTied(other: SeenService, name: string): boolean {
  return sharedKeys.some((key) => other[key] === `service:${name}`) || volumesFrom(other).includes(name);
}

/** Folders that a deploy may lose, by name. */
const passing = /\/(?:node_modules|\.venv|\.?cache|tmp|logs?|run|target|dist|build)\/?$/i;

/**
 * Volumes without a name are each container's own. A foreign image keeps data there, and so does one of one's own whose
 * Dockerfile declares it: Compose passes it on when it replaces a container, two colors each have an empty one. A volume that the
 * compose file itself leaves unnamed (`/app/node_modules`) only hides a folder.
 */
function unsharedVolume(service: SeenService, own: ServiceConfig): string | undefined {
  const volumes = writableVolumes(service);
  const named = volumes.find(({ name }) => name !== undefined && !isShared(own.sharedVolumes, name));
  if (named !== undefined) return named.isFolder ? named.name : `the volume ${named.name}`;
  const unnamed = volumes.find(
    ({ name, target, isDeclared }) =>
      name === undefined && (service.build === undefined || (isDeclared && !passing.test(target))),
  );
  return unnamed === undefined ? undefined : `a volume at ${unnamed.target}`;
}

function asSingleton({ name, service, own }: Case): Inferred | undefined {
  const program = programKind(commandLine(service));
  if (program?.kind === 'scheduler') {
    return { strategy: 'singleton', reason: `it runs ${program.what}: two at once do everything twice` };
  }
  const word = nameParts(name).find((part) =>
    ['beat', 'scheduler', 'cron', 'crontab', 'clock'].includes(part),
  );
  if (program !== undefined || word === undefined || findPorts(service, own) !== undefined) return undefined;
  return { strategy: 'singleton', reason: `it is called ${word}: two at once do everything twice` };
}

/** A third-party program beside the app: it rarely changes, and a deploy must not restart it each time. */
function asHelper({ name, service, own, sight }: Case): Inferred | undefined {
  if (own.port !== undefined) return undefined;
  const isTool = imageRole(service) === 'tool' && service.build === undefined;
  if (sight.own.names.has(name) && !isTool) return undefined;
  const kind = imageKind(service) ?? 'its image';
  return {
    strategy: 'recreate',
    reason: `${kind} is not built here: it is replaced in place, and only when its image or definition changes`,
  };
}

function asWorkers(example: Case): Inferred | undefined {
  const { name, service, own, model } = example;
  if (own.port !== undefined) return undefined;
  const written = model.services[name] ?? service;
  const program = programKind(commandLine(service));
  const declares = (written.ports?.length ?? 0) > 0 || (written.expose?.length ?? 0) > 0;
  const called = callsOf(name, model);
  if (program?.kind === 'worker' && !declares && called.ports.length === 0)
    return { strategy: 'workers', reason: `it runs ${program.what}` };
  if (mayServe(example) && findPorts(service, own) !== undefined) return undefined;
  const word = nameParts(name).find((part) => /^(?:worker|consumer|queue|celery)s?$/.test(part));
  const [caller] = called.by;
  const isMany = (service.deploy?.replicas ?? service.scale ?? 1) > 1;
  const line = commandLine(written);
  const beside = Object.entries(model.services).find(
    ([other, sibling]) => other !== name && isSameImage(sibling, written),
  );
  const fixed = addressesOf(written)[0] ?? (hasHardwareAddress(written) ? 'MAC' : undefined);
  if (fixed !== undefined && word === undefined) {
    return {
      strategy: 'recreate',
      reason: `it has the fixed ${fixed === 'MAC' ? 'MAC address' : `address ${fixed}`}, which only one container can have`,
    };
  }
  const isWork = word !== undefined || /\b(?:workers?|consumers?|queues?|jobs:work)\b/i.test(line);
  if (beside !== undefined && line !== '' && caller === undefined && !isWork && !isMany) {
    return {
      strategy: 'singleton',
      reason: `it runs a separate program in the image of ${beside[0]}, and nothing shows that two can run at once`,
    };
  }
  const because =
    word !== undefined ? `it is called ${word} and has no port` : 'it has no port and no HTTP health check';
  return {
    strategy: 'workers',
    reason:
      caller === undefined
        ? because
        : `${caller} calls it, and its port is not known: the old and the new container both answer to its name during the changeover`,
  };
}

/** Only its name sets a proxy that the app builds itself apart from a front end on nginx. */
export function isDoorName(name: string): boolean {
  const words = 'nginx proxy caddy traefik haproxy envoy gateway ingress lb loadbalancer'.split(' ');
  return nameParts(name).some((part) => words.includes(part));
}
