import { describe, expect, test } from 'vitest';
import type {
  PublicationPlan,
  PublicationReport,
  SiteStatus,
  VerifyReport,
} from '../../../../src/cdn/model.ts';
import { totalsOf, typeOf } from '../../../../src/cdn/report/changes.ts';
import { planJson, reportJson, statusJson } from '../../../../src/cdn/report/json.ts';
import { wayBack } from '../../../../src/cdn/report/lines.ts';
import { isHealthy, statusText } from '../../../../src/cdn/report/status.ts';
import { planText, resultText, verifyText } from '../../../../src/cdn/report/terminal.ts';
import * as seen from '../../../support/cdn/report-fixtures.ts';
import { hostile, hostileTexts } from '../../../support/report/hostile.ts';

const options = { colour: false };
/** Lines that were broken for the terminal are one again. */
const whole = (text: string) => text.replaceAll(/\n +(?=\S)/g, ' ');
const first = (text: string) => whole(text.split(/\n\n|\n {2}\S+ {3,}/)[0] ?? '');

describe('the first line says what matters', () => {
  const rolledBack = { ...seen.release, number: 14, name: 'v1.2.2', rollbackOf: 12 };
  const failed = seen.report.invalidations.map((invalidation) => ({
    ...invalidation,
    ...{ outcome: 'failed' as const, why: 'the service is down' },
  }));
  test.each<[string, string, string]>([
    [
      'a plan',
      planText(seen.plan, options),
      '#13 v1.2.3 → s3://bookreader-assets/app — 5 new, 2 changed, 1 with new headers, 2 to remove, 1 to delete from the store, 9,984 unchanged; 365.7 KiB in 27 requests',
    ],
    [
      'nothing to do',
      planText(seen.idle, options),
      'Nothing to publish to s3://bookreader-assets/app — #12 v1.2.2 is up to date (9,999 files)',
    ],
    [
      'published',
      resultText(seen.report, options),
      '✓ #13 v1.2.3 is live at https://app.example.com/ — 5 new, 2 changed, 1 with new headers, 2 removed, 1 deleted from the store, 9,984 unchanged in 4.2 s',
    ],
    [
      'rolled back, to a store without a URL',
      resultText({ ...seen.report, plan: { ...seen.plan, release: rolledBack, url: undefined } }, options),
      '✓ #14 v1.2.2 (rollback to #12) is live at s3://bookreader-assets/app — 5 new, 2 changed, 1 with new headers, 2 removed, 1 deleted from the store, 9,984 unchanged in 4.2 s',
    ],
    [
      'it was so already',
      resultText({ ...seen.report, plan: seen.idle, outcome: 'nothing' }, options),
      '✓ #12 v1.2.2 is already live at https://app.example.com/ — nothing to publish (9,999 files)',
    ],
    [
      'the site is wrong',
      resultText({ ...seen.report, verify: seen.faulty }, options),
      '✗ #13 v1.2.3 is published, but https://app.example.com/ does not serve it correctly: 1 fault, 1 warning',
    ],
    [
      'a CDN was not told',
      resultText({ ...seen.report, invalidations: failed }, options),
      '! #13 v1.2.3 is live',
    ],
    [
      'a look at it',
      verifyText(seen.verify, options),
      '✓ 20 pages and 61 assets at https://app.example.com/ match the published release (2.1 s)',
    ],
    [
      'a look that finds a fault',
      verifyText(seen.faulty, options),
      '✗ https://app.example.com/ does not match the published release: 1 fault, 1 warning in 20 pages and 61 assets (2.1 s)',
    ],
    ['a status', statusText(seen.status, options), '#13 v1.2.3 is live at https://app.example.com/'],
    [
      'a status of nothing',
      statusText({ ...seen.status, current: undefined, history: [] }, options),
      'Nothing is published at https://app.example.com/',
    ],
  ])('%s', (_, text, line) => {
    expect(first(text).slice(0, line.length)).toBe(line);
  });
});

describe('a plan', () => {
  test('lists what it does with each path, its size, and what the CDN forgets', () => {
    const text = whole(planText(seen.plan, options));
    for (const part of [
      '+ assets/chunk-77aa88bb.js 8.9 KiB from the store',
      '~ index.html 1.3 KiB',
      '= robots.txt 68 B',
      '- assets/app-00000000.css 17.5 KiB',
      '× assets/app-ffffffff.js 196.6 KiB',
      'by type JavaScript 209.3 KiB (1), source maps 86.1 KiB (1), fonts 47.3 KiB (1), CSS 17.6 KiB (1), HTML 5.5 KiB (2)',
      'requests 27: 2 GET, 19 PUT, 4 copies, 1 POST, 1 DELETE',
      'CDN CloudFront E2EXAMPLE: 5 paths in 1 request; costs 5 of the 1,000 free paths per month / /docs/ /docs/index.html',
      'note: The store has no conditional writes',
    ])
      expect(text.replaceAll(/ +/g, ' ')).toContain(part);
  });

  test('of thousands of files shows some, and says how many more and how large', () => {
    const changes = Array.from({ length: 9_000 }, (_, index) => seen.upload(`assets/${index}.js`, 1024));
    const text = planText({ ...seen.plan, changes: [...changes, seen.upload('index.html', 10)] }, options);
    expect(text).toContain('    … and 8,991 more, 8.8 MiB\n');
    // The page that people know comes first.
    expect(text).toContain('new\n  + index.html ');
    expect(text.split('\n').length).toBeLessThan(40);
  });

  test.each([
    ['a.js.map', 'application/json', 'source maps'],
    ['a.js.map.br', 'application/json', 'source maps'],
    ['logo.svg', 'image/svg+xml', 'images'],
    ['feed.xml', 'application/rss+xml', 'data'],
    ['x', '', 'other'],
    ['inter.woff', 'application/font-woff', 'fonts'],
  ])('%s of type %s counts as %s', (path, mediaType, type) => {
    expect(typeOf(path, mediaType)).toBe(type);
  });
});

describe('a result', () => {
  test('says how to go back, as a command to copy', () => {
    const text = resultText(seen.report, { ...options, config: 'my site/sluice.yml' });
    expect(text.split('\n').at(-1)).toBe(
      "  → Roll back: sluice cdn rollback --target production --to 12 --config 'my site/sluice.yml'",
    );
    expect(wayBack({ ...seen.plan, target: undefined }, undefined)).toBe('sluice cdn rollback --to 12');
  });

  test.each<[string, PublicationReport]>([
    ['the first publication', { ...seen.report, plan: { ...seen.plan, current: undefined } }],
    ['nothing that was done', { ...seen.report, plan: seen.idle, outcome: 'nothing' }],
  ])('has no way back from %s', (_, report) => {
    expect(resultText(report, options)).not.toContain('Roll back');
  });

  test('says that a CDN was not told, what it cost beyond the plan, and whom it finished', () => {
    const [told] = seen.report.invalidations;
    if (told === undefined) throw new Error('there is one');
    const report: PublicationReport = {
      ...{ ...seen.report, retries: 1, finished: 11, requests: { ...seen.requests, get: 3 } },
      invalidations: [{ ...told, outcome: 'failed', why: 'the service is down' }],
    };
    const text = resultText(report, options);
    expect(text).toContain('CloudFront E2EXAMPLE was not invalidated');
    expect(text).toContain('365.7 KiB in 28 requests (27 planned, 1 retry)');
    expect(text).toContain('the interrupted publication #11');
  });

  test('names faults before warnings', () => {
    const text = verifyText(seen.faulty, options);
    expect(
      text.indexOf('✗ content: https://app.example.com/assets/app-1a2b3c4d.js\n    answers 404'),
    ).toBeGreaterThan(0);
    expect(text.indexOf('✗ content')).toBeLessThan(text.indexOf('! security'));
  });
});

describe('a status', () => {
  const altered = { missing: ['a.js'], replaced: ['b.html'], foreign: 2 };
  const unfinished = { number: 14, by: 'octocat', committed: false };
  const lease = { by: 'hubot', since: seen.release.at };
  test.each<[string, Partial<SiteStatus>, boolean, string]>([
    [
      'all is well',
      {},
      true,
      '↺  #12 v1.2.2                   2026-03-13 03:12 UTC  octocat  0f1e2d3c  9,999  92.0 MiB',
    ],
    ['a rollback', {}, true, '↺  #11 v1.2.0 (rollback to #9)'],
    ['what is kept', {}, true, 'kept        312 files of earlier releases, 4.1 MiB'],
    ['at work', { lease, unfinished }, true, 'hubot has been publishing since 2026-03-14 03:12 UTC'],
    ['cut off', { unfinished }, false, '#14 by octocat was interrupted before it went live.'],
    [
      'cut off late',
      { unfinished: { ...unfinished, committed: true } },
      false,
      '#14 by octocat was interrupted after it went live',
    ],
    ['altered', { audit: altered }, false, '1 missing, 1 replaced by another writer'],
    [
      'with others’ objects',
      { audit: altered },
      false,
      '2 objects in the store do not belong to Sluice and are never touched',
    ],
    [
      'audited',
      { audit: { ...altered, missing: [], replaced: [] } },
      true,
      'every file of the release is present and unchanged',
    ],
    ['empty', { current: undefined, history: [] }, false, 'Nothing is published'],
  ])('%s', (_, change, well, line) => {
    const status = { ...seen.status, ...change };
    expect(isHealthy(status)).toBe(well);
    expect(whole(statusText(status, options))).toContain(line);
  });

  test('has the rollback of its own target', () => {
    const text = statusText(seen.status, { ...options, target: 'staging', config: 'a.yml' });
    expect(text).toContain('↺ sluice cdn rollback --target staging --to NUMBER --config a.yml restores it');
  });
});

describe('foreign text', () => {
  const fixed: ReadonlySet<string> = new Set(['kind', 'class', 'level', 'outcome', 'target']);
  const texts = (seed: number) => [
    planText(hostile(seen.plan, seed, fixed), options),
    resultText(hostile<PublicationReport>({ ...seen.report, verify: seen.faulty }, seed, fixed), options),
    statusText(
      hostile({ ...seen.status, audit: { missing: ['a'], replaced: ['b'], foreign: 1 } }, seed, fixed),
      options,
    ),
  ];
  test('drives neither a terminal nor the runner', () => {
    for (const text of [...hostileTexts.keys()].flatMap(texts))
      expect(text).not.toMatch(
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]|##\[|^\s*::/m,
      );
  });

  test('a time that is none is shown as such', () => {
    const at = 1e300;
    expect(statusText({ ...seen.status, history: [{ ...seen.release, at, kept: true }] }, options)).toContain(
      'at an unknown time',
    );
  });
});

describe('as JSON', () => {
  const through = <T>(value: T) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>;

  test('a plan has counts, bytes and each change, and neither hashes nor paths of the machine', () => {
    const json = through(planJson(seen.plan));
    expect(json).toMatchObject({
      version: 1,
      release: { number: 13, name: 'v1.2.3', at: '2026-03-14T03:12:09.000Z', by: 'octocat' },
      counts: { new: 5, changed: 2, headers: 1, removed: 2, expired: 1, unchanged: 9_984 },
      bytes: { sent: 374_483, removed: 231_879 },
      requests: { put: 19, total: 27 },
    });
    expect(json['changes']).toContainEqual({
      change: 'new',
      path: 'assets/chunk-77aa88bb.js',
      size: 9_120,
      from: 'store',
    });
    expect(JSON.stringify(json)).not.toMatch(/\/app\/dist|xxxx|"e"/);
  });

  test('a result has its plan, what it took, and a verdict', () => {
    const json = through(reportJson({ ...seen.report, verify: seen.faulty }));
    expect(json).toMatchObject({
      version: 1,
      outcome: 'published',
      ms: 4_210,
      verify: { verdict: 'fail', pages: 20 },
    });
    const looks: readonly (VerifyReport | undefined)[] = [undefined, seen.verify];
    expect(
      looks.map((verify) => through(reportJson({ ...seen.report, verify }))['verify'] !== undefined),
    ).toEqual([false, true]);
  });

  test('a status has times as texts', () => {
    expect(through(statusJson(seen.status))).toMatchObject({
      ...{ version: 1, well: true, current: { number: 13 } },
      history: [{ kept: true }, { at: '2026-03-13T03:12:09.000Z' }, { rollbackOf: 9 }, { kept: false }],
    });
  });
});

test('a release that changes no file, as when a bucket is adopted, is one all the same', () => {
  const adopted: PublicationPlan = {
    ...seen.idle,
    current: undefined,
    release: { ...seen.before, number: 1 },
  };
  expect([seen.idle, adopted, seen.plan].map((plan) => totalsOf(plan).isNothing)).toEqual([
    true,
    false,
    false,
  ]);
  expect(first(planText(adopted, options))).toBe(
    '#1 v1.2.2 → s3://bookreader-assets/app — 9,999 unchanged; 0 B in 27 requests',
  );
});
