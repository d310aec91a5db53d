import type { BuildModel } from '../../config/compose/build-model.ts';
import { plain } from '../../config/compose/load.ts';
import { imageName, parseImage, tryParseImage } from '../../config/images/reference.ts';
import type { ComposeModel, Config } from '../../config/model.ts';
import { imagesNamedBy } from '../digest/digest.ts';
import type { BuildTarget } from '../model.ts';
import { localNames, type RepositorySight } from './repository.ts';
import { buildTargets, type Targets } from './targets.ts';

type Sight = RepositorySight & Pick<Config, 'build'>;

/**
 * The targets of the active services, and of services with inactive profiles that others are built from: base images often
 * have a profile, so that `docker compose up` skips them. No service of a deploy runs such an image.
 *
 * @returns the targets, and the model with those services in it.
 */
export async function activeTargets(
  { inactive = {}, ...active }: BuildModel,
  config: Sight,
): Promise<Targets & { readonly model: ComposeModel }> {
  let model: ComposeModel = active;
  const bases = new Set<string>();
  for (;;) {
    const { targets, notes } = buildTargets(model, config);
    const rest = Object.entries(inactive).filter(([name]) => !bases.has(name));
    const needed = rest.length === 0 ? new Set<string>() : await namesNeeded(targets);
    const found = rest.filter(
      ([name, service]) =>
        needed.has(`service:${name}`) ||
        localNames(name, service, config).some((image) => needed.has(imageName(image))),
    );
    if (found.length === 0) {
      const run = targets.map((target) => ({
        ...target,
        services: target.services.filter((name) => !bases.has(name)),
      }));
      const more = [...bases].map(
        (name) => `${name}: its profile is inactive, but other images are built from it`,
      );
      return { targets: run, notes: [...notes, ...more], model };
    }
    for (const [name] of found) bases.add(name);
    model = { ...model, services: { ...model.services, ...Object.fromEntries(found) } };
  }
}

/** Images that Dockerfiles name and no target builds, and services that contexts name. */
async function namesNeeded(targets: readonly BuildTarget[]): Promise<ReadonlySet<string>> {
  const uses = await Promise.all(targets.map(imagesNamedBy));
  const built = new Set(targets.flatMap(({ repository }) => nameOf(repository) ?? []));
  const named = uses.flat().map(({ reference }) => imageName(parseImage(reference, 'FROM')));
  const linked = targets.flatMap(({ contexts }) =>
    Object.values(contexts).flatMap((where) => {
      const service = /^target:(.+)$/.exec(where)?.[1];
      return service === undefined ? [] : [`service:${service}`];
    }),
  );
  return new Set([...named.filter((name) => !built.has(name)), ...linked]);
}

function nameOf(repository: string): string | undefined {
  const image = tryParseImage(plain(repository));
  return image === undefined ? undefined : imageName(image);
}
