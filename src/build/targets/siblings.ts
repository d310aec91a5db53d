import {
  familiarImage,
  formatImage,
  type ImageReference,
  imageName,
  parseImage,
  tryParseImage,
} from '../../config/images/reference.ts';
import type { ComposeModel } from '../../config/model.ts';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import { imagesNamedBy } from '../digest/digest.ts';
import type { ImageUse } from '../digest/images.ts';
import type { BuildTarget } from '../model.ts';
import { linkErrors } from './links.ts';
import { localNames, type RepositorySight } from './repository.ts';
import type { Targets } from './targets.ts';

/** A target with the names of its image, and the images that its Dockerfile names. */
interface Member {
  readonly target: BuildTarget;
  readonly names: readonly ImageReference[];
  readonly uses: readonly ImageUse[];
}

/**
 * Finds Dockerfiles that take an image (FROM, COPY --from, RUN --mount from) which another target builds, and makes that
 * target a named context under the name of the image: it is built first, and its digest is part of the digest of those
 * that need it. A registry's image of the same name comes from an earlier build, or from another project.
 *
 * A Dockerfile that takes an image with its own name means the one in the registry: `image: postgres:16` beside
 * `FROM postgres:16`.
 *
 * @throws UserErrors `build.cycle`, `build.stage-name`.
 */
export async function linkSiblings(
  { targets, notes }: Targets,
  model: ComposeModel,
  config: RepositorySight,
): Promise<Targets> {
  const members = await Promise.all(
    targets.map(
      async (target): Promise<Member> => ({
        target,
        names: namesOf(target, model, config),
        uses: await imagesNamedBy(target),
      }),
    ),
  );
  const errors: UserError[] = [];
  const more: string[] = [];
  const linked = members.map((member): BuildTarget => {
    const contexts: Record<string, string> = {};
    for (const use of member.uses) {
      const found = siblingOf(use, member, members);
      if (found === undefined) continue;
      const { sibling, fits } = found;
      if (!fits) more.push(otherTag(member, use, sibling));
      else if (!use.isReplaceable) errors.push(stageName(member, use));
      else contexts[familiarImage(parseImage(use.reference, 'FROM'))] = `target:${sibling.target.name}`;
    }
    const names = [...new Set(Object.values(contexts))].map((value) => value.slice('target:'.length));
    if (names.length > 0) more.push(`${member.target.name}: built from the image of ${names.join(' and ')}`);
    // Contexts of the compose file take precedence.
    return { ...member.target, contexts: { ...contexts, ...member.target.contexts } };
  });
  errors.push(...linkErrors(linked));
  if (errors.length > 0) throw new UserErrors(errors);
  return { targets: linked, notes: [...notes, ...new Set(more)] };
}

function namesOf(target: BuildTarget, model: ComposeModel, config: RepositorySight): ImageReference[] {
  const pushed = tryParseImage(target.repository);
  // A base with a profile is not among the services.
  const local = [...new Set([target.name, ...target.services])].flatMap((name) => {
    const service = model.services[name];
    // Compose names only images that it builds.
    const hasName = service !== undefined && (service.build !== undefined || service.image !== undefined);
    return hasName ? localNames(name, service, config) : [];
  });
  return [...local, ...(pushed === undefined ? [] : [pushed])];
}

/**
 * The target that a reference means. Sluice does not push the compose file's tag, so a reference without a tag matches
 * any; a reference with another tag means another image.
 */
function siblingOf(
  { reference }: ImageUse,
  member: Member,
  members: readonly Member[],
): { readonly sibling: Member; readonly fits: boolean } | undefined {
  const image = parseImage(reference, 'FROM');
  const means = (name: ImageReference) => imageName(name) === imageName(image);
  if (image.digest !== undefined || member.names.some(means)) return undefined;
  const tag = image.tag ?? 'latest';
  const others = members.filter(({ names }) => names.some(means));
  const exact = others.find((other) => other.names.some((name) => means(name) && tagOf(name) === tag));
  const [first] = others;
  const sibling = exact ?? first;
  if (sibling === undefined) return undefined;
  // The sibling's own base has the sibling's name: it is the registry's image, of which the sibling builds a variant.
  const ownBase = sibling.uses.filter(({ reference: base }) => means(parseImage(base, 'FROM')));
  if (ownBase.some(({ reference: base }) => base === reference)) return undefined;
  const fits = exact !== undefined || (tag === 'latest' && ownBase.length === 0);
  return fits || ownBase.length === 0 ? { sibling, fits } : undefined;
}

function tagOf({ tag }: ImageReference): string {
  return tag ?? 'latest';
}

function otherTag({ target }: Member, { reference }: ImageUse, sibling: Member): string {
  const names = [...new Set(sibling.names.map(formatImage))].join(', ');
  return `${target.name}: its Dockerfile takes ${reference} from the registry, with another tag than the image that ${sibling.target.name} builds (${names})`;
}

function stageName({ target }: Member, { reference }: ImageUse): UserError {
  const name = familiarImage(parseImage(reference, 'FROM'));
  return new UserError({
    code: 'build.stage-name',
    message: `services.${target.name}: a stage of its Dockerfile has the name of the image that another service builds, ${name}`,
    hint: `Rename the stage: \`FROM ${name} AS base\`. BuildKit cannot distinguish them.`,
    ...(target.dockerfile.kind === 'file' ? { at: { file: target.dockerfile.path } } : {}),
  });
}
