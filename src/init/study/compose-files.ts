import { parse } from 'yaml';
import {
  type ComposeChoice,
  chooseCompose,
  isEnough,
  startsContainers,
} from '../../config/compose/choice/choice.ts';
import { baseNames, isComposeName, mayBeCompose } from '../../config/compose/choice/names.ts';
import { type ComposeUsage, composeUsages, usagePaths } from '../../config/compose/choice/usage.ts';
import { folderOf, nameOf, type Tree } from './tree.ts';

/** A compose file of the repository, read as plain YAML: nothing is resolved yet. */
export interface ComposeFile {
  readonly path: string;
  readonly text: string;
  readonly name: string | undefined;
  readonly data: unknown;
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** All compose files; files with other names only if no better one is found. */
export async function findComposeFiles(tree: Tree): Promise<ComposeFile[]> {
  const read = async (paths: readonly string[]) =>
    (await Promise.all(paths.map(async (path) => readComposeFile(path, await tree.read(path))))).filter(
      (file) => file !== undefined,
    );
  const named = await read(tree.files.filter(isComposeName));
  if (isEnough(named)) return named;
  const odd = (await read(tree.files.filter(mayBeCompose))).filter(startsContainers);
  return [...named, ...odd];
}

/** Chooses those for production, also by the commands in the repository that use them. */
export async function chooseIn(
  tree: Tree,
  files: readonly ComposeFile[],
): Promise<ComposeChoice<ComposeFile> | undefined> {
  return chooseCompose(files, files.length < 2 ? [] : await usagesIn(tree, files));
}

/** A file that the user named; undefined if it cannot be read as text. */
export async function openComposeFile(tree: Tree, path: string): Promise<ComposeFile | undefined> {
  const text = await tree.read(path);
  if (text === undefined) return undefined;
  return readComposeFile(path, text) ?? { path, text, name: undefined, data: undefined, services: {} };
}

async function usagesIn(tree: Tree, files: readonly ComposeFile[]): Promise<ComposeUsage[]> {
  const texts = await Promise.all(
    usagePaths(tree.files).map(async (path) => ({ path, text: (await tree.read(path)) ?? '' })),
  );
  return [...files, ...texts].flatMap(({ path, text }) => composeUsages(path, text));
}

function readComposeFile(path: string, text: string | undefined): ComposeFile | undefined {
  if (text === undefined) return undefined;
  const data = parsed(text);
  // A broken file with the name of a compose file is kept: Docker Compose reports the fault.
  if (data === undefined)
    return baseNames.includes(nameOf(path))
      ? { path, text, name: undefined, data: undefined, services: {} }
      : undefined;
  // An overlay can have only networks or volumes; its name identifies it as a compose file.
  const sections = ['services', 'include', ...(isComposeName(path) ? ['networks', 'volumes'] : [])];
  if (!isMap(data) || !sections.some((section) => section in data)) return undefined;
  const services = isMap(data['services']) ? data['services'] : {};
  return {
    path,
    text,
    data,
    name: typeof data['name'] === 'string' ? data['name'] : undefined,
    services: Object.fromEntries(
      Object.entries(services).map(([name, value]) => [name, isMap(value) ? value : {}]),
    ),
  };
}

function parsed(text: string): unknown {
  try {
    // Compose's own tags (!override, !reset) have no effect here.
    return parse(text, { merge: true, logLevel: 'silent', uniqueKeys: false });
  } catch {
    return undefined;
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Whether `docker compose`, and so a sluice.yml without `compose:`, uses exactly this file by default. */
export function isDefault(choice: ComposeChoice<ComposeFile>, all: readonly ComposeFile[]): boolean {
  const [first, second] = choice.files;
  if (first === undefined || second !== undefined || folderOf(first.path) !== '') return false;
  return baseNames.find((name) => all.some(({ path }) => path === name)) === first.path;
}
