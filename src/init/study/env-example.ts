import { join } from 'node:path';
import { parseEnvFile } from '../../config/env/env-file.ts';
import { interpolate } from '../../config/env/interpolate.ts';
import { folderOf, isIn, nameOf, type Tree } from './tree.ts';

/** A file that describes the app's variables. */
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
