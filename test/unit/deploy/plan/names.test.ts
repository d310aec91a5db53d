import { basename } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findRelease, isInFront, uniqueRelease } from '../../../../src/deploy/plan/host-plan.ts';
import { previousRelease } from '../../../../src/deploy/rollback.ts';
import { release, servicePlan } from '../../../support/deploy/fixtures.ts';

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constantFrom(
    '.',
    '..',
    '../..',
    '-rf',
    '--',
    '',
    ' ',
    '/etc/passwd',
    '$(id)',
    'a\nb',
    "it's",
    '-.-',
    'ветка/x',
    '.hidden',
  ),
);

describe('the name of a release', () => {
  test('is one safe folder name, whatever was asked for', () => {
    fc.assert(
      fc.property(hostile, (wanted) => {
        const name = uniqueRelease(wanted, 'c', []);
        expect(name).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
        expect(name.length).toBeLessThanOrEqual(64);
        expect(basename(name)).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });

  test('stands for one content for ever', () => {
    fc.assert(
      fc.property(
        hostile,
        fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 }),
        (wanted, contents) => {
          const known: { release: string; content: string }[] = [];
          for (const content of contents) {
            const name = uniqueRelease(wanted, content, known);
            for (const item of known) expect(item.release === name).toBe(item.content === content);
            if (!known.some((candidate) => candidate.release === name))
              known.push({ release: name, content });
          }
          expect(known.length).toBe(new Set(contents).size);
        },
      ),
    );
  });

  test('what is ordinary stays as it is, and gets a number when it is taken', () => {
    expect(uniqueRelease('v1.2.3', 'a', [])).toBe('v1.2.3');
    expect(uniqueRelease('v1.2.3', 'b', [{ release: 'v1.2.3', content: 'a' }])).toBe('v1.2.3-2');
    expect(uniqueRelease('feature/login', 'a', [])).toBe('feature-login');
    expect(uniqueRelease('..', 'a', [])).toBe('release');
  });

  test('is taken if on any host it stands for something else', () => {
    const known = [
      { release: 'v1', content: 'same' },
      { release: 'v1', content: 'other' },
    ];
    expect(uniqueRelease('v1', 'same', known)).toBe('v1-2');
  });
});

describe('a release by its name', () => {
  const releases = ['v1', 'v2', 'v3'].map((name) => release(name, []));

  test('is found, or the error lists the others, newest first', () => {
    expect(findRelease(releases, 'v2', 'v3')).toBe(releases[1]);
    expect(() => findRelease(releases, 'v9', 'v3')).toThrow(
      expect.objectContaining({ code: 'release.unknown', hint: 'Kept releases: v2, v1.' }),
    );
    expect(() => findRelease([], 'v9', undefined)).toThrow(
      expect.objectContaining({ hint: 'The host keeps no earlier release.' }),
    );
  });

  test('the previous one was confirmed and is kept on every host', () => {
    const state = (confirmed: string[], current: string, kept: string[]) => ({
      confirmed,
      current,
      releases: kept.map((name) => release(name, [])),
    });
    expect(previousRelease([state(['v1', 'v2', 'v3'], 'v3', ['v1', 'v2', 'v3'])])).toBe('v2');
    // After a rollback to v2 the way back is v3, where the last confirmation before it was.
    expect(previousRelease([state(['v1', 'v2', 'v3', 'v2'], 'v2', ['v1', 'v2', 'v3'])])).toBe('v3');
    const both = [state(['v1', 'v2', 'v3'], 'v3', ['v1', 'v2', 'v3']), state([], 'v3', ['v1', 'v3'])];
    expect(previousRelease(both)).toBe('v1');
    // Kept, but never confirmed.
    expect(() => previousRelease([state(['v3'], 'v3', ['v2', 'v3'])])).toThrow(
      expect.objectContaining({ code: 'release.none' }),
    );
    expect(() => previousRelease([])).toThrow(expect.objectContaining({ code: 'release.none' }));
  });
});

describe('who stands in front of the edges', () => {
  const needs = (...names: string[]) => ({
    depends_on: Object.fromEntries(names.map((name) => [name, { condition: 'service_started' }])),
  });

  test('who depends on a blue-green service, through any number of steps', () => {
    const plans = [
      servicePlan('web', 'blue-green'),
      servicePlan('nginx', 'recreate'),
      servicePlan('outer', 'keep'),
      servicePlan('db', 'keep'),
    ];
    const record = release('v1', plans, {
      web: needs('db'),
      nginx: needs('web'),
      outer: needs('nginx'),
      db: {},
    });
    expect(plans.map(({ name }) => isInFront(record, name))).toEqual([false, true, true, false]);
    expect(isInFront(record, 'unknown')).toBe(false);
  });

  test('circles and dense graphs end', () => {
    const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const plans = names.map((name) => servicePlan(name, 'keep'));
    const dense = Object.fromEntries(names.map((name) => [name, needs(...names)]));
    expect(isInFront(release('v1', plans, dense), 's0')).toBe(false);
    const last = { ...dense, s39: needs('web') };
    const withWeb = [...plans, servicePlan('web', 'blue-green')];
    expect(isInFront(release('v1', withWeb, { ...last, web: {} }), 's0')).toBe(true);
  });
});
