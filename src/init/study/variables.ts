import { join } from 'node:path';
import { parseEnvFile } from '../../config/env/env-file.ts';
import { interpolate, textsIn, usesIn, type VariableUse } from '../../config/env/interpolate.ts';
import type { ComposeFile } from './compose-files.ts';
import { folderOf, isIn, nameOf, type Tree } from './tree.ts';

export interface ComposeVariable {
  readonly name: string;
  /** Default in the files; undefined: it must be set. */
  readonly fallback: string | undefined;
  readonly users: readonly string[];
}

export interface EnvFileUse {
  readonly service: string;
  readonly path: string;
}

/** Variables of the chosen files, in order of appearance. */
export function variablesOf(files: readonly ComposeFile[]): ComposeVariable[] {
  const found = new Map<string, { fallbacks: (string | undefined)[]; users: Set<string> }>();
  const add = ({ name, fallback }: VariableUse, user: string) => {
    const entry = found.get(name) ?? { fallbacks: [], users: new Set<string>() };
    entry.fallbacks.push(fallback);
    entry.users.add(user);
    found.set(name, entry);
  };
  for (const { data, services } of files) {
    for (const { user, text } of textsIn(data)) for (const use of usesIn(text)) add(use, user);
    for (const [name, service] of Object.entries(services)) {
      // `environment: [NAME]` passes on the value of the target.
      for (const passed of passedOn(service['environment'])) add({ name: passed, fallback: undefined }, name);
    }
  }
  return [...found].map(([name, { fallbacks, users }]) => ({
    name,
    // One place without a fallback is enough to need the variable.
    fallback: fallbacks.includes(undefined) ? undefined : fallbacks[0],
    users: [...users],
  }));
}

/**
 * Variables without a default that a build needs: those in `build:`, in `image:` of a built service, and in container
 * ports, which Docker Compose has to parse.
 */
export function buildVariables(files: readonly ComposeFile[]): string[] {
  const built = new Set(
    files.flatMap(({ services }) =>
      Object.entries(services).flatMap(([name, service]) => (service['build'] === undefined ? [] : [name])),
    ),
  );
  const names = files.flatMap(({ data }) =>
    [...textsIn(data)].flatMap(({ path, text }) => {
      const [section, service = '', key = ''] = path;
      if (section !== 'services') return [];
      const isBuild = built.has(service) && ['build', 'image'].includes(key);
      const isPort = key === 'ports' && /:\$\{?\w+\}?(?:\/\w+)?$/.test(text);
      const uses = isBuild || isPort ? usesIn(isBuild ? text : text.slice(text.lastIndexOf(':$') + 1)) : [];
      return uses.flatMap(({ name, fallback }) => (fallback === undefined ? [name] : []));
    }),
  );
  return [...new Set(names)];
}

export function envFilesOf(files: readonly ComposeFile[]): EnvFileUse[] {
  return files.flatMap(({ services }) =>
    Object.entries(services).flatMap(([service, { env_file: value }]) => {
      const list: unknown[] = Array.isArray(value) ? value : [value];
      return list.flatMap((item): EnvFileUse[] => {
        const path = typeof item === 'string' ? item : (item as { path?: unknown } | null | undefined)?.path;
        return typeof path === 'string' ? [{ service, path }] : [];
      });
    }),
  );
}

function passedOn(environment: unknown): string[] {
  if (Array.isArray(environment))
    return environment.map(String).filter((text) => /^[A-Za-z_]\w*$/.test(text));
  if (environment === null || typeof environment !== 'object') return [];
  return Object.entries(environment).flatMap(([name, value]) => (value === null ? [name] : []));
}

export interface ExampleFile {
  readonly path: string;
  readonly text: string;
  /** Its values, with references to its own variables resolved. */
  readonly values: Readonly<Record<string, string>>;
  /** All names in it, those in comments (`# NAME=`) too. */
  readonly names: readonly string[];
  /** It is beside or above the compose files and not for development, so its values are the app's. */
  readonly isNear: boolean;
}

/** `.env.example`, `env.sample`, `.env.production.dist`, `.env.example.prod`, `.env-example`, `sample.env`, `.env.docker` and similar names. */
const exampleName =
  /^\.?env(?:[._-][\w-]+)?[._-](?:example|sample|template|dist|tpl|defaults?)(?:[._-][\w-]+)?$|^(?:[\w-]+[._-])?(?:example|sample|template)s?\.env$|^[\w-]+\.env[._-](?:example|sample|template|dist)$|^\.env\.docker$/;
const development = /(?:^|[._-])(?:dev|devel|development|local|test|testing|ci|e2e)(?:[._-]|$)/;

/**
 * Files that describe variables, anywhere in the repository: those nearest to the compose files first, then those beside
 * an `env_file`. In one place, the file that names the most used variables comes first.
 *
 * @param folder of the first compose file.
 * @param used `envFiles`: paths from the compose file. `variables`: names in the compose files.
 */
export async function findExamples(
  tree: Tree,
  folder: string,
  used: { readonly envFiles: readonly string[]; readonly variables: readonly string[] },
): Promise<ExampleFile[]> {
  const paths = tree.files.filter((path) => exampleName.test(nameOf(path)));
  const read = await Promise.all(paths.map(async (path) => readExample(path, await tree.read(path), folder)));
  const beside = new Set(used.envFiles.map((path) => folderOf(join(folder, path))));
  const rank = ({ path, isNear }: ExampleFile) =>
    (isNear ? 0 : beside.has(folderOf(path)) ? 5 : 10) +
    (folderOf(path) === folder ? 0 : 1) +
    (/prod/.test(nameOf(path)) ? -0.5 : 0);
  const named = ({ names }: ExampleFile) => used.variables.filter((name) => names.includes(name)).length;
  return read
    .filter((exampleFile) => exampleFile !== undefined)
    .sort((a, b) => rank(a) - rank(b) || named(b) - named(a));
}

function readExample(path: string, text: string | undefined, folder: string): ExampleFile | undefined {
  if (text === undefined) return undefined;
  const values = valuesOf(text, path);
  const commented = [...text.matchAll(/^[ \t]*#\s*(?:export\s+)?([A-Za-z_]\w*)\s*=/gm)].map(
    ([, name = '']) => name,
  );
  const isNear = isIn(`${folder}/`, folderOf(path)) && !development.test(nameOf(path));
  return { path, text, values, names: [...new Set([...Object.keys(values), ...commented])], isNear };
}

function valuesOf(text: string, path: string): Record<string, string> {
  try {
    const { entries, inherited } = parseEnvFile(text, path, { interpolate: false });
    const written = new Map([
      ...inherited.map(({ name }) => [name, ''] as const),
      ...entries.map(({ name, value }) => [name, value] as const),
    ]);
    // `DB_IMAGE="mariadb:${DB_VERSION}"` means a value of the same file; other references stay.
    for (const { name, value } of entries) {
      const whole = interpolate(value, (other) => (other === name ? undefined : written.get(other)));
      if (typeof whole === 'string') written.set(name, whole);
    }
    return Object.fromEntries(written);
  } catch {
    // A template for another tool: only its names count.
    return Object.fromEntries([...text.matchAll(/^([A-Za-z_]\w*)=/gm)].map(([, name = '']) => [name, '']));
  }
}
