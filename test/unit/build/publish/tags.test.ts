import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { needsPublished, ociLabels, tagName, tagsOf } from '../../../../src/build/git/tags.ts';
import { parseVersion } from '../../../../src/build/git/version.ts';
import { gitRef } from '../../../support/build/fixtures.ts';

const sha = 'sha-0123456789ab';

describe('tags from the git ref', () => {
  test.each<[tag: string, published: string[], tags: string[]]>([
    ['v1.2.3', [], ['1.2.3', '1.2', '1', 'latest', sha]],
    ['1.2.3', ['v1.2.2', '1.1.0', 'main'], ['1.2.3', '1.2', '1', 'latest', sha]],
    // The very tag is known already: it is no newer one.
    ['v1.2.3', ['v1.2.3', '1.2.3'], ['1.2.3', '1.2', '1', 'latest', sha]],
    // A fix for an old version.
    ['v1.1.9', ['1.2.0'], ['1.1.9', '1.1', sha]],
    ['v1.2.1', ['2.0.0', '1.2.0'], ['1.2.1', '1.2', '1', sha]],
    ['v1.2.1', ['1.2.10'], ['1.2.1', sha]],
    // A newer one that is not stable takes nothing away.
    ['v1.2.3', ['v2.0.0-rc.1'], ['1.2.3', '1.2', '1', 'latest', sha]],
    ['v2.0.0-rc.1', ['1.0.0'], ['2.0.0-rc.1', sha]],
    ['v0.3.1', [], ['0.3.1', '0.3', 'latest', sha]],
    ['v1.2.3+build.5', [], ['1.2.3', '1.2', '1', 'latest', sha]],
    ['release/7', [], ['release-7', sha]],
  ])('tag %s with %j published', (tag, published, tags) => {
    expect(tagsOf(gitRef('tag', tag), published)).toEqual(tags);
  });

  test.each([
    ['main', 'main'],
    ['feature/X y', 'feature-X-y'],
    // A branch must not take the place of a version, nor of what we keep for ourselves.
    ['latest', 'branch-latest'],
    ['1.2', 'branch-1.2'],
    ['v2', 'branch-v2'],
    ['tree-x', 'branch-tree-x'],
    ['sha-x', 'branch-sha-x'],
  ])('branch %s → %s', (branch, tag) => {
    expect(tagsOf(gitRef('branch', branch), [])).toEqual([tag, sha]);
  });

  test('a checkout with changes is not its commit; a pull request’s commit exists nowhere', () => {
    expect(tagsOf(gitRef('branch', 'main', { dirty: true }), [])).toEqual(['main']);
    expect(tagsOf(gitRef('pull', '12'), [])).toEqual(['pr-12']);
    expect(tagsOf(gitRef('none', '', { sha: undefined }), [])).toEqual(['local']);
  });

  test('the registry is asked for stable versions only', () => {
    expect(needsPublished(gitRef('tag', 'v1.2.3'))).toBe(true);
    expect(needsPublished(gitRef('tag', 'v1.2.3-rc.1'))).toBe(false);
    expect(needsPublished(gitRef('branch', 'v1.2.3'))).toBe(false);
  });

  test('any name becomes a tag that registries take', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        expect(tagName(name)).toMatch(/^\w[\w.-]{0,127}$/);
      }),
    );
  });

  test('of any set of versions exactly the newest gets latest', () => {
    const version = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)).map((parts) => parts.join('.'));
    fc.assert(
      fc.property(fc.uniqueArray(version, { minLength: 1 }), (versions) => {
        const latest = versions.filter((one) =>
          tagsOf(gitRef('tag', `v${one}`), versions).includes('latest'),
        );
        const newest = versions.toSorted((a, b) => a.localeCompare(b, undefined, { numeric: true })).at(-1);
        expect(latest).toEqual([newest]);
      }),
    );
  });

  test('versions', () => {
    expect(parseVersion('v1.2')).toBeUndefined();
    expect(parseVersion('v01.2.3')).toBeUndefined();
    expect(parseVersion('1.2.3-a.b')).toEqual({ major: 1, minor: 2, patch: 3, prerelease: 'a.b' });
  });

  test('labels say where from, and no time', () => {
    expect(ociLabels(gitRef('tag', 'v1.2.3'), 'backend')).toEqual({
      'org.opencontainers.image.title': 'backend',
      'org.opencontainers.image.source': 'https://github.com/acme/shop',
      'org.opencontainers.image.revision': '0123456789abcdef0123456789abcdef01234567',
      'org.opencontainers.image.version': '1.2.3',
    });
  });
});
