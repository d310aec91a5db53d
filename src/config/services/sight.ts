import { type Images, withImage } from '../images/built-images.ts';
import type { ComposeModel, ComposeService, ServiceConfig } from '../model.ts';
import { isTcp } from '../ports/ports.ts';
import { routingOf, withImageRouting } from '../routing/routing.ts';
import { callsOf } from './callers.ts';
import { type Ownership, ownServices } from './ownership.ts';
import { commandLine, nameParts, programKind } from './programs.ts';
import type { SeenService } from './stores.ts';

/** A compose model as its containers will run, and whose they are: what every strategy is inferred from. */
export interface Sight {
  /** By name: the definition, with what the image says filled in. */
  readonly services: Readonly<Record<string, SeenService>>;
  readonly own: Ownership;
  /** Whether traffic from outside of the app reaches a service. */
  isReached(service: ComposeService): boolean;
}

/**
 * @param images config of the services' images, as far as it is known: of those that are built here by their Dockerfiles.
 * @param registry where the app's images are pushed.
 */
export function sightOf(model: ComposeModel, images: Images, registry: string | undefined): Sight {
  const services = Object.fromEntries(
    Object.entries(model.services).map(([name, service]) => [
      name,
      seen(name, service, model, Object.hasOwn(images, name) ? images[name] : undefined),
    ]),
  );
  return { services, own: ownServices(model, services, registry, isReached), isReached };
}

/** A published port, or labels and variables by which a proxy sends traffic to it. */
function isReached(service: ComposeService): boolean {
  return routingOf(service) !== undefined || (service.ports ?? []).some(isTcp);
}

function seen(
  name: string,
  service: ComposeService,
  model: ComposeModel,
  image: Images[string] | undefined,
): SeenService {
  if (image === undefined) return withCalls(name, service, model);
  const merged = withImageRouting(withImage(service, image), image.labels);
  const from = image.from === undefined ? {} : { from: image.from };
  const volumes = [...(service.volumes ?? []), ...declaredVolumes(service, image.volumes)];
  const { expose: _exposed, ...rest } = merged;
  const expose = exposes(name, service, model, image) ? merged.expose : service.expose;
  return withCalls(
    name,
    {
      ...rest,
      ...from,
      ...(expose === undefined ? {} : { expose }),
      ...(volumes.length === 0 ? {} : { volumes }),
    },
    model,
  );
}

/** VOLUME of the image: an anonymous one, unless the compose file mounts something there (or above). */
function declaredVolumes(service: ComposeService, declared: readonly string[]) {
  const mounted = (service.volumes ?? []).map(({ target }) => target.replace(/(?<!\/)\/+$/, ''));
  return declared
    .filter((path) => !mounted.some((target) => `${path}/`.startsWith(`${target}/`)))
    .map((target) => ({ type: 'volume', target, isDeclared: true }));
}

/**
 * Whether EXPOSE of the image holds for this service. An own command may be another program of the same image: a worker
 * serves nothing, and of two services with one image the one with the image's own command is the server.
 */
function exposes(name: string, service: ComposeService, model: ComposeModel, image: Images[string]): boolean {
  if (isImagesCommand(service, image)) return true;
  if (programKind(commandLine(service)) !== undefined) return false;
  if (nameParts(name).some((part) => /^(?:worker|consumer|queue|celery|cron|scheduler|beat)s?$/.test(part)))
    return false;
  if (callsOf(name, model).ports.some((port) => image.ports.some((other) => other.port === port)))
    return true;
  // Someone else runs the image as it is meant: this one is there for something else.
  return !Object.entries(model.services).some(
    ([other, sibling]) => other !== name && isSameImage(sibling, service) && isImagesCommand(sibling, image),
  );
}

function isImagesCommand(service: ComposeService, image: Images[string]): boolean {
  const own = commandLine(service);
  if (own === '') return true;
  const whole = commandLine({ entrypoint: image.entrypoint, command: image.command });
  const plain = (text: string) => text.replace(/^(?:\/bin\/)?sh -c /, '').trim();
  return plain(whole) === plain(own) || plain(commandLine({ command: image.command })) === plain(own);
}

/** Whether two services run one image, pulled or built. */
export function isSameImage(a: ComposeService, b: ComposeService): boolean {
  if (a.build !== undefined && b.build !== undefined)
    return JSON.stringify(a.build) === JSON.stringify(b.build);
  return a.image !== undefined && a.image === b.image;
}

/** A port that proxies or other services call it by is one that it has. */
function withCalls(name: string, service: SeenService, model: ComposeModel): SeenService {
  const routed = (routingOf(service, name)?.ports ?? []).flatMap(({ port, mode }) =>
    mode === 'udp' ? [] : [port],
  );
  const ports = new Set([...routed, ...callsOf(name, model).ports]);
  const known = new Set([
    ...(service.ports ?? []).map(({ target }) => target),
    ...(service.expose ?? []).map((text) => Number.parseInt(text, 10)),
  ]);
  const more = [...ports].filter((port) => port > 0 && port < 65_536 && !known.has(port));
  return more.length === 0
    ? service
    : { ...service, expose: [...(service.expose ?? []), ...more.map(String)] };
}

/** Whether the service serves on a port that was found: a worker may inherit one in the variables of its image. */
export function mayServe({
  name,
  service,
  own,
}: {
  readonly name: string;
  readonly service: SeenService;
  readonly own: ServiceConfig;
}): boolean {
  if (own.port !== undefined) return true;
  const declares = (service.ports?.length ?? 0) + (service.expose?.length ?? 0) > 0;
  const isWorker = nameParts(name).some((part) => /^(?:worker|consumer|queue|celery)s?$/.test(part));
  return declares || service.healthcheck?.test !== undefined || !isWorker;
}
