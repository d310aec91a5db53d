import { posix } from 'node:path';
import { folderOf, isOverrideExample, purposeOf } from './names.ts';

type Loose = Readonly<Record<string, unknown>>;

/** A compose file as the choice among several sees it: its path, and its text as YAML, with nothing resolved. */
export interface ComposeCandidate {
  readonly path: string;
  /** The whole document. */
  readonly data: unknown;
  readonly services: Readonly<Record<string, Loose>>;
}

/** Variables that only a development machine needs; a file for production leaves them out. */
const forDevelopment =
  /^(?:NODE_ENV|CHOKIDAR_\w+|WATCHPACK_\w+|WDS_\w+|PYTHON\w+|XDEBUG_\w+)$|DEBUG|_ENV$|RELOAD/;

/** Whether each service has an image or a build; an overlay leaves them to its base file, unless it includes that. */
export function isWhole({ services, data }: ComposeCandidate): boolean {
  if (isMap(data) && data['include'] !== undefined) return true;
  const all = Object.values(services);
  return all.length > 0 && all.every(isRunnable);
}

/** Files that a compose file includes or extends, as paths from the top of the repository. */
export function partsOf({ path, data, services }: ComposeCandidate): {
  included: string[];
  extended: string[];
} {
  const folder = posix.dirname(path);
  const at = (part: string) => posix.normalize(posix.join(folder, part));
  const included = listOf(isMap(data) ? data['include'] : undefined).flatMap((item) =>
    listOf(isMap(item) ? item['path'] : item),
  );
  const extended = Object.values(services).map((service) =>
    isMap(service['extends']) ? service['extends']['file'] : undefined,
  );
  const texts = (all: readonly unknown[]) =>
    [...new Set(all.filter((part) => typeof part === 'string'))].map(at);
  return { included: texts(included), extended: texts(extended) };
}

/**
 * Why a file for production needs the base file beside it, as the end of a sentence; undefined: it is
 * complete. That each service has an image is not enough: a file that is written to be laid over another one names
 * its image for the build and leaves ports, volumes and variables to that one. Parts that a file for production leaves out
 * on purpose (bind mounts of sources, ports of databases, helpers for development) do not count.
 */
export function whyOverlay(over: ComposeCandidate, base: ComposeCandidate): string | undefined {
  const parts = partsOf(over);
  if ([...parts.included, ...parts.extended].includes(base.path)) return undefined;
  if (!isWhole(over)) {
    const [name] = Object.entries(over.services).find(([, service]) => !isRunnable(service)) ?? [];
    return name === undefined ? 'it has no services' : `${name} has neither image nor build in it`;
  }
  return whyDangling(over, base) ?? whyLost(over, base);
}

/** A reference of the file that only the base declares: Docker Compose refuses the file alone. */
function whyDangling(over: ComposeCandidate, base: ComposeCandidate): string | undefined {
  for (const [name, service] of Object.entries(over.services)) {
    for (const [section, used] of Object.entries(referencesOf(service))) {
      const missing = used.find(
        (reference) => !declares(over, section, reference) && declares(base, section, reference),
      );
      if (missing !== undefined) return `${name} uses ${missing}, which only the base file defines`;
    }
  }
  return undefined;
}

function declares(file: ComposeCandidate, section: string, name: string): boolean {
  if (section === 'services') return Object.hasOwn(file.services, name);
  const all = isMap(file.data) ? file.data[section] : undefined;
  return isMap(all) && Object.hasOwn(all, name);
}

function referencesOf(
  service: Loose,
): Record<'services' | 'volumes' | 'networks' | 'secrets' | 'configs', string[]> {
  const tied = ['network_mode', 'pid', 'ipc'].flatMap(
    (key) => /^service:(.+)$/.exec(String(service[key]))?.[1] ?? [],
  );
  const links = listOf(service['links']).map((link) => String(link).split(':')[0] ?? '');
  const from = listOf(service['volumes_from']).map((source) => String(source).split(':')[0] ?? '');
  return {
    services: [...namesOf(service['depends_on']), ...links, ...from, ...tied],
    volumes: namedVolumes(service).map(({ source }) => source),
    networks: namesOf(service['networks']).filter((name) => name !== 'default'),
    secrets: grantsOf(service['secrets']),
    configs: grantsOf(service['configs']),
  };
}

/** A part that a shared service loses without the base, and that a complete file repeats. */
function whyLost(over: ComposeCandidate, base: ComposeCandidate): string | undefined {
  const shared = Object.keys(over.services).filter((name) => Object.hasOwn(base.services, name));
  for (const name of shared) {
    const [own, below] = [over.services[name] ?? {}, base.services[name] ?? {}];
    const targets = targetsOf(own);
    const volume = namedVolumes(below).find(({ target }) => !targets.includes(target));
    if (volume !== undefined && namedVolumes(own).length === 0)
      return `without it, ${name} loses the volume ${volume.source}`;
    const given = environmentNames(own);
    const needed = environmentNames(below).filter((environmentName) => !forDevelopment.test(environmentName));
    const isGiven =
      own['env_file'] !== undefined || needed.some((environmentName) => given.includes(environmentName));
    if (!isGiven && needed.length > 0)
      return `without it, ${name} loses its variables (${needed.slice(0, 2).join(', ')}${needed.length > 2 ? ', …' : ''})`;
    if (!isGiven && below['env_file'] !== undefined) return `without it, ${name} loses its env_file`;
    const hosts = Object.keys(base.services).filter((key) => !Object.hasOwn(over.services, key));
    const host = hosts.find((other) => namesHost(own, other));
    if (host !== undefined) return `${name} calls ${host}, which only the base file defines`;
  }
  const isServed = Object.values(over.services).some(isReachable);
  const published = shared.find((name) => listOf(base.services[name]?.['ports']).length > 0);
  return isServed || published === undefined ? undefined : `without it, ${published} loses its ports`;
}

/** Whether traffic from outside reaches it: by a port, a proxy's labels or variables, a tunnel, the host's network. */
function isReachable(service: Loose): boolean {
  if (listOf(service['ports']).length > 0 || service['network_mode'] === 'host') return true;
  const labels = JSON.stringify([
    service['labels'],
    isMap(service['deploy']) ? service['deploy']['labels'] : '',
  ]);
  if (/traefik\.|"caddy|nginx-proxy/i.test(labels)) return true;
  return environmentNames(service).includes('VIRTUAL_HOST') || /cloudflared/.test(String(service['image']));
}

/** Whether a service's variables or command have the other's name where the name of a host is. */
function namesHost(service: Loose, host: string): boolean {
  const text = JSON.stringify([service['environment'], service['command']]);
  const name = host.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?:://|@)${name}(?:[:/"?]|$)|_HOST(?:NAME)?(?:"\\s*:\\s*"|=)${name}(?:[:"]|$)`).test(
    text,
  );
}

function isRunnable(service: Loose): boolean {
  return 'image' in service || 'build' in service || 'extends' in service;
}

function namedVolumes(service: Loose): { source: string; target: string }[] {
  return listOf(service['volumes']).flatMap((item) => {
    if (isMap(item)) {
      const { type, source, target } = item;
      return type === 'volume' && typeof source === 'string' ? [{ source, target: String(target) }] : [];
    }
    const [, source, target] = /^([A-Za-z0-9][\w.-]*):([^:]+)/.exec(String(item)) ?? [];
    return source === undefined || target === undefined ? [] : [{ source, target }];
  });
}

function targetsOf(service: Loose): string[] {
  return listOf(service['volumes']).map((item) =>
    isMap(item)
      ? String(item['target'])
      : (String(item)
          .replaceAll(/\$\{[^}]*(?:\}|$)/g, 'x')
          .split(':')[1] ?? ''),
  );
}

function environmentNames(service: Loose): string[] {
  const { environment } = service;
  if (isMap(environment)) return Object.keys(environment);
  return listOf(environment).map((assignment) => String(assignment).split('=')[0] ?? '');
}

function grantsOf(value: unknown): string[] {
  return listOf(value).flatMap((grant) => (isMap(grant) ? String(grant['source']) : String(grant)));
}

function namesOf(value: unknown): string[] {
  return isMap(value) ? Object.keys(value) : listOf(value).map(String);
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

function isMap(value: unknown): value is Loose {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** A compose file that production is not made of. */
export interface UnusedFile {
  readonly path: string;
  /**
   * `alternative`: it could be deployed in place of the chosen ones; `overlay`: it goes over another file;
   * `development`: by its name; `override-example`: an override to copy and fill in; `part`: the chosen ones include or extend it; `elsewhere`: in another folder.
   */
  readonly role: 'alternative' | 'overlay' | 'development' | 'override-example' | 'part' | 'elsewhere';
}

/** The role of each file that was not chosen. */
export function unusedOf(
  all: readonly ComposeCandidate[],
  chosen: readonly ComposeCandidate[],
): UnusedFile[] {
  const folder = folderOf(chosen[0]?.path ?? '');
  const parts = reachable(all, chosen);
  return all
    .filter((file) => !chosen.some(({ path }) => path === file.path))
    .map((file): UnusedFile => {
      const { path } = file;
      if (parts.has(path)) return { path, role: 'part' };
      if (isOverrideExample(path)) return { path, role: 'override-example' };
      if (purposeOf(path) === 'development') return { path, role: 'development' };
      const isBelow = folder === '' || path.startsWith(`${folder}/`);
      const isPart = !isWhole(file) || /(?:^|\/)(?:override|overlay)s?\//.test(path);
      if (isBelow && purposeOf(path) !== 'example' && isPart) return { path, role: 'overlay' };
      if (folderOf(path) !== folder) return { path, role: 'elsewhere' };
      return { path, role: isWhole(file) ? 'alternative' : 'overlay' };
    });
}

/** All files that the chosen ones include and extend, and those that these do. */
function reachable(
  all: readonly ComposeCandidate[],
  chosen: readonly ComposeCandidate[],
): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (file: ComposeCandidate): void => {
    const { included, extended } = partsOf(file);
    for (const path of [...included, ...extended]) {
      const next = all.find((file) => file.path === path);
      if (next === undefined || found.has(path)) continue;
      found.add(path);
      visit(next);
    }
  };
  for (const file of chosen) visit(file);
  return found;
}
