import { isAbsolute, join, posix, relative } from 'node:path';
import { chooseCompose, isEnough, startsContainers } from '../../config/compose-choice.ts';
import { baseNames, isComposeName, mayBeCompose } from '../../config/compose-names.ts';
import { composeUsages, usagePaths } from '../../config/compose-usage.ts';
import { parseEnvFile } from '../../config/env-file.ts';
import type { ComposeService, Config, ServicePlan } from '../../config/model.ts';
import { isOwnImage } from '../../config/service-facts.ts';
import { planService } from '../../config/strategies.ts';
import { folderOf, inFolder, type Repo } from '../repo.ts';
import { type ComposeDocument, readDocument } from './compose-document.ts';
import { type ComposeProject, composeProject } from './compose-project.ts';
import { type ImageBuild, imageBuilds } from './image-build.ts';

/** What our rules look at: the app as its files describe it for production. */
export interface App {
  readonly repo: Repo;
  readonly config: Config | undefined;
  /** Undefined where there are no compose files, or none that can be read. */
  readonly project: ComposeProject | undefined;
  /** Compose files that count and can't be read. */
  readonly unreadable: readonly string[];
  readonly services: readonly AppService[];
  readonly images: readonly ImageBuild[];
  /** The `.env.example` beside the compose files or at the top. */
  readonly example: ExampleFile | undefined;
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

export interface ExampleFile {
  readonly path: string;
  readonly entries: readonly { readonly name: string; readonly value: string; readonly line: number }[];
}

const exampleName =
  /^\.?env\.(?:example|sample|template|dist)$|^\.env\.[\w-]+\.(?:example|sample)$|^example\.env$/;

/** @param config sluice.yml, where there is one: which compose files count, and what services are. */
export function studyApp(repo: Repo, config: Config | undefined): App {
  const { documents, unreadable } = chosenDocuments(repo, config);
  const folder = folderOf(documents[0]?.path ?? '');
  const example = readExample(repo, folder);
  const values = new Map(
    [...(example?.entries ?? []), ...defaults(repo, folder)].map((each) => [each.name, each.value]),
  );
  const lookup = (name: string) => values.get(name) || undefined;
  const project = documents.length === 0 ? undefined : composeProject(repo, documents, lookup);
  const images = imageBuilds(repo, project);
  return {
    repo,
    config,
    project,
    unreadable,
    images,
    example,
    services: servicesOf(project, config, images),
  };
}

interface Chosen {
  readonly documents: readonly ComposeDocument[];
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
  if (config !== undefined) {
    const paths = config.compose.map((path) => (isAbsolute(path) ? path : join(config.folder, path)));
    const documents = paths.flatMap((path) => read(relative(repo.root, path).replaceAll('\\', '/')));
    return { documents, unreadable };
  }
  const named = repo.files.filter(isComposeName).flatMap(read);
  const odd = isEnough(named) ? [] : repo.files.filter(mayBeCompose).flatMap(readQuietly);
  const found = [...named, ...odd.filter(startsContainers)];
  const texts = found.length < 2 ? [] : [...found.map(({ path }) => path), ...usagePaths(repo.files)];
  const usages = texts.flatMap((path) => composeUsages(path, repo.read(path) ?? ''));
  const documents = chooseCompose(found, usages)?.files ?? [];
  // Other files may have such a name; one that Compose itself would take is meant to be one.
  return { documents, unreadable: unreadable.filter((path) => baseNames.includes(posix.basename(path))) };
}

/** Values of a `.env` that belongs to the repository: Compose reads it. */
function defaults(repo: Repo, folder: string): ExampleFile['entries'] {
  const path = inFolder(folder, '.env');
  return repo.files.includes(path) ? entriesOf(repo.read(path) ?? '') : [];
}

function readExample(repo: Repo, folder: string): ExampleFile | undefined {
  const isNear = (path: string) => [folder, ''].includes(folderOf(path));
  const found = repo.files.filter((path) => exampleName.test(posix.basename(path)) && isNear(path));
  const path = found.find((each) => each === inFolder(folder, '.env.example')) ?? found[0];
  return path === undefined ? undefined : { path, entries: entriesOf(repo.read(path) ?? '') };
}

/** Whether a file is an env file for people to copy. */
export function isExample(path: string): boolean {
  return exampleName.test(posix.basename(path));
}

/** Assignments of an env file; none of one that is malformed. */
export function entriesOf(text: string): ExampleFile['entries'] {
  try {
    const file = parseEnvFile(text, '.env', { interpolate: false });
    const inherited = file.inherited.map(({ name, line }) => ({ name, value: '', line }));
    return [...file.entries, ...inherited].map(({ name, value, line }) => ({ name, value, line }));
  } catch {
    return [];
  }
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
  return Object.entries(model.services).map(([name, service]) => planService(name, service, model, sight));
}

function withoutTag(image: string): string {
  return image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
}
