import { join } from 'node:path';
import { UserError } from '../kernel/errors.ts';
import type { CdnConfig, Config } from './model.ts';
import { placeOf } from './sluice-yml/normalise.ts';
import { unknownTarget } from './sluice-yml/suggest.ts';

type RawPlace = CdnConfig['targets'][string];

/** `cdn:` of sluice.yml for one target. Durations are ms, shares are fractions. */
export interface SiteSettings {
  /** The target's name; undefined where sluice.yml has but one site. */
  readonly target: string | undefined;
  /** Absolute path of the folder. */
  readonly dist: string;
  readonly store: StoreSettings;
  readonly url: string | undefined;
  /** IDs of distributions. */
  readonly cloudfront: readonly string[];
  /** Names or IDs of zones. */
  readonly cloudflare: readonly string[];
  readonly wait: boolean;
  readonly index: string;
  readonly spa: boolean;
  /** Patterns; undefined: found by their names. */
  readonly hashed: readonly string[] | undefined;
  readonly headers: readonly HeaderRule[];
  readonly exclude: readonly string[];
  /** Paths that other servers answer. */
  readonly elsewhere: readonly string[];
  readonly variants: readonly ('br' | 'gzip')[];
  readonly keep: number;
  readonly graceMs: number;
  readonly maxRemoved: { readonly files: number; readonly share: number };
  readonly verify: VerifySettings;
}

export interface StoreSettings {
  readonly bucket: string;
  /** '' or `folder/`. */
  readonly prefix: string;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly style: 'path' | 'host' | undefined;
  readonly role: string | undefined;
}

export interface HeaderRule {
  readonly match: readonly string[];
  /** Names in lower case. */
  readonly set: Readonly<Record<string, string>>;
}

export interface VerifySettings {
  readonly pages: number;
  readonly forMs: number;
  readonly security: 'fail' | 'warn' | 'off';
  readonly headers: Readonly<Record<string, string>>;
  readonly budget: {
    readonly lookup: number | undefined;
    readonly connect: number | undefined;
    readonly tls: number | undefined;
    readonly firstByte: number | undefined;
    readonly total: number | undefined;
  };
}

/**
 * The site of a target.
 *
 * @param target a name below `cdn.targets`, or that of a target of deploys: those share the one site that is described.
 * @throws UserError `cdn.none`, `config.unknown-target`, `usage.argument` (a choice is needed), `config.missing-key`,
 *   `config.value` (two targets in one place).
 */
export function siteOf(config: Config, target: string | undefined): SiteSettings {
  const { cdn } = config;
  if (cdn === undefined) {
    throw new UserError({
      code: 'cdn.none',
      message: 'There is no cdn section, which defines what to publish and where',
      hint: 'Add one:\ncdn:\n  dist: frontend/dist\n  store: s3://my-bucket',
      at: { file: shownFile(config) },
    });
  }
  const own = placeFor(config, cdn, target);
  const { store, ...place } = { ...cdn, ...own };
  if (store === undefined) {
    throw new UserError({
      code: 'config.missing-key',
      message: `cdn${own === undefined ? '' : `.targets.${target}`}: store is missing`,
      hint: 'Set store: s3://bucket, or s3://bucket/folder.',
      ...placeOf(config, ['cdn']),
    });
  }
  const [bucket = '', ...folders] = store.slice('s3://'.length).replace(/\/$/, '').split('/');
  return {
    target,
    dist: join(config.folder, cdn.dist),
    store: {
      bucket,
      prefix: folders.length === 0 ? '' : `${folders.join('/')}/`,
      endpoint: place.endpoint,
      region: place.region,
      style: place.style,
      role: place.role,
    },
    url: place.url,
    cloudfront: list(place.cloudfront),
    cloudflare: list(place.cloudflare),
    wait: cdn.wait,
    index: cdn.index,
    spa: cdn.spa,
    hashed: cdn.hashed === undefined ? undefined : list(cdn.hashed),
    headers: cdn.headers.map(({ match, set }) => ({ match: list(match), set: definedOf(set) })),
    exclude: list(cdn.exclude),
    elsewhere: list(cdn.elsewhere),
    variants: [...new Set(cdn.variants)],
    keep: cdn.keep,
    graceMs: cdn.grace,
    maxRemoved: cdn['max-removed'],
    verify: {
      pages: cdn.verify.pages,
      forMs: cdn.verify.for,
      security: cdn.verify.security,
      headers: cdn.verify.headers,
      budget: {
        lookup: cdn.verify.budget.lookup,
        connect: cdn.verify.budget.connect,
        tls: cdn.verify.budget.tls,
        firstByte: cdn.verify.budget['first-byte'],
        total: cdn.verify.budget.total,
      },
    },
  };
}

/** sluice.yml as the places of other errors name it: relative to the working folder. */
function shownFile({ places, file }: Config): string {
  const [place] = Object.values(places ?? {});
  return place?.file ?? file;
}

/** A misspelled target must not publish to the site of another one. */
function placeFor(config: Config, cdn: CdnConfig, target: string | undefined): RawPlace | undefined {
  const names = Object.keys(cdn.targets);
  if (target === undefined) {
    if (names.length === 0) return undefined;
    throw new UserError({
      code: 'usage.argument',
      message: `sluice.yml has several sites (cdn.targets: ${names.join(', ')})`,
      hint: 'Choose one with --target.',
    });
  }
  if (Object.hasOwn(cdn.targets, target)) {
    const twin = names.find((name) => name !== target && whereOf(cdn, name) === whereOf(cdn, target));
    if (twin === undefined) return cdn.targets[target];
    throw new UserError({
      code: 'config.value',
      message: `cdn.targets: ${target} and ${twin} have the same store, so each overwrites the other`,
      hint: `Set what differs there:\ncdn:\n  targets:\n    ${target}: { store: s3://… }`,
      ...placeOf(config, ['cdn', 'targets']),
    });
  }
  if (Object.hasOwn(config.targets, target)) {
    const isShared = names.length > 0 || Object.keys(config.targets).length > 1;
    if (isShared && target !== 'production') {
      throw new UserError({
        code: 'config.missing-key',
        message: `cdn.targets has no site for ${target}, which must not publish to the production site`,
        hint: `Set what differs there:\ncdn:\n  targets:\n    ${target}: { store: s3://… }`,
        ...placeOf(config, ['cdn']),
      });
    }
    return undefined;
  }
  const known = [...new Set([...names, ...Object.keys(config.targets)])];
  // The workflow always names a target; a repository with nothing but a front end has none to name.
  if (known.length === 0 && target === 'production') return undefined;
  throw new UserError({
    code: 'config.unknown-target',
    message: unknownTarget(target, known),
    hint:
      known.length === 0
        ? 'sluice.yml has one site and no targets: omit the target, or use production.'
        : `Available: ${known.join(', ')}.`,
    ...placeOf(config, ['cdn']),
  });
}

/** Two targets with the same one are one site. */
function whereOf(cdn: CdnConfig, target: string): string {
  const { store = '', endpoint, region } = { ...cdn, ...cdn.targets[target] };
  return [store.replace(/\/$/, ''), endpoint, region].join(' ');
}

function list<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function definedOf(map: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(map).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
