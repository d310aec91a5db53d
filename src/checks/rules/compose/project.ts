import { posix } from 'node:path';
import type { Lookup } from '../../../config/env/interpolate.ts';
import type { ComposeModel, ComposeService } from '../../../config/model.ts';
import { folderOf, type Repo } from '../../repo.ts';
import { type ComposeDocument, isLoose, type Loose, type Path, readDocument } from './document.ts';
import { canonical, mapOf, merged, type Placed, pathFrom, uniform } from './shape.ts';
import { fillAll } from './variables.ts';

interface FilePlace {
  readonly file: string;
  readonly line: number | undefined;
}

/** The compose files of an app, merged and interpolated, with the places of their parts. */
export interface ComposeProject {
  /** The named files, without those that they extend and include. */
  readonly documents: readonly ComposeDocument[];
  /** All files that were read. */
  readonly all: readonly ComposeDocument[];
  /** Services that a profile does not hide. Paths of builds and bind mounts are from the top of the repository. */
  readonly model: ComposeModel;
  /** Services behind profiles that nothing activates. */
  readonly hidden: Readonly<Record<string, ComposeService>>;
  /** A service before interpolation. */
  raw(service: string): Loose;
  /** Its `environment:`, the same way. */
  written(service: string): Readonly<Record<string, string | null>>;
  /** The place of a key of the service in the last file that has it; else of the service itself. */
  placeOf(service: string, ...keys: readonly (string | number)[]): FilePlace;
}

interface ComposeValues {
  /** Variables with a value. */
  readonly lookup: Lookup;
  /** Likely values, from an example, of variables without a value and a default. */
  readonly guess: Lookup;
  /** Profiles that are active; `*` is all of them. */
  readonly profiles: ReadonlySet<string>;
}

interface Source {
  readonly document: ComposeDocument;
  readonly name: string;
}

interface Gathered {
  readonly value: Loose;
  /** From the lowest to the highest precedence. */
  readonly sources: readonly Source[];
}

const maxDepth = 10;

/**
 * Merges compose files as Docker Compose does, without running it: a check must not depend on a docker CLI, and also works
 * for files that Compose rejects because a variable is missing.
 */
export function composeProject(
  repo: Repo,
  documents: readonly ComposeDocument[],
  { lookup, guess, profiles }: ComposeValues,
): ComposeProject {
  const reader = createReader(repo, documents);
  const all = documents.flatMap((document) => reader.withIncluded(document, 0));
  const gathered = new Map<string, Gathered>();
  for (const document of all) {
    for (const name of Object.keys(document.services)) {
      const own = reader.gather(document, name, 0);
      const below = gathered.get(name);
      gathered.set(name, below === undefined ? own : over(below, own, document, name));
    }
  }
  const services: Record<string, ComposeService> = {};
  const hidden: Record<string, ComposeService> = {};
  for (const [name, { value }] of gathered) {
    const written = value['profiles'];
    const needed = Array.isArray(written) ? written.filter((profile) => typeof profile === 'string') : [];
    const isActive =
      needed.length === 0 || profiles.has('*') || needed.some((profile) => profiles.has(profile));
    (isActive ? services : hidden)[name] = canonical(fillAll(value, lookup, guess) as Loose);
  }
  const name = documents.map(({ data }) => data['name']).find((value) => typeof value === 'string');
  return {
    documents,
    all: reader.read(),
    model: { name: typeof name === 'string' ? name : 'app', services },
    hidden,
    raw: (service) => gathered.get(service)?.value ?? {},
    written: (service) => mapOf(gathered.get(service)?.value['environment']),
    placeOf: (service, ...keys) => place(gathered.get(service)?.sources ?? [], keys),
  };
}

function over(below: Gathered, above: Gathered, document: ComposeDocument, name: string): Gathered {
  const tagOf = (path: Path) => document.tagOf(['services', name, ...path]);
  const value = merged(below.value, above.value, tagOf);
  return { value: isLoose(value) ? value : {}, sources: [...below.sources, ...above.sources] };
}

function createReader(repo: Repo, main: readonly ComposeDocument[]) {
  const top = folderOf(main[0]?.path ?? '');
  /** Paths in the named files are relative to the first one's folder, those in other files to their own. */
  const folderFor = (document: ComposeDocument) => (main.includes(document) ? top : folderOf(document.path));
  const known = new Map<string, ComposeDocument | undefined>();
  const open = (path: string) => {
    if (!known.has(path)) known.set(path, readDocument(path, repo.read(path) ?? ''));
    return known.get(path);
  };

  const gather = (document: ComposeDocument, name: string, depth: number): Gathered => {
    const raw = document.services[name] ?? {};
    const value = located(uniform(raw), document, name, folderFor(document));
    const own: Gathered = { value, sources: [{ document, name }] };
    const base = depth < maxDepth ? baseOf(raw['extends'], document) : undefined;
    if (base === undefined) return own;
    return over(gather(base.document, base.name, depth + 1), own, document, name);
  };

  const baseOf = (extended: unknown, document: ComposeDocument): Source | undefined => {
    const written = typeof extended === 'string' ? { service: extended } : extended;
    if (!isLoose(written)) return undefined;
    const { file, service } = written;
    const from = typeof file === 'string' ? open(pathFrom(folderOf(document.path), file)) : document;
    const name = String(service ?? '');
    return from !== undefined && Object.hasOwn(from.services, name) ? { document: from, name } : undefined;
  };

  const withIncluded = (document: ComposeDocument, depth: number): ComposeDocument[] => {
    known.set(document.path, document);
    const included = document.data['include'];
    if (!Array.isArray(included) || depth >= maxDepth) return [document];
    const paths = included.flatMap((item) => (isLoose(item) ? item['path'] : item)).map(String);
    const files = paths.map((path) => open(posix.normalize(pathFrom(folderOf(document.path), path))));
    return [...files.flatMap((file) => (file === undefined ? [] : withIncluded(file, depth + 1))), document];
  };

  const read = () => [...known.values()].filter((document) => document !== undefined);
  return { gather, withIncluded, read };
}

/** Keeps the place of list items through a merge, and the base of their relative paths. */
function located(service: Loose, document: ComposeDocument, name: string, folder: string): Loose {
  const result: Loose = { ...service };
  for (const key of ['ports', 'volumes']) {
    const items = result[key];
    if (!Array.isArray(items)) continue;
    result[key] = items.map((item: unknown, index): Placed => {
      const line = document.lineOf(['services', name, key, index]);
      return { item, file: document.path, line, folder };
    });
  }
  if (isLoose(result['build'])) result['build'] = { ...result['build'], folder };
  return result;
}

function place(sources: readonly Source[], keys: readonly (string | number)[]): FilePlace {
  for (const { document, name } of sources.toReversed()) {
    const line = keys.length === 0 ? undefined : lineIn(document, ['services', name, ...keys]);
    if (line !== undefined) return { file: document.path, line };
  }
  const first = sources[0];
  if (first === undefined) return { file: '', line: undefined };
  return { file: first.document.path, line: first.document.lineOf(['services', first.name]) };
}

/** `environment` may be a list: then the name is searched among its items. */
function lineIn(document: ComposeDocument, path: Path): number | undefined {
  const direct = document.lineOf(path);
  if (direct !== undefined) return direct;
  const name = String(path.at(-1));
  let value: unknown = document.data;
  for (const part of path.slice(0, -1)) value = isLoose(value) ? value[part] : undefined;
  if (!Array.isArray(value)) return undefined;
  const index = value.findIndex((item) => String(item) === name || String(item).startsWith(`${name}=`));
  return index < 0 ? undefined : document.lineOf([...path.slice(0, -1), index]);
}
