import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import type { Place } from '../../kernel/errors.ts';
import type { ComposeModel } from '../model.ts';
import { readYaml, valueAt, type YamlFile } from '../sluice-yml/yaml.ts';
import { type ComposeCli, shownPath } from './cli.ts';
import { composeFailure } from './errors.ts';
import { parseModel } from './shape.ts';

/** The compose files before Compose makes every path absolute. */
export interface WrittenCompose {
  /**
   * Sources of bind mounts, secrets and configs with their variables replaced and nothing else changed: `./src`,
   * `../x`, `~/x`, `/srv/x`. Keys are those of {@link mountKey} and {@link objectKey}.
   */
  readonly sources: ReadonlyMap<string, string>;
  /** The compose files, then those that they include or extend. */
  readonly files: readonly ComposeText[];
  /** Variables that have a value from a `.env` of the repository. */
  readonly envFile: ReadonlySet<string>;
}

export interface ComposeText {
  /** Absolute. */
  readonly file: string;
  readonly text: string;
  /** The document; undefined if it is not YAML. */
  readonly data: unknown;
}

export function mountKey(service: string, target: string): string {
  return `services.${service}:${target}`;
}

export function objectKey(kind: 'secrets' | 'configs', name: string): string {
  return `${kind}.${name}`;
}

/**
 * Sources of mounts, secrets and configs as the files have them. `docker compose config --no-path-resolution` merges,
 * interpolates, extends and includes like any other run, so a relative path in an included file counts from the
 * project's folder here, too.
 *
 * @throws UserError(s) `compose.*`.
 */
export async function writtenSources(
  cli: ComposeCli,
  texts: readonly ComposeText[],
  more: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (!texts.some(({ text }) => /\b(?:volumes|secrets|configs|extends|include)\b/.test(text)))
    return new Map();
  const result = await cli.run(['config', '--no-path-resolution', '--format', 'json'], more);
  if (result.code !== 0) throw await composeFailure(cli, result.stderr, {});
  return sourcesOf(parseModel(result.stdout) as unknown as ComposeModel);
}

function sourcesOf(model: ComposeModel): Map<string, string> {
  const sources = new Map<string, string>();
  const put = (key: string, source: string | undefined) => {
    if (source !== undefined) sources.set(key, source.replaceAll('$$', '$'));
  };
  for (const [name, service] of Object.entries(model.services)) {
    for (const { type, source, target } of service.volumes ?? [])
      if (type === 'bind') put(mountKey(name, target), source);
  }
  for (const kind of ['secrets', 'configs'] as const) {
    for (const [name, object] of Object.entries(model[kind] ?? {})) put(objectKey(kind, name), object.file);
  }
  return sources;
}

/** Deeper includes do not occur in practice. */
const maxDepth = 5;

/** Texts of the compose files, and of those that they include or extend by a path without variables. */
export async function composeTexts(files: readonly string[]): Promise<ComposeText[]> {
  const found = new Map<string, ComposeText>();
  const read = async (file: string, depth: number): Promise<void> => {
    if (found.has(file) || depth > maxDepth) return;
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) return;
    const data = documentOf(text);
    found.set(file, { file, text, data });
    for (const other of referredTo(data)) {
      await read(isAbsolute(other) ? other : join(dirname(file), other), depth + 1);
    }
  };
  for (const file of files) await read(file, 0);
  return [...found.values()];
}

function documentOf(text: string): unknown {
  try {
    // Compose's own tags (!override, !reset) do not matter here.
    return parse(text, { merge: true, logLevel: 'silent', uniqueKeys: false });
  } catch {
    return undefined;
  }
}

function referredTo(data: unknown): string[] {
  if (data === null || typeof data !== 'object') return [];
  const { include, services } = data as { include?: unknown; services?: unknown };
  const included = (Array.isArray(include) ? include : []).flatMap((value: unknown) =>
    typeof value === 'string' ? [value] : pathsOf((value as { path?: unknown } | null)?.path),
  );
  const extended = Object.values(services !== null && typeof services === 'object' ? services : {}).flatMap(
    (service: unknown) => pathsOf((service as { extends?: { file?: unknown } } | null)?.extends?.file),
  );
  return [...included, ...extended];
}

function pathsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((path) => typeof path === 'string');
}

/** A part of a service in the compose files: the item of a list that `is` the one, else the key, else the service. */
export function placeOfItem(
  files: readonly ComposeText[],
  service: string,
  key: string,
  is: (item: unknown) => boolean,
): Place | undefined {
  const path = ['services', service, key];
  let nearest: Place | undefined;
  for (const { file, text, data } of files) {
    const items = valueAt(data, path);
    const own = valueAt(data, path.slice(0, 2));
    if (own === undefined) continue;
    const yaml = readYaml(text, shownPath(file));
    if (Array.isArray(yaml)) {
      // Compose's own tags, or more aliases than a config of ours may have: the line of the service will do.
      const line = text
        .split('\n')
        .findIndex((line) => line.trim().replace(/["']/g, '').startsWith(`${service}:`));
      nearest ??= line < 0 ? undefined : { file: shownPath(file), line: line + 1 };
      continue;
    }
    const index = Array.isArray(items) ? items.findIndex(is) : -1;
    if (index >= 0) return (yaml as YamlFile).place([...path, index]);
    nearest ??= (yaml as YamlFile).placeOfKey(path.slice(0, 1), service);
  }
  return nearest;
}

/** Place of an entry of a top-level section. */
export function placeOfEntry(
  files: readonly ComposeText[],
  section: string,
  name: string,
): Place | undefined {
  for (const { file, text, data } of files) {
    if (valueAt(data, [section, name]) === undefined) continue;
    const yaml = readYaml(text, shownPath(file));
    if (!Array.isArray(yaml)) return (yaml as YamlFile).placeOfKey([section], name);
  }
  return undefined;
}

/** A text of a service with its variables as they are written; the last file that has it counts. */
export function rawService(files: readonly ComposeText[], service: string, key: string): string | undefined {
  const found = rawItem(files, ['services', service, key]);
  return typeof found === 'string' ? found : undefined;
}

/** A part of the documents as it is written, or the item of it that `is` the one; the last file that has it counts. */
export function rawItem(
  files: readonly ComposeText[],
  path: readonly string[],
  is?: (item: unknown) => boolean,
): unknown {
  const parts = files.map(({ data }) => valueAt(data, path)).filter((part) => part !== undefined);
  if (is === undefined) return parts.at(-1);
  return parts.flatMap((part) => (Array.isArray(part) ? part.filter(is) : [])).at(-1);
}
