import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative } from 'node:path';
import { type Place, UserError } from '../../kernel/errors.ts';
import { parseDockerfile } from '../dockerfile/parse.ts';
import type { ComposeBuild, ComposeModel, Config } from '../model.ts';
import { readYaml, valueAt } from '../sluice-yml/yaml.ts';
import { shownPath } from './cli.ts';
import { plain } from './load.ts';

/**
 * Whether a context is fetched by the builder: a URL, a git repository, an image, or another target. Everything else is a
 * folder (compose-spec/compose-go, paths/context.go).
 */
export function isRemoteContext(context: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/|^git@|^github\.com\/|^(?:service|target):/.test(context);
}

/** A path of a `build:` section that does not exist. */
interface Missing {
  readonly service: string;
  /** Below `build`: `context`, `dockerfile`, `additional_contexts.NAME`. */
  readonly key: readonly string[];
  readonly path: string;
  readonly fault: string;
  readonly hint: string;
}

/**
 * Contexts and Dockerfiles of this machine that the compose files name and that do not exist: the build of a fresh clone
 * fails for them. Remote contexts and their Dockerfiles are not checked.
 *
 * @param model as `docker compose config` prints it: contexts are absolute.
 * @param isUncertain whether a service is left out, because a variable of its paths has no value here.
 * @returns `build.files` for each of them, with its line in the compose file.
 */
export async function missingBuildFiles(
  model: ComposeModel,
  config: Pick<Config, 'folder' | 'compose'>,
  isUncertain: (service: string) => boolean = () => false,
): Promise<UserError[]> {
  const services = Object.entries(model.services).filter(([name]) => !isUncertain(name));
  const found = await Promise.all(
    services.map(([name, { build }]) => {
      if (build === undefined) return [];
      return missingOf(name, typeof build === 'string' ? { context: build } : build, config);
    }),
  );
  const all = found.flat();
  if (all.length === 0) return [];
  const placeOf = await places(config);
  return all.map((missing) => {
    const { service, key, path, fault, hint } = missing;
    const at = placeOf(missing);
    return new UserError({
      code: 'build.files',
      message: `services.${service}.build.${key.join('.')}: ${relative(config.folder, path) || '.'} ${fault}`,
      hint,
      ...(at === undefined ? {} : { at }),
    });
  });
}

async function missingOf(
  service: string,
  build: ComposeBuild,
  config: Pick<Config, 'folder'>,
): Promise<Missing[]> {
  const from = (path: string, folder: string) => (isAbsolute(path) ? path : join(folder, path));
  const folders = [
    { key: ['context'], value: build.context ?? '.' },
    ...contextsOf(build).map(([name, value]) => ({ key: ['additional_contexts', name], value })),
  ].flatMap(({ key, value }) => {
    const text = plain(value);
    return isRemoteContext(text) ? [] : [{ key, path: from(text, config.folder) }];
  });
  const faults = await Promise.all(
    folders.map(async ({ key, path }): Promise<Missing[]> => {
      const stats = await stat(path).catch(() => undefined);
      if (stats?.isDirectory() === true) return [];
      const fault = stats === undefined ? 'does not exist' : 'is not a folder';
      const hint = 'Fix the path, or commit the folder with a file in it: git does not track empty folders.';
      return [{ service, key, path, fault, hint }];
    }),
  );
  const context = plain(build.context ?? '.');
  const isHere = !isRemoteContext(context) && !faults.flat().some(({ key }) => key[0] === 'context');
  if (!isHere || build.dockerfile_inline !== undefined) return faults.flat();
  const dockerfile = plain(build.dockerfile ?? 'Dockerfile');
  if (isRemoteContext(dockerfile)) return faults.flat();
  const folder = from(context, config.folder);
  const missing =
    (await missingDockerfile(service, dockerfile, folder, config.folder)) ??
    (await missingStage(service, build.target, from(dockerfile, folder)));
  return [...faults.flat(), ...(missing === undefined ? [] : [missing])];
}

/** A stage that `build.target` names and that the Dockerfile does not have. */
async function missingStage(
  service: string,
  target: string | undefined,
  path: string,
): Promise<Missing | undefined> {
  const text = target === undefined ? undefined : await readFile(path, 'utf8').catch(() => undefined);
  if (target === undefined || text === undefined) return undefined;
  const { stages } = parseDockerfile(text);
  const isThere = stages.some(({ name, index }) => name === target.toLowerCase() || `${index}` === target);
  if (isThere) return undefined;
  const names = stages.flatMap(({ name }) => name ?? []);
  return {
    service,
    key: ['target'],
    path,
    fault: `has no stage ${target}`,
    hint: names.length === 0 ? 'Its stages have no names.' : `Available: ${names.join(', ')}.`,
  };
}

async function missingDockerfile(
  service: string,
  dockerfile: string,
  context: string,
  folder: string,
): Promise<Missing | undefined> {
  const path = isAbsolute(dockerfile) ? dockerfile : join(context, dockerfile);
  // BuildKit takes `dockerfile` where there is no `Dockerfile` (moby/buildkit, frontend/dockerui/config.go).
  const lower = basename(path) === 'Dockerfile' ? [join(path, '..', 'dockerfile')] : [];
  for (const file of [path, ...lower]) if (await isFile(file)) return undefined;
  const fromFolder = join(folder, dockerfile);
  const hint = (await isFile(fromFolder))
    ? `The path is relative to the context: write \`dockerfile: ${relative(context, fromFolder)}\`.`
    : await namesThere(context);
  return { service, key: ['dockerfile'], path, fault: 'does not exist', hint };
}

async function namesThere(context: string): Promise<string> {
  const names = (await readdir(context)).filter((name) => /(?:docker|container)file/i.test(name));
  const files = names.filter((name) => !name.endsWith('.dockerignore')).sort();
  return files.length === 0
    ? 'Commit the Dockerfile, or fix `context` and `dockerfile` of the service.'
    : `Set \`dockerfile:\` on the service. Available in its context: ${files.slice(0, 5).join(', ')}.`;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

function contextsOf(build: ComposeBuild): [string, string][] {
  const all = [build.additional_contexts ?? {}, build['x-bake']?.['contexts'] ?? {}];
  return all.flatMap((contexts) =>
    Array.isArray(contexts)
      ? contexts.map((text: string): [string, string] => {
          const equals = text.indexOf('=');
          return [text.slice(0, Math.max(0, equals)), text.slice(equals + 1)];
        })
      : Object.entries(contexts as Record<string, string>),
  );
}

/** Where a key is written: the last compose file that has `build:` of the service. */
async function places(
  config: Pick<Config, 'folder' | 'compose'>,
): Promise<(missing: Missing) => Place | undefined> {
  const files = await Promise.all(
    config.compose.map(async (path) => {
      const file = isAbsolute(path) ? path : join(config.folder, path);
      const read = readYaml(await readFile(file, 'utf8').catch(() => ''), shownPath(file));
      return 'place' in read ? read : undefined;
    }),
  );
  return ({ service, key }) => {
    const path = ['services', service, 'build'];
    const owner = files.findLast((file) => file !== undefined && valueAt(file.data, path) !== undefined);
    if (owner === undefined) return undefined;
    const isLong = valueAt(owner.data, [...path, ...key]) !== undefined;
    return isLong ? owner.place([...path, ...key]) : owner.placeOfKey(['services', service], 'build');
  };
}
