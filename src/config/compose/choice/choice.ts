import { posix } from 'node:path';
import {
  baseNames,
  type ComposePurpose,
  extraWords,
  folderOf,
  isAside,
  isComposeName,
  isTelling,
  purposeOf,
} from './names.ts';
import { type ComposeCandidate, isWhole, partsOf, type UnusedFile, unusedOf, whyOverlay } from './overlay.ts';
import { type ComposeUsage, isMeant } from './usage.ts';

export type { ComposeCandidate, UnusedFile } from './overlay.ts';

export interface ComposeChoice<File extends ComposeCandidate> {
  /** Later ones over earlier ones. */
  readonly files: readonly File[];
  /** Why these, as the end of a sentence. */
  readonly why: string;
  /** All other candidates. */
  readonly unused: readonly UnusedFile[];
  /** The files are not known to be for production: what is doubtful, as a sentence without its stop. */
  readonly doubt: string | undefined;
}

type Picked<File> = Pick<ComposeChoice<File & ComposeCandidate>, 'why' | 'doubt'> & {
  readonly files: readonly File[];
};

/**
 * Those that production is made of; undefined if there are none at all. The same candidates give the same choice,
 * whatever their order.
 *
 * @param usages how the repository's own commands start them.
 */
export function chooseCompose<File extends ComposeCandidate>(
  all: readonly File[],
  usages: readonly ComposeUsage[] = [],
): ComposeChoice<File> | undefined {
  const sorted = [...all].sort((a, b) => (a.path < b.path ? -1 : 1));
  const parts = includedBy(sorted);
  const whole = sorted.filter(({ path }) => !parts.has(path));
  const pool = whole.length > 0 ? whole : sorted;
  const folders = [...new Set(pool.map(({ path }) => folderOf(path)))];
  const groups = folders.map((folder) => pool.filter(({ path }) => folderOf(path) === folder));
  const [group] = groups.sort(
    (a, b) => rankOf(a) - rankOf(b) || (folderOf(a[0]?.path ?? '') < folderOf(b[0]?.path ?? '') ? -1 : 1),
  );
  if (group === undefined) return undefined;
  const picked = chooseIn(group, pool, usages);
  const doubt = picked.doubt ?? developmentBuild(picked.files);
  return { ...picked, doubt, unused: unusedOf(sorted, picked.files) };
}

/** Whether files were found that can be an app in production; if not, files of other names are worth reading. */
export function isEnough(found: readonly ComposeCandidate[]): boolean {
  return found.some(({ path }) => !isAside(path) && !['example', 'development'].includes(purposeOf(path)));
}

/** Whether a file of any name is a compose file: other tools have a map `services`, too, and not of images. */
export function startsContainers(file: ComposeCandidate): boolean {
  return Object.keys(file.services).length > 0 && isWhole(file);
}

/** The files that the user chose, with `--compose` or in sluice.yml. */
export function chosenBy<File extends ComposeCandidate>(files: readonly File[]): ComposeChoice<File> {
  const why = 'named in sluice.yml or with `sluice init --compose`';
  return { files, why, unused: [], doubt: undefined };
}

/** Files that others include, or extend without being a base file themselves: they are parts, not apps. */
function includedBy(all: readonly ComposeCandidate[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const file of all) {
    if (purposeOf(file.path) === 'development' || isAside(file.path)) continue;
    const { included, extended } = partsOf(file);
    for (const path of included) if (path !== file.path) found.add(path);
    for (const path of extended)
      if (path !== file.path && !baseNames.includes(posix.basename(path))) found.add(path);
  }
  return found;
}

const purposeRanks: Readonly<Record<ComposePurpose, number>> = {
  production: 0,
  neutral: 0,
  staging: 1,
  example: 3,
  development: 4,
};

/** Lower is likelier to be the app in production: purpose first, then how near to the top, then telling folders. */
function rankOf(group: readonly ComposeCandidate[]): number {
  const [{ path } = { path: '' }] = group;
  const depth = folderOf(path) === '' ? 0 : folderOf(path).split('/').length;
  const isOdd = group.every((file) => !isComposeName(file.path));
  const purpose = Math.min(...group.map((file) => purposeRanks[purposeOf(file.path)])) + (isOdd ? 2 : 0);
  const telling = isTelling(path);
  const isProduction = group.some((file) => purposeOf(file.path) === 'production');
  // A folder that is made for deploys and holds a file for production comes before a general file at the top.
  const place = isProduction && telling ? depth / 100 - (depth === 0 ? 2 : 1) : depth * 2 + (telling ? 0 : 1);
  // Examples for users of a project are nearer to production than what its developers run.
  const simple = /(?:^|\/)(?:plain|basic|simple|standard|default)(?:\/|$)/.test(folderOf(path)) ? 0.5 : 0;
  return (isAside(path) ? 350 : 0) + purpose * 100 + place - simple;
}

function chooseIn<File extends ComposeCandidate>(
  group: readonly File[],
  pool: readonly File[],
  usages: readonly ComposeUsage[],
): Picked<File> {
  const base = baseIn(group);
  const prod = best(
    group.filter((file) => file !== base && purposeOf(file.path) === 'production'),
    usages,
  );
  // In a folder `production` the plain name is the file for production itself.
  if (prod !== undefined && !(base !== undefined && purposeOf(base.path) === 'production')) {
    const below = base ?? commonIn(group) ?? (isWhole(prod) ? undefined : baseAbove(prod, pool));
    if (below !== undefined) return overOrAlone(prod, below, usages);
    return { files: [prod], why: `${nameOf(prod.path)} is named for production`, doubt: undefined };
  }
  const neutral = group.filter((file) => purposeOf(file.path) === 'neutral');
  const one = base ?? best(neutral, usages) ?? best(group, usages) ?? group[0];
  if (one === undefined) return { files: [], why: '', doubt: undefined };
  return single(one, group, pool);
}

function overOrAlone<File extends ComposeCandidate>(
  prod: File,
  base: File,
  usages: readonly ComposeUsage[],
): Picked<File> {
  const [over, below] = [nameOf(prod.path), nameOf(base.path)];
  const together = { files: [base, prod], doubt: undefined };
  const using = usages.filter(({ files }) => files.some((file) => isMeant(file, prod.path)));
  const both = using.find(({ files }) => files.some((file) => isMeant(file, base.path)));
  const alone = using.find(({ files }) => !files.some((file) => isMeant(file, base.path)));
  if (both !== undefined && alone === undefined)
    return { ...together, why: `${over} overrides ${below}, as in ${both.where}` };
  const sign = whyOverlay(prod, base);
  if (sign !== undefined && (alone === undefined || both !== undefined || !isWhole(prod)))
    return { ...together, why: `${over} overrides ${below}: ${sign}` };
  const how = alone === undefined ? 'it defines all that its services need' : `as in ${alone.where}`;
  return { files: [prod], why: `only ${over}, without ${below}: ${how}`, doubt: undefined };
}

function single<File extends ComposeCandidate>(
  one: File,
  group: readonly File[],
  pool: readonly File[],
): Picked<File> {
  const name = nameOf(one.path);
  const purpose = purposeOf(one.path);
  const others = group.filter((file) => file !== one && purposeOf(file.path) === purpose && isWhole(file));
  const files = [one];
  if (purpose === 'development')
    return {
      files,
      why: 'the only one',
      doubt: `${name} is named for development, and there is no other`,
    };
  if (purpose === 'example')
    return { files, why: 'the only one', doubt: `${name} is an example to copy, and there is no other` };
  if (purpose === 'staging')
    return { files, why: 'the only one', doubt: `${name} is named for staging, and there is no other` };
  if (!isWhole(one))
    return {
      files,
      why: 'the only one',
      doubt: `${name} has services without image or build, and there is no base file for it to override`,
    };
  if (isAside(one.path))
    return {
      files,
      why: 'nothing better was found',
      doubt: `${one.path} looks like an example, and nothing better was found`,
    };
  if (others.length > 0 && !baseNames.includes(name)) {
    const names = [one, ...others].map(({ path }) => nameOf(path)).join(', ');
    return { files, why: `${name}, one of these alternatives: ${names}`, doubt: undefined };
  }
  if (purpose === 'production')
    return { files, why: `${one.path} is named for production`, doubt: undefined };
  const depth = (path: string) => path.split('/').length;
  const other = pool.find(({ path }) => purposeOf(path) === 'development' && depth(path) <= depth(one.path));
  const why =
    other === undefined
      ? 'the compose file of this repository'
      : `${one.path}, because ${other.path} is named for development`;
  return { files, why, doubt: undefined };
}

/** The file that `docker compose` takes by itself. */
function baseIn<File extends ComposeCandidate>(group: readonly File[]): File | undefined {
  return baseNames
    .map((name) => group.find(({ path }) => nameOf(path) === name))
    .find((file) => file !== undefined);
}

/** `docker-compose.base.yml` and its like, under whatever purpose. */
function commonIn<File extends ComposeCandidate>(group: readonly File[]): File | undefined {
  return group.find(({ path }) => /(?:^|[._-])(?:base|common|shared|main)[._-]/.test(nameOf(path)));
}

function baseAbove<File extends ComposeCandidate>({ path }: File, pool: readonly File[]): File | undefined {
  for (let folder = folderOf(path); folder !== ''; ) {
    folder = folderOf(folder);
    const base = baseIn(pool.filter((file) => folderOf(file.path) === folder));
    if (base !== undefined) return base;
  }
  return undefined;
}

/** Complete ones first, then the one that the repository's commands start, then those that build, then by name. */
function best<File extends ComposeCandidate>(
  files: readonly File[],
  usages: readonly ComposeUsage[],
): File | undefined {
  const used = (file: File) =>
    usages.filter(({ files: [first] }) => first !== undefined && isMeant(first, file.path)).length;
  const key = (file: File): readonly number[] => [
    isWhole(file) ? 0 : 1,
    purposeRanks[purposeOf(file.path)],
    -used(file),
    Object.values(file.services).some(({ build }) => build !== undefined) ? 0 : 1,
    extraWords(file.path),
  ];
  return [...files].sort((a, b) => {
    const [left, right] = [key(a), key(b)];
    const index = left.findIndex((value, at) => value !== right[at]);
    if (index >= 0) return (left[index] ?? 0) - (right[index] ?? 0);
    return a.path < b.path ? -1 : 1;
  })[0];
}

function nameOf(path: string): string {
  return posix.basename(path);
}

/**
 * The development image that a compose file without a purpose in its name builds: `dockerfile: dev.Dockerfile`,
 * `target: devcontainer`.
 *
 * @param files later ones over earlier ones.
 * @returns a sentence without its stop; undefined: nothing shows that an image is for development.
 */
function developmentBuild(files: readonly ComposeCandidate[]): string | undefined {
  const builds = new Map<string, Readonly<Record<string, unknown>>>();
  for (const { services } of files)
    for (const [name, { build }] of Object.entries(services)) {
      const above = typeof build === 'string' ? { context: build } : build;
      if (above !== null && typeof above === 'object') builds.set(name, { ...builds.get(name), ...above });
    }
  for (const [name, { dockerfile, target }] of builds) {
    if (isDevelopment(target)) return `${name} builds the stage ${target}, which is named for development`;
    // A stage of another name may be the one for production.
    if (target === undefined && isDevelopment(dockerfile))
      return `${name} builds ${dockerfile}, which is named for development`;
  }
  return undefined;
}

function isDevelopment(name: unknown): name is string {
  return typeof name === 'string' && !name.includes('$') && purposeOf(name) === 'development';
}
