import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PublicationReport } from '../../../../src/cdn/model.ts';
import { planSummary, reportSummary, verifySummary } from '../../../../src/cdn/report/summary.ts';
import * as seen from '../../../support/cdn/report-fixtures.ts';
import { hostile, hostileTexts } from '../../../support/report/hostile.ts';
import { expectNoForeignMarkup, expectWhole } from '../../../support/report/markdown-shape.ts';

const room = 1_000_000;
const full: PublicationReport = { ...seen.report, finished: 11, verify: seen.faulty };

describe('the summary of a publication', () => {
  test('has the verdict first, then how to go back, what a visitor gets, what changed and what it cost', () => {
    const text = reportSummary(seen.report, room);
    const parts = [
      '## 🟢 &#35;13 v1.2.3 is live at `https://app.example.com/` — 5 new, 2 changed, 1 with new headers, 2 removed, 1 deleted from the store, 9,984 unchanged in 4.2 s',
      '**Roll back:** `sluice cdn rollback --target production --to 12`, or this action with `command: rollback` and `to: 12`',
      '**Verify:** 20 pages and 61 assets at `https://app.example.com/` match the published release (2.1 s)',
      '<sub>first request: lookup 12 ms, connect 21 ms, TLS 41 ms, first byte 88 ms, total 132 ms</sub>',
      '| new | 5 | 369.1 KiB |',
      '| unchanged | 9,984 |  |',
      '| sent | files | size |',
      '| JavaScript | 1 | 209.3 KiB |',
      '| 🟢 | CloudFront E2EXAMPLE | accepted the invalidation of 5 paths (312 ms) | 5 of the 1,000 free paths per month |',
      '<details><summary>5 paths</summary>\n\n- `/`\n- `/docs/`',
      '- The store has no conditional writes: a lease keeps two publishers apart.',
      '<sub>365.7 KiB sent in 4.2 s; requests 27: 2 GET, 19 PUT, 4 copies, 1 POST, 1 DELETE (as planned)</sub>',
      '<details><summary>11 changes</summary>',
      '| new, from the store | `assets/chunk-77aa88bb.js` | 8.9 KiB |',
      '| deleted from the store | `assets/app-ffffffff.js` | 196.6 KiB |',
    ];
    const places = parts.map((part) => text.indexOf(part));
    expect(
      parts.filter((_, index) => places[index] === -1),
      text,
    ).toEqual([]);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test.each<[string, PublicationReport, string]>([
    [
      'a site that is wrong',
      full,
      '## 🔴 &#35;13 v1.2.3 is published, but `https://app.example.com/` does not',
    ],
    [
      'nothing to do',
      { ...seen.report, plan: seen.idle, outcome: 'nothing' },
      '## ⚪ &#35;12 v1.2.2 is already live at',
    ],
    [
      'a CDN that was not told',
      {
        ...seen.report,
        invalidations: seen.report.invalidations.map((invalidation) => ({
          ...invalidation,
          outcome: 'failed',
        })),
      },
      '## 🟡 &#35;13 v1.2.3 is live at',
    ],
  ])('begins with the word for %s', (_, report, head) => {
    expect(reportSummary(report, room).slice(0, head.length)).toBe(head);
  });

  test('lists faults before warnings, and whom it finished', () => {
    const text = reportSummary(full, room);
    const fault =
      '| ❌ | content | `https://app.example.com/assets/app-1a2b3c4d.js` | answers 404, and /index.html names it |';
    expect(text).toContain(`${fault}\n| ⚠️ | security |`);
    expect(text).toContain('- This run finished the interrupted publication &#35;11.');
  });
});

test('a plan says that nothing was changed', () => {
  expect(planSummary(seen.plan, room)).toMatch(/^## ⚪ Plan \(nothing changed\): &#35;13 v1\.2\.3 → /);
  expect(planSummary(seen.idle, room)).toMatch(/^## ⚪ Plan \(nothing changed\): Nothing to publish to .*$/);
});

test('a look has its findings', () => {
  expect(verifySummary(seen.verify, room)).toMatch(/^## 🟢 20 pages and 61 assets at /);
  expect(verifySummary(seen.faulty, room)).toMatch(
    /^## 🔴 `https:\/\/app\.example\.com\/` does not match the published release/,
  );
});

describe('foreign text', () => {
  const fixed: ReadonlySet<string> = new Set(['kind', 'class', 'level', 'outcome', 'target']);
  const all = (report: PublicationReport, bytes: number) => [
    reportSummary(report, bytes),
    planSummary(report.plan, bytes),
    verifySummary(report.verify ?? seen.verify, bytes),
  ];

  test.each([...hostileTexts.keys()])('is no markup (seed %i)', (seed) => {
    for (const text of all(hostile(full, seed, fixed), room)) {
      expectWhole(text);
      expectNoForeignMarkup(text);
    }
  });

  test('keeps to any room, and stays whole', () => {
    const many = Array.from({ length: 3_000 }, (_, index) => seen.upload(`assets/${index}.js`, 1024));
    const reports = [
      { ...full, plan: { ...full.plan, changes: many } },
      ...hostileTexts.map((_, seed) => hostile(full, seed, fixed)),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...reports), fc.integer({ min: 256, max: 40_000 }), (report, bytes) => {
        for (const text of all(report, bytes)) {
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(bytes);
          expect(text.startsWith('## ')).toBe(true);
          expectWhole(text);
        }
      }),
      { numRuns: 60 },
    );
  });
});
