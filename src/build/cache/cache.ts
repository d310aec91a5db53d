import { isAtLeast } from '../../config/compose/cli.ts';
import type { CacheBackendChoice } from '../../config/model.ts';
import type { GitRef } from '../git/ref.ts';
import { tagName, tagsOf } from '../git/tags.ts';
import type { BuildTarget } from '../model.ts';

export type CacheBackend = Exclude<CacheBackendChoice, 'auto'>;

/** The builder, as far as caches depend on it. */
export interface BuilderFacts {
  /** `docker` (the engine itself), `docker-container`, `kubernetes`, `remote`. */
  readonly driver: string;
  /** Version of the engine; undefined if it reports none. */
  readonly engine: string | undefined;
  /** Where the engine keeps images; decides what the `docker` driver can export. */
  readonly store: 'containerd' | 'graphdriver';
}

/** Where the build runs, and its permissions. */
export interface BuildPlace {
  readonly ci: boolean;
  /** Whether GitHub's cache service can be used: its URL and token are in the environment of actions only. */
  readonly gha: boolean;
  /** Whether images are pushed; not for a pull request from a fork, whose token may only read. */
  readonly push: boolean;
}

export interface CacheChoice {
  readonly backend: CacheBackend;
  /** Whether this run writes the cache, too. */
  readonly writes: boolean;
  /** One sentence for the plan. */
  readonly why: string;
}

/**
 * Where the build cache is kept. The `docker` driver writes a full cache only from containerd's image store (engine 24
 * or newer); with the older store it supports only `inline`. The other drivers support all kinds.
 *
 * @param asked `build.cache` of sluice.yml; if it is impossible here, the best possible kind replaces it, with the reason.
 */
export function chooseCache(facts: BuilderFacts, place: BuildPlace, asked: CacheBackendChoice): CacheChoice {
  if (asked === 'none') return { backend: 'none', writes: false, why: 'set in sluice.yml' };
  const full =
    facts.driver !== 'docker' || (facts.store === 'containerd' && isAtLeast(facts.engine, '24.0.0'));
  const lacks = full ? undefined : whyNotFull(facts);
  const refused = asked === 'auto' ? undefined : whyNot(asked, place, lacks);
  if (asked !== 'auto' && refused === undefined) {
    return { backend: asked, writes: writes(asked, place), why: 'set in sluice.yml' };
  }
  const best = automatic(place, lacks);
  return refused === undefined ? best : { ...best, why: `${asked} is not possible: ${refused}; ${best.why}` };
}

function automatic(place: BuildPlace, lacks: string | undefined): CacheChoice {
  if (lacks !== undefined) {
    if (place.push)
      return { backend: 'inline', writes: true, why: `${lacks}, so the image contains its cache` };
    return { backend: 'inline', writes: false, why: `${lacks}; nothing is pushed, so it is only read` };
  }
  if (!place.ci) {
    return {
      backend: 'registry',
      writes: false,
      why: 'read only: outside CI, the builder keeps its own cache between runs',
    };
  }
  if (place.push)
    return { backend: 'registry', writes: true, why: 'beside the image, visible to every branch and tag' };
  if (place.gha) {
    return { backend: 'gha', writes: true, why: 'this run cannot push, but it can write GitHub’s cache' };
  }
  return { backend: 'registry', writes: false, why: 'read only: this run cannot push' };
}

function whyNotFull({ store, engine }: BuilderFacts): string {
  return store === 'containerd'
    ? `engine ${engine} cannot export a cache (24 or newer can)`
    : 'the engine keeps images in its older store, which cannot export a cache';
}

function whyNot(asked: CacheBackend, place: BuildPlace, lacks: string | undefined): string | undefined {
  if (asked === 'gha' && !place.gha) return 'GitHub’s cache service is not in this environment';
  if (asked === 'inline' && !place.push) return 'it is part of the image, and nothing is pushed';
  return asked === 'inline' ? undefined : lacks;
}

function writes(backend: CacheBackend, place: BuildPlace): boolean {
  return backend === 'registry' || backend === 'inline' ? place.push : true;
}

export interface CacheFlags {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

export interface CacheScope {
  readonly app: string;
  readonly ref: GitRef;
  /** Folder for `local`. */
  readonly folder: string;
}

/**
 * The choice as buildx takes it: a separate scope for each target, so that none overwrites another's; a branch reads its
 * own scope and then the default branch's. A tag reads only the default branch's and writes none, because no later run reads it.
 */
export function cacheFlags(choice: CacheChoice, target: BuildTarget, scope: CacheScope): CacheFlags {
  const own = scopeName(scope.ref);
  const fallback = tagName(scope.ref.defaultBranch);
  const read = [...new Set([...(own === undefined ? [] : [own]), fallback])];
  const write = choice.writes ? own : undefined;
  // A cache that can't be written must not fail the build (build-push-action#1485).
  const options = 'mode=max,ignore-error=true';
  switch (choice.backend) {
    case 'none':
      return { from: [], to: [] };
    case 'registry': {
      const at = (name: string) => `type=registry,ref=${target.repository}:${tagName(`cache-${name}`)}`;
      // Registries that reject an image index of another kind (ECR, older Harbor) accept a plain manifest.
      const shape = 'image-manifest=true,oci-mediatypes=true';
      return { from: read.map(at), to: write === undefined ? [] : [`${at(write)},${options},${shape}`] };
    }
    case 'gha': {
      const at = (name: string) => `type=gha,scope=${tagName(`${scope.app}-${target.name}-${name}`)}`;
      return { from: read.map(at), to: write === undefined ? [] : [`${at(write)},${options}`] };
    }
    case 'local': {
      const at = (name: string) => `${scope.folder}/${tagName(target.name)}/${name}`;
      return {
        from: read.map((name) => `type=local,src=${at(name)}`),
        to: write === undefined ? [] : [`type=local,dest=${at(write)},${options}`],
      };
    }
    case 'inline': {
      const [first] = tagsOf(scope.ref, []);
      const main = tagsOf({ ...scope.ref, kind: 'branch', name: scope.ref.defaultBranch }, [])[0];
      const images = [...new Set([first, main])].filter((tag) => tag !== undefined);
      return {
        from: images.map((tag) => `type=registry,ref=${target.repository}:${tag}`),
        to: choice.writes ? ['type=inline'] : [],
      };
    }
  }
}

function scopeName(ref: GitRef): string | undefined {
  switch (ref.kind) {
    case 'branch':
      return tagName(ref.name);
    case 'pull':
      return `pr-${ref.name}`;
    case 'none':
      return ref.foreign === undefined ? 'local' : undefined;
    case 'queue':
    case 'tag':
      return undefined;
  }
}
