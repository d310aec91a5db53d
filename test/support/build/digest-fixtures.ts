import type { DigestEffects, TreeDigest } from '../../../src/build/digest/digest.ts';
import type { BuildTarget } from '../../../src/build/model.ts';

export function target(over: Partial<BuildTarget> = {}): BuildTarget {
  return {
    name: 'app',
    services: ['app'],
    context: '/nowhere',
    dockerfile: { kind: 'inline', text: 'FROM scratch\nCOPY . /\n' },
    target: undefined,
    args: {},
    secrets: [],
    ssh: [],
    platforms: ['linux/amd64'],
    contexts: {},
    cacheFrom: [],
    cacheTo: [],
    repository: 'registry.example.com/app',
    labels: {},
    pull: false,
    noCache: false,
    ...over,
  };
}

/** Every image exists, with a digest of its name and platform. */
export function effects(over: Partial<DigestEffects> = {}): DigestEffects {
  return {
    baseDigest: async (ref, platform) => `sha256 of ${ref} for ${platform}`,
    signal: new AbortController().signal,
    ...over,
  };
}

/** The digest, which has to be there. */
export function resolved(result: TreeDigest): string {
  if ('digest' in result) return result.digest;
  throw new Error(`unresolved: ${result.unresolved}`);
}
