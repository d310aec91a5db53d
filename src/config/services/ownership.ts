import { builderOf } from '../images/built-images.ts';
import { type ImageReference, tryParseImage } from '../images/reference.ts';
import type { ComposeModel, ComposeService } from '../model.ts';
import { imageRole, type SeenService } from './stores.ts';

/** Whether the app's own build makes the image: it has `build:`, or its image is the app's registry path or below it. */
export function isOwnImage(service: ComposeService, registry: string | undefined): boolean {
  if (service.build !== undefined) return true;
  if (registry === undefined || service.image === undefined) return false;
  const own = tryParseImage(registry);
  const image = tryParseImage(service.image);
  // A registry may be only a host, which does not parse as an image reference.
  if (own === undefined || image === undefined) return service.image.startsWith(`${registry}/`);
  // A path on Docker Hub is not an image: `docker.io/acme` parses as one of its library.
  const path = own.registry === 'docker.io' ? own.repository.replace(/^library\//, '') : own.repository;
  const isBelow = image.repository === path || image.repository.startsWith(`${path}/`);
  return image.registry === own.registry && isBelow;
}

/** The services that a deploy is for. */
export interface Ownership {
  readonly names: ReadonlySet<string>;
  /** Why the images of others count as the app, where nothing here is built. */
  readonly isForeign: boolean;
}

/**
 * Which services are the app. Where some are built here (or lie below the app's registry path), those; a foreign image
 * beside them is a helper. An app made of foreign images alone is what it publishes or routes to, with whatever else
 * comes from the same place (`vendor/app`, `vendor/app-worker`).
 *
 * @param isReached whether traffic from outside reaches a service: a published port, or routing labels.
 */
export function ownServices(
  model: ComposeModel,
  seen: Readonly<Record<string, SeenService>>,
  registry: string | undefined,
  isReached: (service: ComposeService) => boolean,
): Ownership {
  const all = Object.entries(model.services);
  const built = all.filter(
    ([, service]) =>
      isOwnImage(service, registry) ||
      (service.image !== undefined && builderOf(model, service.image) !== undefined),
  );
  const roleOf = (name: string, service: ComposeService) => imageRole(seen[name] ?? service);
  // A database of one's own Dockerfile does not make the rest of the app foreign.
  const isData = (role: ReturnType<typeof imageRole>) => role === 'database' || role === 'cache';
  if (built.some(([name, service]) => !isData(roleOf(name, service))))
    return { names: new Set(built.map(([name]) => name)), isForeign: false };
  const isApp = ([name, service]: readonly [string, ComposeService]) => {
    const role = roleOf(name, service);
    return role === undefined || (role === 'proxy' && !isDoor(service));
  };
  const candidates = all.filter(isApp);
  const reached = candidates.filter(([, service]) => isReached(service));
  const seeds = reached.length > 0 ? reached : candidates;
  const places = new Set(seeds.flatMap(([, { image }]) => placeOfImage(image) ?? []));
  const names = candidates
    .filter((candidate) => seeds.includes(candidate) || places.has(placeOfImage(candidate[1].image) ?? ''))
    .map(([name]) => name);
  return { names: new Set([...names, ...built.map(([name]) => name)]), isForeign: true };
}

/** A proxy that takes the whole traffic of the host. */
export function isDoor(service: ComposeService): boolean {
  return service.ports?.some(({ published }) => published === '80' || published === '443') === true;
}

/**
 * `ghcr.io/vendor/app-server:v2` → `ghcr.io/vendor`. In Docker's own library, only the same image
 * counts.
 */
function placeOfImage(image: string | undefined): string | undefined {
  const parsed: ImageReference | undefined = image === undefined ? undefined : tryParseImage(image);
  if (parsed === undefined) return undefined;
  const folder = parsed.repository.split('/').slice(0, -1).join('/');
  const isLibrary = folder === '' || (folder === 'library' && parsed.registry === 'docker.io');
  return `${parsed.registry}/${isLibrary ? parsed.repository : folder}`;
}
