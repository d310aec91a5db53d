import { posix } from 'node:path';
import { splitWords } from '../../../config/compose/command-words.ts';
import type { ComposePort, ComposeService, ComposeVolume } from '../../../config/model.ts';
import { isLoose, type Loose } from './document.ts';

/** `[A=1, B]` → `{ A: "1", B: null }`; numbers and booleans become texts. */
export function mapOf(value: unknown): Record<string, string | null> {
  const text = (inner: unknown) => (inner === null || inner === undefined ? null : String(inner));
  if (isLoose(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, text(inner)]));
  if (!Array.isArray(value)) return {};
  return Object.fromEntries(
    value
      .filter((item) => typeof item === 'string')
      .map((item) => {
        const equals = item.indexOf('=');
        return equals < 0 ? [item, null] : [item.slice(0, equals), item.slice(equals + 1)];
      }),
  );
}

/** Normalizes the short forms, so that files can be merged; interpolation follows later. */
export function uniform(service: Loose): Loose {
  const result: Loose = { ...service };
  for (const key of ['environment', 'labels']) if (key in result) result[key] = mapOf(result[key]);
  if (typeof result['build'] === 'string') result['build'] = { context: result['build'] };
  if (isLoose(result['build']) && 'args' in result['build'])
    result['build'] = { ...result['build'], args: mapOf(result['build']['args']) };
  if (Array.isArray(result['depends_on'])) {
    const names = result['depends_on'].map(String);
    result['depends_on'] = Object.fromEntries(names.map((name) => [name, { condition: 'service_started' }]));
  }
  return result;
}

const replaced = new Set(['command', 'entrypoint', 'test']);

/** One value over another, as Compose merges files: maps key by key, lists appended. */
export function merged(
  below: unknown,
  above: unknown,
  tagOf: (path: readonly string[]) => string | undefined,
): unknown {
  const visit = (one: unknown, other: unknown, path: readonly string[]): unknown => {
    const tag = tagOf(path);
    if (tag === '!reset') return undefined;
    if (tag === '!override' || other === undefined) return other;
    if (isLoose(one) && isLoose(other)) {
      const result: Loose = { ...one };
      for (const [key, inner] of Object.entries(other)) {
        const value = visit(one[key], inner, [...path, key]);
        if (value === undefined) delete result[key];
        else result[key] = value;
      }
      return result;
    }
    const isList = Array.isArray(one) && Array.isArray(other) && !replaced.has(path.at(-1) ?? '');
    return isList ? [...one, ...other] : other;
  };
  return visit(below, above, []);
}

/**
 * The merged and interpolated service in the shape that `docker compose config` prints. Parts that Compose
 * rejects are left out: Compose reports them itself.
 */
export function canonical(service: Loose): ComposeService {
  const result: Loose = { ...service };
  for (const key of ['command', 'entrypoint']) result[key] = wordsOf(result[key]);
  result['ports'] = list(result['ports']).flatMap((item) => portOf(item) ?? []);
  const volumes = list(result['volumes']).flatMap((item) => volumeOf(item) ?? []);
  // The last mount of a path in the container wins.
  result['volumes'] = [...new Map(volumes.map((volume) => [volume.target, volume])).values()];
  result['expose'] = list(result['expose']).map(String);
  result['healthcheck'] = isLoose(result['healthcheck']) ? healthcheckOf(result['healthcheck']) : undefined;
  result['build'] = isLoose(result['build']) ? buildOf(result['build']) : undefined;
  result['deploy'] = isLoose(result['deploy']) ? deployOf(result['deploy']) : undefined;
  if (result['scale'] !== undefined) result['scale'] = count(result['scale']);
  for (const key of ['stop_grace_period', 'restart', 'image', 'network_mode', 'container_name', 'user'])
    result[key] =
      typeof result[key] === 'string' || typeof result[key] === 'number' ? String(result[key]) : undefined;
  if (result['image'] === '') delete result['image'];
  result['environment'] = isLoose(result['environment']) ? result['environment'] : undefined;
  result['depends_on'] = isLoose(result['depends_on']) ? result['depends_on'] : undefined;
  for (const key of Object.keys(result)) if (result[key] === undefined) delete result[key];
  return result as ComposeService;
}

function wordsOf(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return splitWords(value);
  return Array.isArray(value) ? value.map(String) : undefined;
}

function buildOf(build: Loose): Loose {
  const folder = String(build['folder'] ?? '');
  const context = String(build['context'] ?? '.');
  const texts = ['dockerfile', 'target'].flatMap((key) =>
    typeof build[key] === 'string' ? [[key, build[key]] as const] : [],
  );
  const { dockerfile: _dockerfile, target: _target, folder: _folder, ...rest } = build;
  return {
    ...rest,
    ...Object.fromEntries(texts),
    args: mapOf(build['args']),
    context: isRemote(context) ? context : pathFrom(folder, context),
  };
}

function deployOf(deploy: Loose): Loose {
  const resources = isLoose(deploy['resources']) ? deploy['resources'] : {};
  const limits = isLoose(resources['limits']) ? resources['limits'] : {};
  const replicas = deploy['replicas'] === undefined ? {} : { replicas: count(deploy['replicas']) };
  return { ...deploy, ...replicas, resources: { ...resources, limits } };
}

function healthcheckOf(raw: Loose): Loose {
  const result: Loose = { ...raw };
  if (typeof raw['test'] === 'string') result['test'] = ['CMD-SHELL', raw['test']];
  else if (Array.isArray(raw['test'])) result['test'] = raw['test'].map(String);
  else delete result['test'];
  result['disable'] = raw['disable'] === true || raw['disable'] === 'true';
  if (raw['retries'] !== undefined) result['retries'] = count(raw['retries']);
  return result;
}

function count(value: unknown): number {
  const number = Number(value);
  return Number.isInteger(number) && number >= 0 ? number : 1;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** An item of a list, with its place. */
export interface Placed {
  readonly item: unknown;
  readonly file: string;
  readonly line: number | undefined;
  /** Base of relative paths. */
  readonly folder: string;
}

function isPlaced(value: unknown): value is Placed {
  return isLoose(value) && 'item' in value && 'file' in value && 'line' in value;
}

type PlacedPort = ComposePort & Pick<Placed, 'file' | 'line'>;
export type PlacedVolume = ComposeVolume & Pick<Placed, 'file' | 'line'>;

function portOf(placed: unknown): PlacedPort | undefined {
  if (!isPlaced(placed)) return undefined;
  const { item, file, line } = placed;
  if (isLoose(item)) {
    const target = Number(item['target']);
    if (!Number.isInteger(target)) return undefined;
    const own = ['published', 'host_ip', 'protocol', 'mode'].filter((key) => item[key] !== undefined);
    return { target, ...Object.fromEntries(own.map((key) => [key, String(item[key])])), file, line };
  }
  const match = /^(?:(\[[^\]]*\]|[^:]*):)?(?:([\w-]*):)?(\d+)(?:-\d+)?(?:\/(\w+))?$/.exec(String(item));
  if (match === null) return undefined;
  const [, first, second, target, protocol] = match;
  const published = second ?? (first === '' ? undefined : first);
  return {
    target: Number(target),
    ...(published === undefined ? {} : { published }),
    ...(second === undefined || first === undefined ? {} : { host_ip: first.replace(/^\[(.*)\]$/, '$1') }),
    protocol: protocol ?? 'tcp',
    file,
    line,
  };
}

function volumeOf(placed: unknown): PlacedVolume | undefined {
  if (!isPlaced(placed)) return undefined;
  const { item, file, line, folder } = placed;
  if (isLoose(item)) {
    const type = String(item['type'] ?? 'volume');
    const source = item['source'] === undefined ? undefined : String(item['source']);
    const where = source === undefined ? {} : { source: type === 'bind' ? pathFrom(folder, source) : source };
    const isReadOnly = item['read_only'] === true || item['read_only'] === 'true';
    return { type, ...where, target: String(item['target'] ?? ''), read_only: isReadOnly, file, line };
  }
  const parts = String(item).split(':');
  if (parts.length === 1) return { type: 'volume', target: parts[0] ?? '', file, line };
  const [source = '', target = '', mode = ''] = parts;
  const isBind = /^[./~]/.test(source);
  return {
    type: isBind ? 'bind' : 'volume',
    source: isBind ? pathFrom(folder, source) : source,
    target,
    read_only: /(?:^|,)ro(?:,|$)/.test(mode),
    file,
    line,
  };
}

function isRemote(context: string): boolean {
  return /^(?:[a-z]+:\/\/|git@)/.test(context);
}

/** From the top of the repository; absolute paths and those below a home folder stay as they are. */
export function pathFrom(folder: string, path: string): string {
  if (/^[/~]/.test(path)) return path;
  const whole = posix.join(folder, path).replace(/\/$/, '');
  return whole === '.' ? '' : whole;
}

export function isPlacedPort(port: ComposePort): port is PlacedPort {
  return 'file' in port;
}

export function isPlacedVolume(volume: ComposeVolume): volume is PlacedVolume {
  return 'file' in volume;
}
