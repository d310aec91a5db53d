import { familiarImage, tryParseImage } from '../../config/images/reference.ts';
import type { BuildTarget } from '../model.ts';

/** One target of a bake run. */
export interface BakeBuild {
  readonly target: BuildTarget;
  /** Reference with a tag, under which the image is kept until it gets its own tags. */
  readonly holding: string;
  readonly output: BakeOutput;
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Digests of base images that the tree digest was made with, by reference: the build takes exactly these. */
  readonly bases: Readonly<Record<string, string>>;
}

/**
 * Where the image goes. `store`: it stays in the engine, which pushes it afterwards (driver `docker`).
 * `push`: to the registry by its digest, without a tag, and not into the engine: layers from a cache are then neither
 * fetched nor unpacked. `load`: only into the engine. `nothing`: it is only built.
 */
export type BakeOutput = 'store' | 'push' | 'load' | 'nothing';

export interface BakeOptions {
  readonly sbom: boolean;
  readonly provenance: boolean;
  /** Whether the code is that of an unmerged change, whose caches others must not read. */
  readonly isForeign: boolean;
}

/**
 * The same for every build: a time that changed with each commit would be part of WORKDIR's cache key and throw away
 * everything below it (docker/docs#23795). 1980, because ZIP files know no earlier one.
 */
const sourceDateEpoch = '315532800';

/**
 * The definition of one bake run, which buildx takes as JSON.
 *
 * @param builds images to build.
 * @param others targets that these use as named contexts; they are built and not exported.
 */
export function bakeFile(
  builds: readonly BakeBuild[],
  others: readonly BuildTarget[],
  options: BakeOptions,
): string {
  const target = Object.fromEntries([
    ...others.map((buildTarget) => [bakeName(buildTarget), definition(buildTarget, {})] as const),
    ...builds.map((build) => [bakeName(build.target), buildDefinition(build, options)] as const),
  ]);
  const group = { default: { targets: builds.map((build) => bakeName(build.target)) } };
  return JSON.stringify(escaped({ group, target }), undefined, 1);
}

/**
 * `network` of the targets that have one, as a compose file: buildx before 0.15 reads it only from there. The file comes
 * first on the command line, the definition second. Undefined when no target needs it.
 */
export function networkFile(targets: readonly BuildTarget[]): string | undefined {
  const services = targets.flatMap((target) => {
    const network = target.run?.network;
    const build = { context: target.context, network };
    return network === undefined ? [] : [[bakeName(target), { build }] as const];
  });
  return services.length === 0 ? undefined : JSON.stringify({ services: Object.fromEntries(services) });
}

/** Bake allows letters, digits, _ and - in the name of a target, and no dots. */
export function bakeName({ name }: Pick<BuildTarget, 'name'>): string {
  return name.replaceAll('.', '_');
}

function buildDefinition(build: BakeBuild, options: BakeOptions): Record<string, unknown> {
  const { target, holding } = build;
  const pinned = Object.entries(build.bases).map(
    ([reference, digest]) =>
      [contextName(reference), `docker-image://${withDigest(reference, digest)}`] as const,
  );
  return definition(target, {
    labels: { ...build.labels, ...target.labels },
    contexts: { ...Object.fromEntries(pinned), ...contextsOf(target) },
    'cache-from': [...build.cacheFrom, ...target.cacheFrom],
    // A change's own compose file must not choose the cache it writes.
    'cache-to': [...build.cacheTo, ...(options.isForeign ? [] : target.cacheTo)],
    ...(target.noCache ? { 'no-cache': true } : {}),
    attest: [
      `type=provenance,${options.provenance ? 'mode=max' : 'disabled=true'}`,
      ...(options.sbom ? ['type=sbom'] : []),
    ],
    ...outputOf(build.output, target, holding),
  });
}

function outputOf(output: BakeOutput, target: BuildTarget, holding: string): Record<string, unknown> {
  switch (output) {
    case 'store':
      return { output: ['type=image,unpack=true'], tags: [holding] };
    case 'load':
      return { output: ['type=docker'], tags: [holding] };
    case 'push':
      return {
        output: [
          `type=image,name=${target.repository},push-by-digest=true,name-canonical=true,push=true,store=false,unpack=false`,
        ],
      };
    case 'nothing':
      return { output: ['type=cacheonly'] };
  }
}

function definition(target: BuildTarget, more: Record<string, unknown>): Record<string, unknown> {
  const { dockerfile } = target;
  return {
    context: target.context,
    ...(dockerfile.kind === 'inline'
      ? { 'dockerfile-inline': dockerfile.text }
      : { dockerfile: dockerfile.path }),
    ...(target.target === undefined ? {} : { target: target.target }),
    args: { SOURCE_DATE_EPOCH: sourceDateEpoch, ...target.args },
    ...(target.secrets.length === 0 ? {} : { secret: target.secrets.map(secretFlag) }),
    ...(target.ssh.length === 0 ? {} : { ssh: target.ssh }),
    ...(target.platforms.length === 0 ? {} : { platforms: target.platforms }),
    contexts: contextsOf(target),
    ...(target.pull ? { pull: true } : {}),
    ...target.run,
    ...more,
  };
}

function contextsOf(target: BuildTarget): Record<string, string> {
  return Object.fromEntries(
    Object.entries(target.contexts).map(([name, where]) => [
      contextName(name),
      where.startsWith('target:') ? `target:${bakeName({ name: where.slice('target:'.length) })}` : where,
    ]),
  );
}

/** As BuildKit asks for it; the name of a stage is such a reference, too. */
function contextName(name: string): string {
  const image = tryParseImage(name);
  return image === undefined ? name : familiarImage(image);
}

/** By name, so that no value is in the file: buildx reads the variable itself. */
function secretFlag({ id, env, file }: BuildTarget['secrets'][number]): string {
  return file === undefined ? `id=${id},env=${env ?? id}` : `id=${id},src=${file}`;
}

/** `node@sha256:…` for `node:22`. */
export function withDigest(reference: string, digest: string): string {
  const named = reference.replace(/@[\s\S]*$/, '');
  const colon = named.lastIndexOf(':');
  return `${colon > named.lastIndexOf('/') ? named.slice(0, colon) : named}@${digest}`;
}

/** Targets that others use as named contexts, and what these use in turn. */
export function linkedTargets(
  builds: readonly BuildTarget[],
  all: readonly BuildTarget[],
): readonly BuildTarget[] {
  const found = new Set<BuildTarget>();
  const visit = (target: BuildTarget): void => {
    for (const where of Object.values(target.contexts)) {
      const linked = all.find(({ name }) => where === `target:${name}`);
      if (linked === undefined || found.has(linked)) continue;
      found.add(linked);
      visit(linked);
    }
  };
  for (const build of builds) visit(build);
  return [...found].filter((target) => !builds.includes(target));
}

/** Bake reads its files as HCL templates: `${` and `%{` in a text would be evaluated. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/[$%](?=\{)/g, (sign) => sign + sign);
  if (Array.isArray(value)) return value.map(escaped);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escaped(item)]));
}
