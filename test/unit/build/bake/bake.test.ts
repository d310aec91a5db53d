import { describe, expect, test } from 'vitest';
import { bakeFile, linkedTargets } from '../../../../src/build/bake/bake.ts';
import { target } from '../../../support/build/fixtures.ts';

const build = (changes: Parameters<typeof target>[0] = {}) => ({
  target: target(changes),
  holding: 'ghcr.io/acme/shop/backend:tree-1',
  output: 'store' as const,
  cacheFrom: ['type=registry,ref=x:cache'],
  cacheTo: [],
  labels: { a: 'ours', b: 'ours' },
  bases: {},
});
const plain = { sbom: false, provenance: false, isForeign: false };
const file = (...args: Parameters<typeof bakeFile>) => JSON.parse(bakeFile(...args));

describe('the bake file', () => {
  test('one target, kept by the engine, without attestations, at a constant time', () => {
    expect(file([build({ args: { A: '1' }, labels: { b: 'theirs' } })], [], plain)).toEqual({
      group: { default: { targets: ['backend'] } },
      target: {
        backend: {
          context: '/repo/backend',
          dockerfile: '/repo/backend/Dockerfile',
          args: { SOURCE_DATE_EPOCH: '315532800', A: '1' },
          contexts: {},
          labels: { a: 'ours', b: 'theirs' },
          'cache-from': ['type=registry,ref=x:cache'],
          'cache-to': [],
          attest: ['type=provenance,disabled=true'],
          output: ['type=image,unpack=true'],
          tags: ['ghcr.io/acme/shop/backend:tree-1'],
        },
      },
    });
  });

  test('pushed by digest, under no tag, and left out of the engine', () => {
    const { backend } = file([{ ...build(), output: 'push' }], [], {
      sbom: true,
      provenance: true,
      isForeign: false,
    }).target;
    expect(backend.output).toEqual([
      'type=image,name=ghcr.io/acme/shop/backend,push-by-digest=true,name-canonical=true,push=true,store=false,unpack=false',
    ]);
    expect(backend.tags).toBeUndefined();
    expect(backend.attest).toEqual(['type=provenance,mode=max', 'type=sbom']);
  });

  test('bases are those whose digest was taken', () => {
    const bases = { 'r.example.com:5000/python:3.13': `sha256:${'a'.repeat(64)}` };
    expect(file([{ ...build(), bases }], [], plain).target.backend.contexts).toEqual({
      'r.example.com:5000/python:3.13': `docker-image://r.example.com:5000/python@sha256:${'a'.repeat(64)}`,
    });
  });

  test('contexts have the names that BuildKit asks for: short, and without latest', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const bases = { 'docker.io/library/node:22-slim': digest, 'docker.io/acme/base:latest': digest };
    const contexts = { 'docker.io/acme/own': 'target:own', stage: '/x', Odd: '/y' };
    const built = file([{ ...build({ contexts }), bases }], [], plain).target.backend.contexts;
    expect(Object.keys(built)).toEqual(['node:22-slim', 'acme/base', 'acme/own', 'stage', 'Odd']);
  });

  test('a change’s own compose file writes no cache', () => {
    const caches = { cacheFrom: ['type=gha'], cacheTo: ['type=registry,ref=ghcr.io/acme/shop:cache-main'] };
    const written = (isForeign: boolean) =>
      file([build(caches)], [], { ...plain, isForeign }).target.backend['cache-to'];
    expect(written(false)).toEqual(caches.cacheTo);
    expect(written(true)).toEqual([]);
  });

  test('secrets by name, names as bake takes them, and templates as mere text', () => {
    const text = bakeFile(
      [
        build({
          name: 'web.app',
          args: { A: '${B}', C: '%{D}' },
          secrets: [
            { id: 'npm', env: 'NPM_TOKEN' },
            { id: 'f', file: '/s' },
          ],
          contexts: { base: 'target:my.base' },
        }),
      ],
      [target({ name: 'my.base' })],
      plain,
    );
    const { group, target: targets } = JSON.parse(text);
    expect(group.default.targets).toEqual(['web_app']);
    expect(targets.web_app.args).toMatchObject({ A: '$${B}', C: '%%{D}' });
    expect(targets.web_app.secret).toEqual(['id=npm,env=NPM_TOKEN', 'id=f,src=/s']);
    expect(targets.web_app.contexts).toEqual({ base: 'target:my_base' });
    expect(targets.my_base.output).toBeUndefined();
  });

  test('targets that others use come along, to any depth', () => {
    const base = target({ name: 'base' });
    const middle = target({ name: 'middle', contexts: { base: 'target:base' } });
    const top = target({ name: 'top', contexts: { middle: 'target:middle', other: '/x' } });
    const all = [base, middle, top, target({ name: 'alone' })];
    expect(linkedTargets([top], all)).toEqual([middle, base]);
    expect(linkedTargets([top, base], all)).toEqual([middle]);
  });
});
