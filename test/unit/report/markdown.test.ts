import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headline } from '../../../src/report/headline.ts';
import { prose } from '../../../src/report/markdown/escape.ts';
import { gantt } from '../../../src/report/markdown/gantt.ts';
import { markdownSummary, summaryLimit } from '../../../src/report/markdown/summary.ts';
import type { DeployReport } from '../../../src/report/model.ts';
import {
  confirmed,
  interrupted,
  reports,
  reverted,
  tenHosts,
  undone,
} from '../../support/report/fixtures.ts';
import { hostile, hostileTexts, hugeLog } from '../../support/report/hostile.ts';
import { expectNoForeignMarkup, expectWhole } from '../../support/report/markdown-shape.ts';

const size = (text: string): number => Buffer.byteLength(text);
const firstLine = (text: string): string => text.slice(0, text.indexOf('\n'));

describe('what the summary says', () => {
  test('the first line is the headline, the second what to do', () => {
    expect(firstLine(markdownSummary(confirmed))).toBe(`## 🟢 ${headline(confirmed)}`);
    expect(markdownSummary(reverted).split('\n').slice(0, 3)).toEqual([
      '## 🟠 production serves bookreader v1.2.3 (green) on 2 hosts; v1.2.4 was reverted after 0.02 s: 5xx rate 100 % of 33 answers',
      '',
      '**Next:** Nothing is urgent: v1.2.3 serves. Fix list_books (log below) and deploy again.',
    ]);
  });

  test('a success: numbers, proof, migration, keys, warnings; no table of what the first line has said', () => {
    const text = markdownSummary(confirmed);
    expect(text).toContain(
      '| `deploy@prod-1.example.com` | `backend` | 30 s | 2,406 | 0 | 3 | 84 ms | kept |',
    );
    expect(text).toContain('✅ Restored and compared: 14 tables, 120,331 rows in 1.5 s');
    expect(text).toContain('`3f2a91c0` → `9bc1d4e7` in 0.84 s');
    expect(text).toContain('- added: `FEATURE_READING_GOALS`');
    expect(text).toContain('- removed: `LEGACY_SEARCH_URL`');
    expect(text).toContain('- ⚠️ `deploy@prod-2.example.com`: 1 old worker');
    expect(text).toContain('<details><summary>26 steps</summary>');
    expect(text).not.toContain('### Serving now');
    expect(text).not.toContain('### Why');
  });

  test('a failure: reason, code, hint and log come before everything else', () => {
    const text = markdownSummary(undone);
    const order = ['**Next:**', '### Why', 'password authentication failed', '### Timeline', '### Health'];
    const places = order.map((part) => text.indexOf(part));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(text).toContain('| ❌ | `backend` | database: disconnected, redis: connected, celery: running |');
  });

  test('a host that could not be asked is listed', () => {
    const text = markdownSummary(interrupted);
    expect(text).toContain('| `deploy@prod-2.example.com` |  | **could not be reached** |');
  });

  test('ten hosts that are alike are one line of health and one section of the chart', () => {
    const text = markdownSummary(tenHosts);
    expect(text).toContain(
      '| ✅ | `backend` | database: connected, redis: connected, celery: running | 10 hosts |',
    );
    expect(text.match(/^section /gm)).toHaveLength(1);
  });

  test('an unproven backup and a failed restore are no ticks', () => {
    const backup = { file: 'x.dump', bytes: 1, sha256: 'a', seconds: 1 };
    expect(markdownSummary({ ...confirmed, backup })).toContain('⚠️ Not test-restored.');
    const restoreTest = { ok: false, tables: 0, rows: 0, seconds: 1, detail: 'books: 12 rows instead of 14' };
    const text = markdownSummary({ ...confirmed, backup: { ...backup, restoreTest } });
    expect(text).toContain('❌ The restore test failed (books: 12 rows instead of 14)');
    expect(text).not.toContain('✅ Restored');
  });

  test('code in a hint stays code', () => {
    expect(markdownSummary(interrupted)).toContain('run `sluice status production`, then deploy again.');
  });
});

/** Every line Mermaid's gantt lexer takes for what it is meant: no name holds a mark that means something. */
const chartLine =
  /^(gantt|dateFormat x|axisFormat (%H:%M:%S|%S\.%L)|todayMarker off|section [^:#;%]+|[^:#;%{}<>]+ :((crit|done|active|milestone), )*\d+, \d+)$/;

describe('the Mermaid chart', () => {
  test('bars have a length, failures are critical, turning points are milestones', () => {
    const chart = gantt(reverted, 50_000);
    expect(chart).toContain('watch failed 24 ms :crit, 1773457090763, 17734570907');
    expect(chart).toContain('reverted :crit, milestone, 1773457090780, 1773457090780');
    const zero = {
      ...undone,
      hosts: [
        { name: 'h', steps: [{ name: 'switch', startedAt: 0, durationMs: 0, outcome: 'done' as const }] },
      ],
    };
    const [, start, end] = / :done, (\d+), (\d+)/.exec(gantt(zero, 50_000)) ?? [];
    expect(Number(end)).toBeGreaterThan(Number(start));
  });

  test('a start that is no time, no steps, no room', () => {
    expect(gantt({ ...confirmed, startedAt: 'soon' }, 50_000)).not.toContain('NaN');
    expect(gantt({ ...confirmed, hosts: [] }, 50_000)).toBe('');
    expect(gantt(confirmed, 60)).toBe('');
  });

  test('stays below the length Mermaid refuses', () => {
    const steps = Array.from({ length: 5_000 }, (_, index) => ({
      name: `step ${index}`,
      startedAt: index,
      durationMs: 1,
      outcome: 'done' as const,
    }));
    expect(gantt({ ...confirmed, hosts: [{ name: 'h', steps }] }, 1e9).length).toBeLessThan(50_000);
  });

  test.each(hostileTexts.map((_, seed) => seed))(
    'holds only lines that mean what they should (%i)',
    (seed) => {
      for (const report of reports) {
        const lines = gantt(hostile(report, seed), 50_000).split('\n').slice(1, -1);
        for (const line of lines) expect(line).toMatch(chartLine);
      }
    },
  );
});

describe('foreign text stays text', () => {
  test.each(hostileTexts.map((_, seed) => seed))(
    'in tables, fences, HTML, links and mentions (%i)',
    (seed) => {
      for (const report of reports) {
        const text = markdownSummary(hostile(report, seed));
        expectNoForeignMarkup(text);
        expectWhole(text);
      }
    },
  );

  test('a log can close neither its fence nor the page', () => {
    const output = `\`\`\`\n</details>\n\`\`\`\`text\n${'`'.repeat(500)}\n~~~\n`;
    const text = markdownSummary({ ...undone, error: { code: 'x', message: 'm', output } });
    expectWhole(text);
    expect(text).toContain('\n```\n</details>\n````text\n[backticks]\n~~~\n`````\n');
  });

  test('a link is only made of a URL that is one', () => {
    for (const runUrl of ['javascript:alert(1)', 'data:text/html,x', 'not a url', '', 'https://'])
      expect(markdownSummary({ ...confirmed, runUrl })).not.toContain('<a ');
    const runUrl = 'https://user:secret@ci.example/"onclick="x?a=1&b=2|c';
    expect(markdownSummary({ ...confirmed, runUrl })).toContain(
      '<a href="https://ci.example/%22onclick=%22x?a=1&#38;b=2&#124;c">run</a>',
    );
  });
});

describe('the byte budget', () => {
  const huge: DeployReport = {
    ...hostile(tenHosts, 3),
    error: { code: 'x', message: 'm'.repeat(5_000), hint: 'h'.repeat(5_000), output: hugeLog() },
    migration: { before: 'a', after: 'b', output: hugeLog(), seconds: 1 },
    warnings: Array.from({ length: 3_000 }, (_, index) => `warning ${index} ${'名'.repeat(100)}`),
    images: Array.from({ length: 3_000 }, (_, index) => ({
      service: `s${index}`,
      reference: 'r'.repeat(150),
    })),
  };

  test('five megabytes of log stay far below the default', () => {
    const text = markdownSummary(huge);
    expect(size(text)).toBeLessThanOrEqual(summaryLimit);
    expectWhole(text);
    expect(text).toContain('(earlier lines omitted)');
    expect(text).toMatch(
      /_Omitted to keep this summary within its limit: .*parts of (images|warnings).*\._$/,
    );
  });

  test('the least important goes first: images before steps, steps before the error', () => {
    const whole = markdownSummary(reverted);
    const smaller = markdownSummary(reverted, size(whole) - 100);
    expect(smaller).not.toContain('| `celery-worker` |');
    expect(smaller).toContain('<details><summary>18 steps');
    const small = markdownSummary(reverted, 3_000);
    expect(small).not.toContain('<details><summary>');
    expect(small).toContain('AttributeError');
    expect(small).toContain('5xx rate 100 % of 33 answers |');
    const tiny = markdownSummary(reverted, 1_500);
    expect(firstLine(tiny)).toBe(firstLine(whole));
    expect(tiny).toContain('deploy.reverted');
    expect(tiny).toContain('Omitted');
  });

  test('holds for every report and budget; fences and characters stay whole', () => {
    const anyReport = fc.oneof(
      fc.constantFrom(...reports),
      fc
        .tuple(fc.constantFrom(...reports), fc.nat(hostileTexts.length))
        .map(([report, seed]) => hostile(report, seed)),
      fc
        .record({
          message: fc.string({ unit: 'grapheme', maxLength: 2_000 }),
          output: fc.string({ unit: 'grapheme', maxLength: 5_000 }),
          note: fc.string({ unit: 'binary', maxLength: 300 }),
        })
        .map(
          ({ message, output, note }): DeployReport => ({
            ...reverted,
            warnings: [note, message],
            error: { code: note, message, hint: note, output },
          }),
        ),
    );
    fc.assert(
      fc.property(anyReport, fc.integer({ min: 128, max: 40_000 }), (report, budget) => {
        const text = markdownSummary(report, budget);
        expect(size(text)).toBeLessThanOrEqual(budget);
        expect(text.startsWith('## ')).toBe(true);
        expectWhole(text);
      }),
      { numRuns: 300 },
    );
  });

  test('a cut never falls inside a character', () => {
    const texts = fc.string({
      unit: fc.constantFrom('é', '名', '🧑‍💻', 'a', '\n'),
      minLength: 50,
      maxLength: 3_000,
    });
    fc.assert(
      fc.property(texts, fc.integer({ min: 128, max: 6_000 }), (output, budget) => {
        const report = { ...undone, error: { code: 'x', message: output, output }, warnings: [output] };
        expect(markdownSummary(report, budget)).not.toContain('\ufffd');
      }),
    );
  });
});

test.each([
  ['deploy@10.0.0.1:2222: not well', '`deploy@10.0.0.1:2222`: not well'],
  ['deploy@prod.example.com: not well', '`deploy@prod.example.com`: not well'],
  ['(ops@[fd00::1]:22)', undefined],
])('an address in a sentence is code, with its port: %s', (text, wanted) => {
  const shown = prose(text, 200);
  if (wanted === undefined) expect(shown).not.toMatch(/(?<!`)ops@\w/);
  else expect(shown).toBe(wanted);
});
