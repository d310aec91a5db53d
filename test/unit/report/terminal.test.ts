import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { headline } from '../../../src/report/headline.ts';
import { terminalSummary } from '../../../src/report/terminal.ts';
import { confirmed, interrupted, reports, reverted, undone } from '../../support/report/fixtures.ts';
import { hostile, hostileTexts } from '../../support/report/hostile.ts';

describe('the last block of the terminal', () => {
  test('a success', () => {
    const page = '.sluice/reports/20260314-025803-v1.2.4.html';
    expect(terminalSummary(confirmed, { colour: false, page })).toBe(`\
✓ production serves bookreader v1.2.4 (green) on 2 hosts; replaced v1.2.3 in 41.2 s, no 5xx in 6,021 watched requests
  time       41.2 s, longest: watch 30.0 s, backup 3.1 s, health 1.9 s
  requests   6,021 requests to the new release in 30 s, 0 × 5xx, p95 84 ms
  backup     proven (14 tables, 120,331 rows compared), 48.2 MiB: /opt/sluice/bookreader/backups/v1.2.4.dump
  migration  3f2a91c0 → 9bc1d4e7 in 0.84 s
  warning    deploy@prod-2.example.com: 1 old worker still finishes its task; it stops by itself within 10 m
  env        +FEATURE_READING_GOALS -LEGACY_SEARCH_URL
  report     .sluice/reports/20260314-025803-v1.2.4.html
  → Nothing to do.`);
  });

  test('says why only if the headline has not', () => {
    expect(terminalSummary(reverted, { colour: false })).toContain(
      '\n  why        The guard on deploy@prod-1',
    );
    expect(terminalSummary(undone, { colour: false })).not.toContain('\n  why ');
    expect(terminalSummary(interrupted, { colour: false })).toContain(
      '\n  why        Cancelled (SIGINT) [cancelled]',
    );
  });

  test('colour adds nothing but colour', () => {
    for (const report of reports) {
      const coloured = terminalSummary(report, { colour: true });
      expect(coloured).toContain('\u001b[');
      expect(stripVTControlCharacters(coloured)).toBe(terminalSummary(report, { colour: false }));
    }
  });

  test('three to eight lines after the headline, whatever happened', () => {
    const full = { ...confirmed, error: { code: 'x', message: 'something else' } };
    for (const report of [
      ...reports,
      full,
      { ...confirmed, hosts: [], watch: [], warnings: [], backup: undefined },
    ]) {
      const lines = terminalSummary(report, { colour: false, page: 'x.html' }).split('\n');
      expect(lines[0]).toContain(headline(report));
      expect(lines.length - 1).toBeGreaterThanOrEqual(3);
      expect(lines.length - 1).toBeLessThanOrEqual(8);
    }
  });

  test.each(hostileTexts.map((_, seed) => seed))('drives neither terminal nor runner (%i)', (seed) => {
    for (const report of reports) {
      const text = terminalSummary(hostile(report, seed), { colour: false });
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e]/);
      expect(text).not.toContain('##[');
      expect(text).not.toMatch(/^\s*::/m);
      expect(text.split('\n').length).toBeLessThanOrEqual(9);
    }
  });
});
