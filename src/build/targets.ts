import { isCarried } from '../config/carried.ts';
import { plain } from '../config/compose.ts';
import { formatImage, parseImage } from '../config/image.ts';
import type { ComposeBuild, ComposeModel, ComposeService, Config } from '../config/model.ts';
import { UserError, UserErrors } from '../kernel/errors.ts';
import { linkErrors } from './links.ts';
import type { BuildSecret, BuildTarget } from './model.ts';
import { hostsOf, inheritedSsh, listOf, mapOf, pathOrUrl, textOf } from './target-fields.ts';

type Sight = Pick<Config, 'app' | 'folder' | 'registry' | 'build'>;

export interface Targets {
  readonly targets: readonly BuildTarget[];
  /** What the plan should say besides, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * What is to be built: one target for each image, from the `build:` sections of the compose model. Services that share
 * an identical build, and services without one that run the image of another service's build, share its target.
 *
 * @throws UserErrors `build.nothing`, `build.repository`, `build.conflict`, `build.context`, `build.cycle`,
 * `compose.image`.
 */
export function buildTargets(model: ComposeModel, config: Sight): Targets {
  const notes: string[] = [];
  const errors: UserError[] = [];
  const byRepository = new Map<string, BuildTarget>();
  for (const [name, service] of Object.entries(model.services)) {
    if (service.build === undefined) continue;
    const build: ComposeBuild =
      typeof service.build === 'string' ? { context: service.build } : service.build;
    const repository = repositoryOf(name, service, config);
    if (repository instanceof UserError) {
      errors.push(repository);
      continue;
    }
    const made = targetOf(name, repository, build, model, config);
    notes.push(...notesOf(name, build));
    const other = byRepository.get(repository);
    if (other === undefined) byRepository.set(repository, made);
    else if (same(other, made))
      byRepository.set(repository, { ...other, services: [...other.services, name] });
    else errors.push(conflict(other.name, name, repository));
  }
  if (byRepository.size === 0 && errors.length === 0) errors.push(nothing());
  if (errors.length === 0) errors.push(...linkErrors([...byRepository.values()]));
  if (errors.length > 0) throw new UserErrors(errors);
  return { targets: withUsers([...byRepository.values()], model, config), notes };
}

function targetOf(
  name: string,
  repository: string,
  build: ComposeBuild,
  model: ComposeModel,
  config: Sight,
): BuildTarget {
  const bake = build['x-bake'] ?? {};
  const context = pathOrUrl(plain(build.context ?? '.'), config.folder);
  const platforms = [...listOf(bake.platforms), ...listOf(build.platforms)];
  return {
    name,
    services: [name],
    context,
    dockerfile:
      build.dockerfile_inline === undefined
        ? { kind: 'file', path: dockerfilePath(context, plain(build.dockerfile ?? 'Dockerfile')) }
        : { kind: 'inline', text: plain(build.dockerfile_inline) },
    target: build.target === undefined ? undefined : plain(build.target),
    args: { ...mapOf(build.args), ...mapOf(bake.args) },
    secrets: [...composeSecrets(build, model), ...listOf(bake.secret).map(secretSpec)],
    ssh: inheritedSsh([...listOf(build.ssh), ...listOf(bake.ssh)]),
    platforms: platforms.length > 0 ? [...new Set(platforms)] : config.build.platforms,
    contexts: namedContexts(build, bake, model, config),
    cacheFrom: [...listOf(build.cache_from), ...listOf(bake['cache-from'])],
    cacheTo: [...listOf(build.cache_to), ...listOf(bake['cache-to'])],
    repository,
    labels: mapOf(build.labels),
    pull: build.pull === true || bake.pull === true,
    noCache: build.no_cache === true || bake['no-cache'] === true,
    ...runOptions(build),
  };
}

function runOptions(build: ComposeBuild): Pick<BuildTarget, 'run'> {
  const hosts = hostsOf(build.extra_hosts);
  // What Compose makes of `privileged`, too.
  const privileged = build.privileged === true ? ['security.insecure'] : [];
  const entitlements = [...new Set([...listOf(build.entitlements), ...privileged])].sort();
  const isolation = build.isolation === undefined ? '' : textOf(build.isolation);
  const ulimits = Object.entries(
    (build.ulimits ?? {}) as Record<string, number | { soft: number; hard: number }>,
  );
  const run = {
    ...(build.network === undefined ? {} : { network: textOf(build.network) }),
    ...(build.shm_size === undefined ? {} : { 'shm-size': textOf(build.shm_size) }),
    ...(ulimits.length === 0
      ? {}
      : {
          ulimits: ulimits.map(([name, limit]) =>
            typeof limit === 'object' ? `${name}=${limit.soft}:${limit.hard}` : `${name}=${limit}`,
          ),
        }),
    ...(Object.keys(hosts).length === 0 ? {} : { 'extra-hosts': hosts }),
    ...(entitlements.length === 0 ? {} : { entitlements }),
    ...(isolation === '' || isolation === 'default' ? {} : { isolation }),
  };
  return Object.keys(run).length === 0 ? {} : { run };
}

function dockerfilePath(context: string, dockerfile: string): string {
  return /^[a-z+]+:\/\/|^git@/.test(context) ? dockerfile : pathOrUrl(dockerfile, context);
}

/** `service:x` is Compose's way to say `target:x`; either may name one of several services that share an image. */
function namedContexts(
  build: ComposeBuild,
  bake: NonNullable<ComposeBuild['x-bake']>,
  model: ComposeModel,
  config: Sight,
): Record<string, string> {
  const all = { ...mapOf(build.additional_contexts), ...mapOf(bake.contexts) };
  return Object.fromEntries(
    Object.entries(all).map(([name, where]) => {
      const service = /^(?:service|target):(.+)$/.exec(where)?.[1];
      if (service === undefined) return [name, pathOrUrl(where, config.folder)];
      // The image of a service may be built under the name of another one that shares it.
      const named = model.services[service];
      const owner = named === undefined ? undefined : ownerOf(service, named, model, config);
      return [name, `target:${owner ?? service}`];
    }),
  );
}

/** The first service that builds the same image. */
function ownerOf(
  name: string,
  service: ComposeService,
  model: ComposeModel,
  config: Sight,
): string | undefined {
  const repository = repositoryOf(name, service, config);
  return Object.entries(model.services).find(
    ([other, candidate]) =>
      candidate.build !== undefined && repositoryOf(other, candidate, config) === repository,
  )?.[0];
}

function composeSecrets(build: ComposeBuild, model: ComposeModel): BuildSecret[] {
  return (build.secrets ?? []).map((entry) => {
    const { source, target } = typeof entry === 'string' ? { source: entry, target: undefined } : entry;
    const object = model.secrets?.[source];
    const id = target ?? source;
    if (object?.environment !== undefined) return { id, env: object.environment };
    if (object?.file !== undefined) return { id, file: object.file };
    throw new UserError({
      code: 'build.secret',
      message: `The build secret ${source} has neither a file nor an environment variable`,
      hint: 'Write it under `secrets:` of the compose file, with `environment: NAME` or `file: PATH`.',
    });
  });
}

/** `id=npm,env=NPM_TOKEN` as bake takes it. */
function secretSpec(text: string): BuildSecret {
  const parts = Object.fromEntries(
    text.split(',').map((part) => {
      const [key = '', ...value] = part.split('=');
      return [key.trim(), value.join('=')];
    }),
  );
  const file = parts.src ?? parts.source;
  const id = parts.id ?? '';
  if (parts.env !== undefined) return { id, env: parts.env };
  return file === undefined ? { id, env: id } : { id, file };
}

/** Where an image lives: what `image:` says, else below `registry:` of sluice.yml. */
function repositoryOf(name: string, service: ComposeService, config: Sight): string | UserError {
  const where = `services.${name}.image`;
  if (service.image !== undefined) {
    const reference = parseImage(plain(service.image), where);
    if (isCarried(config)) {
      const parts = reference.repository.split('/');
      const path = parts
        .filter((part, index) => index === parts.length - 1 || ![config.app, 'library'].includes(part))
        .join('/');
      return normal(`${config.registry}/${path}`, where);
    }
    const own = reference.registry !== 'docker.io' || !reference.repository.startsWith('library/');
    if (own) return formatImage({ ...reference, tag: undefined, digest: undefined });
    if (config.registry !== undefined) {
      return normal(`${config.registry}/${reference.repository.slice('library/'.length)}`, where);
    }
  } else if (config.registry !== undefined) {
    return normal(`${config.registry}/${name.toLowerCase()}`, where);
  }
  return new UserError({
    code: 'build.repository',
    message: `services.${name}: nothing says where its image is to be pushed`,
    hint: 'Write `registry: ghcr.io/acme/app` in sluice.yml (or `registry: none`), or `image: ghcr.io/acme/app/name` beside its `build:`.',
  });
}

function normal(text: string, where: string): string {
  return formatImage({ ...parseImage(text, where), tag: undefined, digest: undefined });
}

/** Adds the services that build nothing and run the image of a target. */
function withUsers(targets: readonly BuildTarget[], model: ComposeModel, config: Sight): BuildTarget[] {
  return targets.map((target) => {
    const built = model.services[target.name];
    const users = Object.entries(model.services).filter(
      ([name, service]) =>
        service.build === undefined &&
        service.image !== undefined &&
        (service.image === built?.image || repositoryOf(name, service, config) === target.repository),
    );
    return { ...target, services: [...target.services, ...users.map(([name]) => name)] };
  });
}

function same(a: BuildTarget, b: BuildTarget): boolean {
  const content = ({ name: _name, services: _services, ...rest }: BuildTarget) => JSON.stringify(rest);
  return content(a) === content(b);
}

function notesOf(name: string, build: ComposeBuild): string[] {
  const tags = [...listOf(build.tags), ...listOf(build['x-bake']?.tags)];
  const outputs = listOf(build['x-bake']?.output);
  return [
    ...(tags.length > 0
      ? [`${name}: tags of the compose file are left out, tags come from git (or --tag)`]
      : []),
    ...(outputs.length > 0 ? [`${name}: outputs of x-bake are left out, images go to the registry`] : []),
  ].map(textOf);
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
    hint: 'Write `build: ./folder` at the service whose image is your own.',
  });
}
