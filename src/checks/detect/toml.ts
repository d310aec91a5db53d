import { parse, TomlError, type TomlTable } from 'smol-toml';
import { UserError } from '../../kernel/errors.ts';
import type { Repo } from '../repo.ts';

/** A table of a TOML or JSON file, not validated yet. */
type Part = Readonly<Record<string, unknown>>;

/** @returns undefined if the file does not exist; the error if it is not valid TOML. */
export function readToml(repo: Repo, file: string): TomlTable | UserError | undefined {
  const text = repo.read(file);
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const why = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '');
    return new UserError({
      code: 'checks.manifest',
      message: `${file} is not valid TOML: ${why}`,
      hint: 'Fix that line. Until then no tool of the project can read its settings.',
      at: { file, line: error.line, column: error.column },
    });
  }
}

/** The table at a path, empty where there is none. */
export function part(data: unknown, ...path: readonly string[]): Part {
  const found = valueAt(data, path);
  return isPart(found) ? found : {};
}

/** The texts in the list at a path; a single text counts as a list of it. */
export function texts(data: unknown, ...path: readonly string[]): string[] {
  const found = valueAt(data, path);
  if (typeof found === 'string') return [found];
  return Array.isArray(found) ? found.filter((value) => typeof value === 'string') : [];
}

/** The tables in the list at a path. */
export function parts(data: unknown, ...path: readonly string[]): Part[] {
  const found = valueAt(data, path);
  return Array.isArray(found) ? found.filter(isPart) : [];
}

function valueAt(data: unknown, path: readonly string[]): unknown {
  let found = data;
  for (const key of path) found = isPart(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  return found;
}

function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
