import { isAbsolute, join, resolve } from 'node:path';
import { isRemoteContext } from '../../config/compose/build-files.ts';
import { plain } from '../../config/compose/load.ts';
import type { ComposeBuild, ComposeModel, ComposeService, Config } from '../../config/model.ts';
import { UserError } from '../../kernel/errors.ts';
import type { BuildSecret, BuildTarget } from '../model.ts';

/** The definition of an image, without its name and its services. */
export type Definition = Omit<BuildTarget, 'name' | 'services' | 'repository'>;

/** `build:` in its long form; undefined: the service builds nothing. */
export function buildOf({ build }: ComposeService): ComposeBuild | undefined {
  return typeof build === 'string' ? { context: build } : build;
}

/**
 * A `build:` section as a target has it.
 *
 * @param targetOf name of the target that builds the image of a service, for contexts like `service:NAME`.
 */
export function definitionOf(
  build: ComposeBuild,
  model: ComposeModel,
  config: Pick<Config, 'folder' | 'build'>,
  targetOf: (service: string) => string,
): Definition {
  const bake = build['x-bake'] ?? {};
  const context = pathOrUrl(plain(build.context ?? '.'), config.folder);
  const platforms = [...listOf(bake.platforms), ...listOf(build.platforms)];
  return {
    context,
    dockerfile:
      build.dockerfile_inline === undefined
        ? { kind: 'file', path: dockerfilePath(context, plain(build.dockerfile ?? 'Dockerfile')) }
        : { kind: 'inline', text: plain(build.dockerfile_inline) },
    target: build.target === undefined ? undefined : plain(build.target),
    args: { ...mapOf(build.args), ...mapOf(bake.args) },
    secrets: [
      ...composeSecrets(build, model),
      ...listOf(bake.secret).map((text) => secretSpec(text, config.folder)),
    ],
    ssh: inheritedSsh([...listOf(build.ssh), ...listOf(bake.ssh)]).map((entry) =>
      sshSpec(entry, config.folder),
    ),
    platforms: platforms.length > 0 ? [...new Set(platforms)] : config.build.platforms,
    contexts: namedContexts(
      { ...mapOf(build.additional_contexts), ...mapOf(bake.contexts) },
      config,
      targetOf,
    ),
    cacheFrom: [...listOf(build.cache_from), ...listOf(bake['cache-from'])],
    cacheTo: [...listOf(build.cache_to), ...listOf(bake['cache-to'])],
    labels: mapOf(build.labels),
    pull: build.pull === true || bake.pull === true,
    noCache: build.no_cache === true || bake['no-cache'] === true,
    ...runOptions(build),
  };
}

/** `service:x` is Compose's spelling of `target:x`; either may name one of several services that share an image. */
function namedContexts(
  all: Readonly<Record<string, string>>,
  config: Pick<Config, 'folder'>,
  targetOf: (service: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(all).map(([name, where]) => {
      const service = /^(?:service|target):(.+)$/.exec(where)?.[1];
      return [name, service === undefined ? pathOrUrl(where, config.folder) : `target:${targetOf(service)}`];
    }),
  );
}

function runOptions(build: ComposeBuild): Pick<BuildTarget, 'run'> {
  const hosts = hostsOf(build.extra_hosts);
  // As Compose translates `privileged`, too.
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
  return isRemoteContext(context) ? dockerfile : pathOrUrl(dockerfile, context);
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
      hint: 'Define it under `secrets:` in the compose file, with `environment: NAME` or `file: PATH`.',
    });
  });
}

/** `id=npm,env=NPM_TOKEN` as bake takes it. @param folder where its paths begin: bake runs in another one. */
function secretSpec(text: string, folder: string): BuildSecret {
  const parts = Object.fromEntries(
    text.split(',').map((part) => {
      const [key = '', ...value] = part.split('=');
      return [key.trim(), value.join('=')];
    }),
  );
  const file = parts.src ?? parts.source;
  const id = parts.id ?? '';
  if (parts.env !== undefined) return { id, env: parts.env };
  return file === undefined ? { id, env: id } : { id, file: resolve(folder, file) };
}

/** `default`, or `key=PATH,PATH` with its paths in full. */
function sshSpec(entry: string, folder: string): string {
  const equals = entry.indexOf('=');
  if (equals < 0) return entry;
  const paths = entry.slice(equals + 1).split(',');
  return `${entry.slice(0, equals)}=${paths.map((path) => (path === '' ? '' : resolve(folder, path))).join(',')}`;
}

/** Values of `build:` and `x-bake:` may be a string, a list or a map; these functions normalize them. */

export function textOf(value: unknown): string {
  return plain(String(value));
}

export function listOf(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.map(textOf) : [textOf(value)];
}

/** `{ A: 1 }` and `[A=1]`; a name without a value is omitted, as Compose does if the variable is not set. */
function mapOf(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  const entries = Array.isArray(value)
    ? listOf(value).map((item): [string, unknown] => {
        const equals = item.indexOf('=');
        return equals < 0 ? [item, null] : [item.slice(0, equals), item.slice(equals + 1)];
      })
    : Object.entries(value as object).map(([key, item]): [string, unknown] => [key, item]);
  return Object.fromEntries(
    entries
      .filter(([, candidate]) => candidate !== null && candidate !== undefined)
      .map(([key, item]) => [key, Array.isArray(value) ? String(item) : textOf(item)]),
  );
}

/** Names with their addresses, several of one name with commas between, as bake takes them. */
function hostsOf(value: unknown): Record<string, string> {
  const pairs = Array.isArray(value)
    ? listOf(value).map((item): [string, string[]] => {
        const [, name = '', address = ''] = /^([^=:]+)[=:](.*)$/s.exec(item) ?? [];
        return [name, [address]];
      })
    : Object.entries((value ?? {}) as object).map(([name, item]): [string, string[]] => [name, listOf(item)]);
  const found: Record<string, string> = {};
  for (const [name, addresses] of pairs) {
    found[name] = [...(found[name] === undefined ? [] : [found[name]]), ...addresses].join(',');
  }
  return found;
}

/** A URL for the builder, unchanged, or a path from `folder`. */
function pathOrUrl(text: string, folder: string): string {
  if (isRemoteContext(text)) return text;
  return isAbsolute(text) ? text : join(folder, text);
}

/** `default` once, in the order given. */
function inheritedSsh(entries: readonly string[]): string[] {
  return [...new Set(entries.map((entry) => (entry === '' ? 'default' : entry)))];
}
