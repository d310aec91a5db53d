import { posix } from 'node:path';
import type { ComposeCandidate } from '../../../config/compose/choice/choice.ts';
import { isHiddenFolder } from '../../../config/compose/choice/names.ts';
import {
  type Dockerfile,
  type Instruction,
  parseDockerfile,
  type Stage,
} from '../../../config/dockerfile/parse.ts';
import type { ComposeBuild, ComposeService } from '../../../config/model.ts';
import { folderOf, inFolder, type Repo } from '../../repo.ts';
import { isAsideFolder, isAsideName } from '../aside.ts';
import { isLoose } from '../compose/document.ts';
import type { ComposeProject } from '../compose/project.ts';
import { mapOf } from '../compose/shape.ts';
import { builtByCommands } from '../dockerfile/usage.ts';
import type { Hit } from '../rule.ts';

/** A Dockerfile, with its build settings of the compose files. */
export interface ImageBuild {
  readonly path: string;
  readonly repo: Repo;
  readonly dockerfile: Dockerfile;
  /** Folder of the build context, from the top of the repository. */
  readonly context: string;
  /** Services that are built from it. */
  readonly services: readonly string[];
  /** Stages that become images: those of `build.target`, else the last one. */
  readonly targets: readonly Stage[];
  /** Stages that a target is made of; others are for development and tests. */
  readonly stages: readonly Stage[];
  /** Names of `additional_contexts`. */
  readonly contexts: readonly string[];
  /** Image names that the compose files build, without tags. */
  readonly siblings: ReadonlySet<string>;
  /** Build arguments that the compose files pass. */
  readonly args: ReadonlySet<string>;
  /** `user:` of every service that runs it. */
  readonly runsAs: readonly string[];
}

const fileName =
  /^(?:Dockerfile|Containerfile)(?:[.-][\w.-]+)?$|^dockerfile$|\.(?:Docker|docker|Container)file$/;
/** Templates of Dockerfiles, notes about them, and other files with such a name. */
const otherFile =
  /\.(?:dockerignore|md|txt|rst|json|ya?ml|toml|sh|py|[cm]?[jt]sx?|go|rs|rb|j2|jinja2?|tmpl|tpl|template|erb|in|bak|orig|lock)$/i;
interface Surroundings {
  /** Compose files that do not belong to production. */
  readonly others: readonly ComposeCandidate[];
  /** Whether sluice.yml names the compose files; else they are guessed. */
  readonly certain: boolean;
}

/**
 * The Dockerfiles of all built services; and those of the repository without a sign of another purpose: a folder or a name
 * (`ci/`, `Dockerfile.playwright`), a compose file for development, a service behind a profile.
 */
export function imageBuilds(
  repo: Repo,
  project: ComposeProject | undefined,
  { others, certain }: Surroundings,
): ImageBuild[] {
  const byFile = new Map<string, { name: string; service: ComposeService; build: ComposeBuild }[]>();
  for (const [name, service] of Object.entries(project?.model.services ?? {})) {
    const { build } = service;
    const path = dockerfileOf(service);
    if (path === undefined || build === undefined || typeof build === 'string') continue;
    byFile.set(path, [...(byFile.get(path) ?? []), { name, service, build }]);
  }
  const elsewhere = new Set([
    ...Object.values(project?.hidden ?? {}).flatMap((service) => dockerfileOf(service) ?? []),
    // If the production files build no image, a pipeline may build the Dockerfiles of the development file for them.
    ...(byFile.size === 0 ? [] : others.flatMap(dockerfilesIn)),
  ]);
  const loose = likeliest(
    repo,
    dockerfilesOf(repo).filter(
      (path) => !isAsideFolder(path) && !isAsideName(path) && !isHiddenFolder(path) && !elsewhere.has(path),
    ),
  );
  const names = new Set(
    Object.values(project?.model.services ?? {}).flatMap(({ build, image }) =>
      build === undefined || image === undefined ? [] : [withoutTag(image)],
    ),
  );
  const paths = certain && byFile.size > 0 ? byFile.keys() : [...byFile.keys(), ...loose];
  return [...new Set(paths)].flatMap((path) => {
    const text = repo.read(path);
    const uses = byFile.get(path) ?? [];
    const dockerfile = text === undefined ? undefined : tryParse(text, argsOf(uses[0]?.build));
    if (dockerfile === undefined || dockerfile.stages.length === 0) return [];
    const targets = targetsOf(
      dockerfile,
      uses.map(({ build }) => build.target),
    );
    const services = uses.map(({ name }) => name);
    const users = uses.map(({ service }) =>
      service['user'] === undefined ? undefined : String(service['user']),
    );
    return {
      path,
      repo,
      dockerfile,
      context: uses[0]?.build.context ?? likelyContext(repo, path, dockerfile),
      services,
      targets,
      stages: dockerfile.stages.filter((stage) =>
        targets.some((target) => madeOf(target, dockerfile).has(stage)),
      ),
      contexts: uses.flatMap(({ build }) => Object.keys(mapOf(build.additional_contexts))),
      siblings: names,
      args: new Set(uses.flatMap(({ build }) => Object.keys(build.args ?? {}))),
      runsAs: users.every((user) => user !== undefined) ? users : [],
    };
  });
}

/**
 * The likely production Dockerfiles among those that no compose file builds: those in the repository's commands, else the
 * plainly named ones, else all. `Dockerfile.scratch` beside a `Dockerfile` that a workflow builds is an experiment.
 */
function likeliest(repo: Repo, paths: readonly string[]): readonly string[] {
  const built = builtByCommands(repo, paths);
  if (built.length > 0) return built;
  const plain = paths.filter((path) => /^(?:docker|container)file$/i.test(posix.basename(path)));
  return plain.length > 0 ? plain : paths;
}

/** Dockerfiles without a known production image. */
export function idleDockerfiles(repo: Repo, images: readonly ImageBuild[]): readonly string[] {
  const used = new Set(images.map(({ path }) => path));
  return dockerfilesOf(repo).filter(
    (path) => !used.has(path) && !/(?:^|\/)(?:node_modules|vendor)\//.test(path),
  );
}

function dockerfilesOf({ files }: Repo): readonly string[] {
  return files.filter((path) => {
    const name = posix.basename(path);
    return fileName.test(name) && !otherFile.test(name);
  });
}

function dockerfileOf({ build }: ComposeService): string | undefined {
  if (build === undefined || typeof build === 'string' || build.dockerfile_inline !== undefined)
    return undefined;
  return posix.normalize(inFolder(build.context ?? '', String(build.dockerfile ?? 'Dockerfile')));
}

/** Dockerfiles that a compose file names. */
function dockerfilesIn({ path, services }: ComposeCandidate): string[] {
  return Object.values(services).flatMap(({ build }) => {
    const { context, dockerfile } = isLoose(build) ? build : { context: build, dockerfile: undefined };
    if (typeof context !== 'string' || /^[a-z]+:\/\/|\$/.test(context)) return [];
    const whole = posix.join(folderOf(path), context, String(dockerfile ?? 'Dockerfile'));
    return [posix.normalize(whole)];
  });
}

/** A Dockerfile that the parser rejects has no findings here; hadolint reports its syntax. */
function tryParse(text: string, args: Readonly<Record<string, string>>): Dockerfile | undefined {
  try {
    return parseDockerfile(text, args);
  } catch {
    return undefined;
  }
}

function argsOf(build: ComposeBuild | undefined): Record<string, string> {
  const args = Object.entries(build?.args ?? {});
  return Object.fromEntries(args.flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]])));
}

function targetsOf({ stages }: Dockerfile, names: readonly (string | undefined)[]): Stage[] {
  const wanted = names.length === 0 ? [undefined] : names;
  const found = wanted.map((name) =>
    name === undefined ? stages.at(-1) : stages.find((stage) => stage.name === String(name).toLowerCase()),
  );
  return [...new Set(found.filter((stage) => stage !== undefined))];
}

/** A stage, those below it, and those it copies or mounts from. */
function madeOf(target: Stage, dockerfile: Dockerfile): Set<Stage> {
  const found = new Set<Stage>();
  const add = (stage: Stage | undefined): void => {
    if (stage === undefined || found.has(stage)) return;
    found.add(stage);
    add(stage.base);
    for (const instruction of stage.instructions)
      for (const from of sourcesOf(instruction)) add(stageCalled(from, stage, dockerfile));
  };
  add(target);
  return found;
}

/** The names in `--from` and `--mount=…,from=`. */
function sourcesOf({ flags }: Instruction): string[] {
  return flags.flatMap(({ name, value }) => {
    if (name === 'from') return [value];
    const from = name === 'mount' ? /(?:^|,)from=([^,]+)/.exec(value)?.[1] : undefined;
    return from ?? [];
  });
}

/** The earlier stage that a `--from` names, by name or number. */
export function stageCalled(from: string, user: Stage, { stages }: Dockerfile): Stage | undefined {
  const before = stages.slice(0, user.index);
  const byName = before.findLast((stage) => stage.name === from.toLowerCase());
  return byName ?? (/^\d+$/.test(from) ? before[Number(from)] : undefined);
}

/** A stage and the stages it is based on, from the lowest. */
export function chainOf(stage: Stage): readonly Stage[] {
  return stage.base === undefined ? [stage] : [...chainOf(stage.base), stage];
}

/** The instructions of a stage, after those of the stages it is based on. */
export function instructionsOf(stage: Stage): readonly Instruction[] {
  return chainOf(stage).flatMap(({ instructions }) => instructions);
}

/** The place of a finding about an instruction. */
export function placeOf({ line, endLine }: Instruction, { path }: ImageBuild): Omit<Hit, 'message'> {
  return { file: path, line, endLine };
}

/** Files of the context, from its folder. */
export function contextFiles({ repo, context }: Pick<ImageBuild, 'repo' | 'context'>): readonly string[] {
  if (context === '') return repo.files;
  return repo.files
    .filter((path) => path.startsWith(`${context}/`))
    .map((path) => path.slice(context.length + 1));
}

/** A Dockerfile in `docker/` copies from the top; one beside its sources from its own folder. */
function likelyContext(repo: Repo, path: string, dockerfile: Dockerfile): string {
  const folder = folderOf(path);
  const sources = dockerfile.stages
    .flatMap(({ instructions }) => instructions)
    .filter(({ keyword, flags }) => keyword === 'COPY' && !flags.some(({ name }) => name === 'from'))
    .flatMap((instruction) => copied(instruction).sources)
    .filter((source) => /^[\w.-]/.test(source) && source !== '.' && !/[*?$]/.test(source));
  const known = (below: string) =>
    sources.filter((source) => {
      const whole = posix.normalize(inFolder(below, source)).replace(/\/$/, '');
      return repo.files.some((file) => file === whole || file.startsWith(`${whole}/`));
    }).length;
  return folder !== '' && known('') > known(folder) ? '' : folder;
}

/** The name of an image, without tag and digest. */
export function withoutTag(image: string): string {
  return image.replace(/@[\s\S]*$/, '').replace(/:[^/:]*$/, '');
}

/** Sources and destination of COPY and ADD; heredocs do not count. */
export function copied({ list, text }: Instruction): { sources: readonly string[]; to: string } {
  const words = list ?? text.trim().split(/\s+/);
  const sources = words.slice(0, -1).filter((word) => !word.startsWith('<<'));
  return { sources, to: words.at(-1) ?? '' };
}
