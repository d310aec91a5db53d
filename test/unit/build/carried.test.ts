import { describe, expect, test } from 'vitest';
import type { BuilderFacts } from '../../../src/build/cache/cache.ts';
import { cacheOfCarried, refuseUncarried } from '../../../src/build/publish/transferred.ts';
import { target } from '../../support/build/fixtures.ts';
import { linesOf } from '../../support/config/fixtures.ts';

const engine: BuilderFacts = { driver: 'docker', engine: '28.0.0', store: 'containerd' };
const build = { platforms: [], cache: 'auto', sbom: false, provenance: false, smoke: {} } as const;
const plain = { ci: false, gha: false, push: true };

describe('builds without a registry', () => {
  test('take the engine’s own builder, one platform and no attestations', async () => {
    const refused = (changes: object, facts: BuilderFacts | undefined, platforms: string[]) =>
      linesOf(() => refuseUncarried({ build: { ...build, ...changes } }, [target({ platforms })], facts));
    expect(() => refuseUncarried({ build }, [target({ platforms: ['linux/amd64'] })], engine)).not.toThrow();
    expect(() => refuseUncarried({ build }, [target()], undefined)).not.toThrow();
    expect(await refused({}, { ...engine, driver: 'docker-container' }, [])).toEqual([
      'registry: none: the builder in use has the driver docker-container, which keeps images outside the engine, so a deploy cannot find them [build.carried]',
    ]);
    expect(await refused({ sbom: true }, engine, [])).toEqual([
      'registry: none: sbom and provenance need a registry [build.carried]',
    ]);
    expect(await refused({}, engine, ['linux/amd64', 'linux/arm64'])).toEqual([
      'registry: none: backend is built for linux/amd64 and linux/arm64; without a registry an image has one platform [build.carried]',
    ]);
  });

  test('keep no cache in a registry, but where else it is asked for or of use', () => {
    expect(cacheOfCarried(engine, plain, 'auto').backend).toBe('none');
    expect(cacheOfCarried(engine, { ...plain, ci: true }, 'auto').backend).toBe('none');
    expect(cacheOfCarried(engine, plain, 'registry').backend).toBe('none');
    expect(cacheOfCarried({ ...engine, store: 'graphdriver' }, plain, 'auto').backend).toBe('none');
    expect(cacheOfCarried(engine, { ci: true, gha: true, push: true }, 'auto').backend).toBe('gha');
    expect(cacheOfCarried(engine, plain, 'local')).toMatchObject({ backend: 'local', writes: true });
  });
});
