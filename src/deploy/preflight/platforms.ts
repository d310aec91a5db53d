import type Docker from 'dockerode';
import type { ComposeModel } from '../../config/model.ts';
import type { Host } from '../../host/model.ts';
import { throwAll, UserError } from '../../kernel/errors.ts';
import type { HostPlan } from '../model.ts';

/** Platform of an image or an engine: `linux`, `arm64`, `v8`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

/** The platform that the engine runs without emulation. */
export async function platformOfEngine(engine: Docker): Promise<Platform> {
  const { Os, Arch } = await engine.version();
  return { os: Os, architecture: Arch };
}

/** `linux/arm64/v8`, as a compose file and docker write it. */
export function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant] = text.split('/');
  return { os, architecture, variant };
}

/** Other architectures that an engine accepts if an image lacks its own (containerd/platforms compare.go). */
const alsoRuns: Readonly<Record<string, string>> = { amd64: '386', arm64: 'arm' };

/** Whether an engine runs an image without emulation. The engine does not report its variant, so any variant counts. */
export function runsOn(image: Platform, engine: Platform): boolean {
  if (image.os !== engine.os) return false;
  return image.architecture === engine.architecture || image.architecture === alsoRuns[engine.architecture];
}

/** The platforms of an image, without attestations in its index (`unknown/unknown`). */
export function platformsIn(answer: unknown): Platform[] {
  const all = Array.isArray(answer) ? (answer as Partial<Platform>[]) : [];
  return all.flatMap(({ os, architecture, variant }) =>
    os === undefined || architecture === undefined || [os, architecture].some(isUnknown)
      ? []
      : [{ os, architecture, variant }],
  );
}

function isUnknown(word: string): boolean {
  return word === '' || word === 'unknown';
}

/**
 * Refuses a plan whose images do not run on a host, before any pull. If a service has a `platform:`, its image must be
 * offered for that platform.
 *
 * @param offered known platforms by image; an image without an entry is not checked.
 * @throws UserError(s) `image.platform`.
 */
export function requirePlatforms(
  plans: readonly HostPlan[],
  offered: ReadonlyMap<string, readonly Platform[]>,
  engines: readonly Platform[],
): void {
  const faults = plans.flatMap((plan, index) => {
    const engine = engines[index];
    if (engine === undefined) return [];
    return plan.services.flatMap(({ service, image, action }) => {
      const known = offered.get(image) ?? [];
      const wanted = wantedBy(plan.record.model, service, engine);
      if (action === 'keep' || known.length === 0 || known.some((one) => runsOn(one, wanted))) return [];
      return [wrongPlatform(plan.host, service, image, known, wanted)];
    });
  });
  throwAll(faults);
}

/**
 * Checks the images that the host's engine now has. The engine pulls and loads a single image of any platform, and its
 * container then fails with "exec format error".
 *
 * @throws UserError(s) `image.platform`.
 */
export async function verifyPlatforms(host: Pick<Host, 'engine'>, plan: HostPlan): Promise<void> {
  const [engine, ...found] = await Promise.all([
    platformOfEngine(host.engine),
    ...plan.images.map(async ({ reference }) => {
      const { Os, Architecture, Variant } = (await host.engine.getImage(reference).inspect()) as {
        readonly Os: string;
        readonly Architecture: string;
        readonly Variant?: string;
      };
      return [reference, platformsIn([{ os: Os, architecture: Architecture, variant: Variant }])] as const;
    }),
  ]);
  requirePlatforms([plan], new Map(found), [engine]);
  const edge = plan.edges.find(({ action }) => action === 'create' || action === 'replace');
  const services = new Set(plan.services.map(({ image }) => image));
  for (const [reference, platforms] of found) {
    if (edge === undefined || services.has(reference) || platforms.length === 0) continue;
    if (!platforms.some((one) => runsOn(one, engine)))
      throw new UserError({
        code: 'image.platform',
        message: `${plan.host}: the edge image of ${edge.service} is for ${platforms.map(shown).join(', ')}, but ${shown(engine)} is needed: ${reference}`,
        hint: `Set \`edge.image\` to an HAProxy image for ${shown(engine)}.`,
      });
  }
}

/** The `platform:` that all services with an image request; undefined: the engine's own. */
export function platformFor(model: ComposeModel, image: string): string | undefined {
  const users = Object.values(model.services).filter((service) => service.image === image);
  const [platform] = users.map(({ platform: own }) => own);
  return typeof platform === 'string' && users.every((user) => user['platform'] === platform)
    ? platform
    : undefined;
}

function wantedBy({ services }: ComposeModel, service: string, engine: Platform): Platform {
  const own = services[service]?.['platform'];
  return typeof own === 'string' && own !== '' ? parsePlatform(own) : engine;
}

function wrongPlatform(
  host: string,
  service: string,
  image: string,
  offered: readonly Platform[],
  wanted: Platform,
): UserError {
  const all = offered.map(shown).join(', ');
  return new UserError({
    code: 'image.platform',
    message: `${host}: the image of ${service} is for ${all}, but ${shown(wanted)} is needed: ${image}`,
    hint: `Build it for ${shown(wanted)} (build: { platforms: [${shown(wanted)}] }). If the server emulates ${shown(offered[0] ?? wanted)}, set platform: ${shown(offered[0] ?? wanted)} for ${service} in the compose file.`,
  });
}

function shown({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/');
}
