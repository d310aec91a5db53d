import { isAbsolute, join, posix, relative } from 'node:path';
import { chooseCompose, isEnough, startsContainers } from '../../config/compose/choice/choice.ts';
import {
  baseNames,
  hasComposeName,
  isAsideProfile,
  isComposeName,
  mayBeCompose,
} from '../../config/compose/choice/names.ts';
import { composeUsages, usagePaths } from '../../config/compose/choice/usage.ts';
import type { ComposeService, Config, ServicePlan } from '../../config/model.ts';
import { isOwnImage } from '../../config/services/ownership.ts';
import { describeServices } from '../../config/services/strategies.ts';
import { folderOf, inFolder, type Repo } from '../repo.ts';
import { isAsideFolder, isAsideName } from './aside.ts';
import { type ComposeDocument, readDocument } from './compose/document.ts';
import { type ComposeProject, composeProject } from './compose/project.ts';
import { type ExampleFile, entriesOf, exampleFiles, mainExample } from './env/example-files.ts';
import { type ImageBuild, idleDockerfiles, imageBuilds, withoutTag } from './image/build.ts';

/** The input of Sluice's own rules: the app as its files describe it for production. */
export interface App {
  readonly repo: Repo;
  readonly config: Config | undefined;
  /** Undefined without a readable compose file. */
  readonly project: ComposeProject | undefined;
  /** Relevant compose files that cannot be read. */
  readonly unreadable: readonly string[];
  readonly services: readonly AppService[];
  readonly images: readonly ImageBuild[];
  /** Dockerfiles that no image of production is built from. */
  readonly idle: readonly string[];
  /** The `.env.example` beside the compose files or at the top. */
  readonly example: ExampleFile | undefined;
  /** All env files of the repository that people copy. */
  readonly examples: readonly ExampleFile[];
}

export interface AppService {
  readonly name: string;
  readonly service: ComposeService;
  readonly plan: ServicePlan;
  /** The app's own build makes its image. */
  readonly isOwn: boolean;
  /** The Dockerfile that makes its image. */
  readonly image: ImageBuild | undefined;
}

/** @param config sluice.yml, where there is one: which compose files to read, and the settings of services. */
export function studyApp(repo: Repo, config: Config | undefined): App {
  const { documents, others, unreadable } = chosenDocuments(repo, config);
  const folder = folderOf(documents[0]?.path ?? '');
  const examples = exampleFiles(repo);
  const example = mainExample(examples, folder);
  const lookup = lookupIn(entriesIn(repo, inFolder(folder, '.env')));
  // An example is not configuration: defaults of the compose file take precedence over its values.
  const guess = lookupIn(example?.entries ?? []);
  const exemplary = (guess('COMPOSE_PROFILES') ?? '')
    .split(',')
    .filter((profile) => !isAsideProfile(profile));
  const profiles = profilesOf(repo, config, lookup('COMPOSE_PROFILES') ?? exemplary.join(','));
  const project =
    documents.length === 0 ? undefined : composeProject(repo, documents, { lookup, guess, profiles });
  const images = imageBuilds(repo, project, { others, certain: config !== undefined });
  return {
    repo,
    config,
    project,
    unreadable,
    images,
    idle: idleDockerfiles(repo, images),
    example,
    examples,
    services: servicesOf(project, config, images),
  };
}

function lookupIn(entries: ExampleFile['entries']): (name: string) => string | undefined {
  const values = new Map(entries.map(({ name, value }) => [name, value] as const));
  return (name) => values.get(name) || undefined;
}

/** Profiles that production activates: those of the file Compose reads, and of the targets' env files. */
function profilesOf(
  repo: Repo,
  config: Config | undefined,
  written: string | undefined,
): ReadonlySet<string> {
  const sources = Object.values(config?.targets ?? {}).flatMap(({ env }) => env);
  const files = sources.flatMap((source) =>
    source.kind === 'file' ? [fromTop(repo, config?.folder ?? '', source.path)] : [],
  );
  const ofTargets = files
    .flatMap((path) => entriesIn(repo, path))
    .filter(({ name }) => name === 'COMPOSE_PROFILES')
    .map(({ value }) => value);
  return new Set(
    [written ?? '', ...ofTargets].flatMap((value) => value.split(',')).map((part) => part.trim()),
  );
}

interface Chosen {
  readonly documents: readonly ComposeDocument[];
  /** Compose files for development, tests and other stacks. */
  readonly others: readonly ComposeDocument[];
  readonly unreadable: readonly string[];
}

function chosenDocuments(repo: Repo, config: Config | undefined): Chosen {
  const unreadable: string[] = [];
  const readQuietly = (path: string) => readDocument(path, repo.read(path) ?? '') ?? [];
  const read = (path: string) => {
    const document = readDocument(path, repo.read(path) ?? '');
    if (document === undefined) unreadable.push(path);
    return document ?? [];
  };
  const named = repo.files.filter(hasComposeName);
  if (config !== undefined) {
    const paths = config.compose.map((path) => fromTop(repo, config.folder, path));
    const documents = paths.flatMap(read);
    const others = named
      .filter((path) => !paths.includes(path))
      .flatMap((path) => readDocument(path, repo.read(path) ?? '') ?? []);
    return { documents, others, unreadable };
  }
  const all = named.flatMap(read);
  // Production is never guessed from a file for development, which may do what production must not.
  const plain = all.filter(({ path }) => isComposeName(path) && !isAsideFolder(path) && !isAsideName(path));
  const odd = isEnough(plain) ? [] : repo.files.filter(mayBeCompose).flatMap(readQuietly);
  const likely = [
    ...plain,
    ...odd.filter(
      (composeDocument) => startsContainers(composeDocument) && !isAsideFolder(composeDocument.path),
    ),
  ];
  const texts = likely.length < 2 ? [] : [...likely.map(({ path }) => path), ...usagePaths(repo.files)];
  const usages = texts.flatMap((path) => composeUsages(path, repo.read(path) ?? ''));
  const documents = chooseCompose(likely, usages)?.files ?? [];
  const others = all.filter((document) => !documents.includes(document));
  // Unrelated files may have such a name; one that Compose picks up by default is meant to be a compose file.
  const broken = unreadable.filter(
    (path) => baseNames.includes(posix.basename(path)) && !isAsideFolder(path),
  );
  return { documents, others, unreadable: broken };
}

function fromTop(repo: Repo, folder: string, path: string): string {
  return relative(repo.root, isAbsolute(path) ? path : join(folder, path)).replaceAll('\\', '/');
}

/** Entries of an env file that belongs to the repository, or that a target names. */
function entriesIn(repo: Repo, path: string): ExampleFile['entries'] {
  return entriesOf(repo.read(path) ?? '');
}

function servicesOf(
  project: ComposeProject | undefined,
  config: Config | undefined,
  images: readonly ImageBuild[],
): AppService[] {
  if (project === undefined) return [];
  const { model } = project;
  const built = new Map<string, string>();
  for (const [name, { build, image }] of Object.entries(model.services))
    if (build !== undefined && image !== undefined) built.set(withoutTag(image), name);
  const plans = plansOf(model, config);
  return plans.map((plan) => {
    const service = model.services[plan.name] ?? {};
    const builder = service.build === undefined ? built.get(withoutTag(service.image ?? '')) : plan.name;
    return {
      name: plan.name,
      service,
      plan,
      isOwn: builder !== undefined || isOwnImage(service, config?.registry),
      image: images.find(({ services }) => builder !== undefined && services.includes(builder)),
    };
  });
}

function plansOf(model: ComposeProject['model'], config: Config | undefined): ServicePlan[] {
  const sight = config ?? { services: {}, registry: undefined, migrate: undefined, backup: undefined };
  return describeServices(withoutMountsOfRepository(model), sight);
}

/** Mounts of the repository are for development: a server has no checkout. */
function withoutMountsOfRepository(model: ComposeProject['model']): ComposeProject['model'] {
  const services = Object.entries(model.services).map(([name, service]) => {
    const volumes = service.volumes?.filter(({ type, source = '' }) => type !== 'bind' || isAbsolute(source));
    return [name, volumes === undefined ? service : { ...service, volumes }] as const;
  });
  return { ...model, services: Object.fromEntries(services) };
}
