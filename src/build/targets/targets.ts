import { plain } from '../../config/compose/load.ts';
import { imageName, tryParseImage } from '../../config/images/reference.ts';
import type { ComposeBuild, ComposeModel, ComposeService, Config } from '../../config/model.ts';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import type { BuildTarget } from '../model.ts';
import { buildOf, type Definition, definitionOf, listOf, textOf } from './definition.ts';
import { linkErrors } from './links.ts';
import { localNames, type RepositorySight, repositoryOf, type SameImage, sameImageIn } from './repository.ts';

type Sight = RepositorySight & Pick<Config, 'build'>;

export interface Targets {
  readonly targets: readonly BuildTarget[];
  /** Notes for the plan, one sentence each. */
  readonly notes: readonly string[];
}

/** A service that is built, before services that share its image are known. */
interface Draft {
  readonly name: string;
  readonly service: ComposeService;
  readonly build: ComposeBuild;
  /** The definition of the image, as text; equal texts are one image. */
  readonly content: string;
}

/** Services that share one build, in the order of the compose model. */
interface Group {
  readonly repository: string;
  readonly drafts: Draft[];
}

/**
 * The images to build: one target for each, from the `build:` sections of the compose model. Services with
 * identical sections share a target unless they have different `image:` names, and so do services without a section that
 * run the image of another service's build.
 *
 * @throws UserErrors `build.nothing`, `build.repository`, `build.conflict`, `build.context`, `build.cycle`,
 * `compose.image`.
 */
export function buildTargets(model: ComposeModel, config: Sight): Targets {
  const same = sameImageIn(model, config);
  const builderOf = (service: string) => findBuilder(service, model, config, same);
  const drafts = draftsOf(model, config, builderOf);
  if (drafts.length === 0) throw new UserErrors([nothing()]);
  const { groups, errors } = grouped(drafts, config, same);
  if (errors.length > 0) throw new UserErrors(errors);
  const ownerOf = (service: string) => {
    const builder = builderOf(service);
    const group = groups.find(({ drafts: members }) => members.some(({ name }) => name === builder));
    return group?.drafts[0]?.name ?? service;
  };
  const targets = groups.flatMap((group): BuildTarget[] => {
    const [first] = group.drafts;
    if (first === undefined) return [];
    const users = usersOf(group, model, config, same);
    return [
      {
        name: first.name,
        services: [...group.drafts.map(({ name }) => name), ...users],
        repository: group.repository,
        ...definitionOf(first.build, model, config, ownerOf),
      },
    ];
  });
  const circles = linkErrors(targets);
  if (circles.length > 0) throw new UserErrors(circles);
  return { targets, notes: [...drafts.flatMap(notesOf), ...groups.flatMap(sharedNote), ...same.notes] };
}

type BuilderOf = (service: string) => string | undefined;

function draftsOf(model: ComposeModel, config: Sight, builderOf: BuilderOf): Draft[] {
  const contentOf = contents(model, config, builderOf);
  return Object.entries(model.services).flatMap(([name, service]) => {
    const build = buildOf(service);
    return build === undefined ? [] : [{ name, service, build, content: contentOf(name) }];
  });
}

/** The definition of each service's image, as text in which other services' images are replaced by their definitions. */
function contents(model: ComposeModel, config: Sight, builderOf: BuilderOf): (name: string) => string {
  const known = new Map<string, string>();
  const open = new Set<string>();
  const contentOf = (name: string): string => {
    const service = model.services[name];
    const build = service === undefined ? undefined : buildOf(service);
    // A cycle has no definition; links.ts reports it.
    if (build === undefined || open.has(name)) return name;
    const found = known.get(name);
    if (found !== undefined) return found;
    open.add(name);
    const own = builderOf(name);
    const definition: Definition = definitionOf(build, model, config, (other) => {
      const builder = builderOf(other);
      if (builder === undefined) return other;
      return builder === own ? 'itself' : contentOf(builder);
    });
    open.delete(name);
    const content = JSON.stringify(definition);
    known.set(name, content);
    return content;
  };
  return contentOf;
}

/** The first service that builds the image which a service runs, by only its name. */
function findBuilder(name: string, model: ComposeModel, config: Sight, same: SameImage): string | undefined {
  const service = model.services[name];
  if (service === undefined) return undefined;
  if (service.image === undefined) return service.build === undefined ? undefined : name;
  const named = tryParseImage(plain(service.image));
  if (named === undefined) return undefined;
  return Object.entries(model.services).find(
    ([other, candidate]) =>
      candidate.build !== undefined &&
      localNames(other, candidate, config).some((local) => same.isSame(local, named)),
  )?.[0];
}

function grouped(
  drafts: readonly Draft[],
  config: Sight,
  same: SameImage,
): { groups: Group[]; errors: UserError[] } {
  const groups = new Map<string, Group>();
  /** Repositories of images that one name has by its tags. */
  const byTag = new Map<string, string>();
  const errors: UserError[] = [];
  const put = (draft: Draft, repository: string | UserError) => {
    if (repository instanceof UserError) {
      errors.push(repository);
      return;
    }
    const group = groups.get(repository);
    const [other] = group?.drafts ?? [];
    if (group === undefined || other === undefined) groups.set(repository, { repository, drafts: [draft] });
    else if (other.content === draft.content) group.drafts.push(draft);
    else errors.push(conflict(other.name, draft.name, repository));
  };
  const isNamed = ({ service }: Draft) => service.image !== undefined;
  for (const draft of drafts.filter(isNamed)) {
    const repository = repositoryOf(draft.name, draft.service, config);
    const tag = same.tagThatMatters(draft.service);
    const key = `${repository}:${tag}`;
    if (tag === undefined || repository instanceof UserError) put(draft, repository);
    else {
      const own = byTag.get(key) ?? `${repository}-${draft.name.toLowerCase()}`;
      byTag.set(key, own);
      put(draft, own);
    }
  }
  for (const draft of drafts.filter((candidate) => !isNamed(candidate))) {
    const twin = [...groups.values()].find((group) => group.drafts[0]?.content === draft.content);
    if (twin === undefined) put(draft, repositoryOf(draft.name, draft.service, config));
    else twin.drafts.push(draft);
  }
  const order = (draft: Draft | undefined) => (draft === undefined ? -1 : drafts.indexOf(draft));
  for (const group of groups.values()) group.drafts.sort((a, b) => order(a) - order(b));
  return {
    groups: [...groups.values()].sort((a, b) => order(a.drafts[0]) - order(b.drafts[0])),
    errors,
  };
}

/** Services that build nothing and run the image of a group. */
function usersOf(group: Group, model: ComposeModel, config: Sight, same: SameImage): string[] {
  const names = group.drafts.flatMap(({ name, service }) => localNames(name, service, config));
  return Object.entries(model.services).flatMap(([name, { build, image }]) => {
    const reference = build !== undefined || image === undefined ? undefined : tryParseImage(plain(image));
    if (reference === undefined) return [];
    const isUser = names.some((local) => same.isSame(local, reference));
    return isUser || imageName(reference) === group.repository ? [name] : [];
  });
}

function notesOf({ name, build }: Draft): string[] {
  const tags = [...listOf(build.tags), ...listOf(build['x-bake']?.tags)];
  const outputs = listOf(build['x-bake']?.output);
  return [
    ...(tags.length > 0
      ? [`${name}: tags of the compose file are ignored; tags come from git (or --tag)`]
      : []),
    ...(outputs.length > 0 ? [`${name}: outputs of x-bake are ignored; images go to the registry`] : []),
  ].map(textOf);
}

/** Compose would build an image for each of them, so the shared name gets a note. */
function sharedNote({ drafts, repository }: Group): string[] {
  const isShared = drafts.length > 1 && drafts.some(({ service }) => service.image === undefined);
  const names = drafts.map(({ name }) => name);
  return isShared ? [`${names.join(', ')}: identical builds, built once as ${repository}`] : [];
}

function conflict(first: string, second: string, repository: string): UserError {
  return new UserError({
    code: 'build.conflict',
    message: `${first} and ${second} build different images under one name, ${repository}`,
    hint: 'Give each its own `image:`, or make the two `build:` sections alike (a YAML anchor does).',
  });
}

function nothing(): UserError {
  return new UserError({
    code: 'build.nothing',
    message: 'No service of the compose files has a `build:` section, so there is nothing to build',
    hint: 'Add `build: ./folder` to a service with its own image.',
  });
}
