import { describe, expect, test } from 'vitest';
import {
  type BuilderFacts,
  type BuildPlace,
  cacheFlags,
  chooseCache,
} from '../../../src/build/cache/cache.ts';
import type { CacheBackendChoice } from '../../../src/config/model.ts';
import { gitRef, target } from '../../support/build/fixtures.ts';

const containerd = (engine: string): BuilderFacts => ({ driver: 'docker', engine, store: 'containerd' });
const graph = (engine: string): BuilderFacts => ({ driver: 'docker', engine, store: 'graphdriver' });
const container: BuilderFacts = { driver: 'docker-container', engine: '20.10.24', store: 'graphdriver' };

const runner: BuildPlace = { ci: true, gha: true, push: true };
const fork: BuildPlace = { ci: true, gha: true, push: false };
const jenkins: BuildPlace = { ci: true, gha: false, push: true };
const noRights: BuildPlace = { ci: true, gha: false, push: false };
const laptop: BuildPlace = { ci: false, gha: false, push: true };

describe('where the cache is kept', () => {
  test.each<[facts: BuilderFacts, place: BuildPlace, asked: CacheBackendChoice, choice: string]>([
    // Engines and stores, as the exporters really are (field notes; verified by the contract tests).
    [graph('20.10.24'), runner, 'auto', 'inline written'],
    [graph('24.0.9'), runner, 'auto', 'inline written'],
    [graph('28.5.1'), runner, 'auto', 'inline written'],
    [graph('29.0.0'), runner, 'auto', 'inline written'],
    [containerd('23.0.6'), runner, 'auto', 'inline written'],
    [containerd('24.0.0'), runner, 'auto', 'registry written'],
    [containerd('26.1.5+dfsg1'), runner, 'auto', 'registry written'],
    [containerd('29.1.0'), runner, 'auto', 'registry written'],
    // The other drivers bring their own BuildKit, whatever the engine.
    [container, runner, 'auto', 'registry written'],
    [{ ...container, driver: 'kubernetes' }, jenkins, 'auto', 'registry written'],
    [{ ...container, driver: 'remote' }, fork, 'auto', 'gha written'],
    // Places.
    [containerd('28.0.0'), jenkins, 'auto', 'registry written'],
    [containerd('28.0.0'), fork, 'auto', 'gha written'],
    [containerd('28.0.0'), noRights, 'auto', 'registry read'],
    [containerd('28.0.0'), laptop, 'auto', 'registry read'],
    [graph('28.0.0'), fork, 'auto', 'inline read'],
    [graph('28.0.0'), laptop, 'auto', 'inline written'],
    // What sluice.yml asks for, where it can be had.
    [containerd('28.0.0'), runner, 'gha', 'gha written'],
    [containerd('28.0.0'), laptop, 'registry', 'registry written'],
    [containerd('28.0.0'), noRights, 'registry', 'registry read'],
    [containerd('28.0.0'), laptop, 'local', 'local written'],
    [containerd('28.0.0'), runner, 'inline', 'inline written'],
    [containerd('28.0.0'), runner, 'none', 'none read'],
    // And where it can't.
    [containerd('28.0.0'), jenkins, 'gha', 'registry written'],
    [graph('28.0.0'), runner, 'gha', 'inline written'],
    [graph('28.0.0'), runner, 'registry', 'inline written'],
    [containerd('28.0.0'), fork, 'inline', 'gha written'],
  ])('%j %j %s → %s', (facts, place, asked, choice) => {
    const { backend, writes, why } = chooseCache(facts, place, asked);
    expect(`${backend} ${writes ? 'written' : 'read'}`).toBe(choice);
    expect(why).not.toBe('');
  });

  test('a wish that can’t be had is told with its reason', () => {
    expect(chooseCache(containerd('28.0.0'), jenkins, 'gha').why).toBe(
      'gha is not possible: GitHub’s cache service is not in this environment; beside the image, visible to every branch and tag',
    );
    expect(chooseCache(graph('28.0.0'), runner, 'registry').why).toContain('older store');
  });
});

describe('flags', () => {
  const scope = (ref: ReturnType<typeof gitRef>) => ({ app: 'shop', ref, folder: '/cache' });
  const registry = { backend: 'registry', writes: true, why: '' } as const;
  const at = 'type=registry,ref=ghcr.io/acme/shop/backend';

  test('a branch reads its own and then the default branch’s, and writes its own', () => {
    expect(cacheFlags(registry, target(), scope(gitRef('branch', 'feature/x')))).toEqual({
      from: [`${at}:cache-feature-x`, `${at}:cache-main`],
      to: [`${at}:cache-feature-x,mode=max,ignore-error=true,image-manifest=true,oci-mediatypes=true`],
    });
    expect(cacheFlags(registry, target(), scope(gitRef('branch', 'main'))).from).toEqual([
      `${at}:cache-main`,
    ]);
  });

  test('a tag reads the default branch’s and writes none', () => {
    expect(cacheFlags(registry, target(), scope(gitRef('tag', 'v1.2.3')))).toEqual({
      from: [`${at}:cache-main`],
      to: [],
    });
  });

  test('each backend, with a scope for each target', () => {
    const flags = (backend: 'gha' | 'local' | 'inline' | 'none', name: string, writes = true) =>
      cacheFlags({ backend, writes, why: '' }, target({ name }), scope(gitRef('pull', '12')));
    expect(flags('gha', 'web')).toEqual({
      from: ['type=gha,scope=shop-web-pr-12', 'type=gha,scope=shop-web-main'],
      to: ['type=gha,scope=shop-web-pr-12,mode=max,ignore-error=true'],
    });
    expect(flags('gha', 'api').to[0]).toContain('scope=shop-api-pr-12');
    expect(flags('local', 'web').to).toEqual(['type=local,dest=/cache/web/pr-12,mode=max,ignore-error=true']);
    expect(flags('inline', 'web')).toEqual({ from: [`${at}:pr-12`, `${at}:main`], to: ['type=inline'] });
    expect(flags('gha', 'web', false).to).toEqual([]);
    expect(flags('none', 'web')).toEqual({ from: [], to: [] });
  });
});
