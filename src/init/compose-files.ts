import { parse } from 'yaml';
import { baseNames, type ComposeChoice, composeName } from '../config/compose-choice.ts';
import { folderOf, nameOf, type Tree } from './tree.ts';

/** A compose file of the repository, read as plain YAML: nothing is resolved yet. */
export interface ComposeFile {
  readonly path: string;
  readonly text: string;
  readonly name: string | undefined;
  /** The whole document. */
  readonly data: unknown;
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** All compose files there are. */
export async function findComposeFiles(tree: Tree): Promise<ComposeFile[]> {
  const named = tree.files.filter((path) => composeName.test(nameOf(path)) && !path.startsWith('.github/'));
  const read = await Promise.all(named.map(async (path) => readComposeFile(path, await tree.read(path))));
  return read.filter((file) => file !== undefined);
}

function readComposeFile(path: string, text: string | undefined): ComposeFile | undefined {
  if (text === undefined) return undefined;
  const data = parsed(text);
  // A broken file of a compose file's name is one all the same: docker compose says what is wrong with it.
  if (data === undefined)
    return baseNames.includes(nameOf(path))
      ? { path, text, name: undefined, data: undefined, services: {} }
      : undefined;
  if (!isMap(data) || !('services' in data || 'include' in data)) return undefined;
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
    // Compose's own tags (!override, !reset) are no concern here.
    return parse(text, { merge: true, logLevel: 'silent', uniqueKeys: false });
  } catch {
    return undefined;
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Whether `docker compose`, and so sluice.yml without `compose:`, would take this very file by itself. */
export function isDefault(choice: ComposeChoice<ComposeFile>, all: readonly ComposeFile[]): boolean {
  const [first, second] = choice.files;
  if (first === undefined || second !== undefined || folderOf(first.path) !== '') return false;
  return baseNames.find((name) => all.some(({ path }) => path === name)) === first.path;
}
