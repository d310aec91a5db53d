import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { headline } from '../../../src/report/headline.ts';
import { html, prose } from '../../../src/report/html/markup.ts';
import { htmlReport } from '../../../src/report/html/page.ts';
import { tickLabel, ticks } from '../../../src/report/html/scale.ts';
import { confirmed, reports, reverted, tenHosts, undone } from '../../support/report/fixtures.ts';
import { hostile, hostileTexts, hugeLog } from '../../support/report/hostile.ts';

/** The page's text without its tags, as far as a test needs it. */
const textOf = (page: string): string =>
  page
    .replace(/<(style|title)>[\s\S]*?<\/\1>/g, '')
    .replace(/<wbr>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

describe('the page', () => {
  test('says first what serves and what to do', () => {
    const text = textOf(htmlReport(reverted)).trim();
    expect(text.indexOf('Reverted')).toBe(0);
    expect(text.replaceAll(' ', '')).toContain(headline(reverted).replaceAll(' ', ''));
    expect(text.indexOf('Next')).toBeLessThan(text.indexOf('Why'));
  });

  test('has every part that the report has, and none it has not', () => {
    const titles = (page: string) => [...page.matchAll(/<h2>([^<]*)<\/h2>/g)].map(([, title]) => title);
    expect(titles(htmlReport(confirmed))).toEqual([
      'Warnings',
      'Serving now',
      'Timeline',
      'Requests to the new release',
      'Health before the switch',
      'Backup',
      'Migration',
      'Environment',
      'Images',
      'Steps',
    ]);
    expect(titles(htmlReport(undone))).toEqual([
      'Why',
      'Serving now',
      'Timeline',
      'Health before the switch',
      'Environment',
      'Images',
      'Steps',
    ]);
  });

  test('every bar has a name and its time', () => {
    const page = htmlReport(reverted);
    expect(page).toContain('aria-label="watch, 24 ms, failed"');
    expect(page).toContain('<title>reverted after 7.8 s: 5xx rate 100 % of 33 answers</title>');
    expect(page.match(/<g [^>]*role="img"/g)?.length).toBe(18 + 4);
  });

  test('ten hosts share the rows in which they agree', () => {
    const page = htmlReport(tenHosts);
    expect(page.match(/class="lane"/g)).toHaveLength(11);
    expect(page.match(/10 hosts <small>/g)).toHaveLength(2);
  });

  test('events without a lane of their own are drawn in the first', () => {
    const [host] = confirmed.hosts;
    const page = htmlReport({ ...confirmed, hosts: [{ name: 'both', steps: host?.steps ?? [] }] });
    expect(page.match(/class="mark switched"/g)).toHaveLength(1);
    expect(page.match(/class="mark confirmed"/g)).toHaveLength(1);
  });

  test('nothing but its own style is allowed', () => {
    const page = htmlReport(confirmed);
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(page).toContain(
      `content="default-src &#39;none&#39;; style-src &#39;sha256-${hash}&#39;; img-src data:; base-uri &#39;none&#39;; form-action &#39;none&#39;"`,
    );
    expect(page).not.toMatch(/ style=|<script|<img|<iframe|<object|<base|@import|url\(/);
  });

  test('five megabytes of log end in a page that opens', () => {
    const output = hugeLog();
    const page = htmlReport({
      ...undone,
      error: { code: 'x', message: output, hint: output, output },
      migration: { output, seconds: 1 },
    });
    expect(page.length).toBeLessThan(1_500_000);
    expect(page).toContain('Earlier lines are omitted.');
  });

  test.each(hostileTexts.map((_, seed) => seed))('holds only tags and attributes of ours (%i)', (seed) => {
    for (const report of reports) {
      const page = htmlReport(hostile(report, seed)).replace(/<style>[\s\S]*?<\/style>/, '');
      const tags = [...page.matchAll(/<([^<>]*)>/g)].map(([, tag]) => tag ?? '');
      const known =
        /^(!doctype html|\/?(html|head|body|main|header|section|footer|h1|h2|p|ul|li|dl|dt|dd|div|span|strong|small|code|pre|a|br|wbr|time|table|thead|tbody|tr|th|td|details|summary|figure|figcaption|title|meta|link|svg|g|rect|line|circle|text|path)( [a-z0-9-]+(="[^"]*")?)*\/?)$/i;
      for (const tag of tags) {
        expect(tag).toMatch(known);
        expect(tag.replace(/"[^"]*"/g, '')).not.toMatch(/\son\w+=/i);
        expect(tag).not.toMatch(/(href|src)="javascript:/i);
      }
      expect(page.replace(/<[^<>]*>/g, '')).not.toMatch(/[<>]/);
      expect(page).not.toMatch(
        /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/,
      );
    }
  });
});

describe('markup', () => {
  test('escapes values in text and attributes, keeps markup, drops nothing else', () => {
    expect(
      html`<p title="${'"\'&<>'}">${'<b>'}${html`<b>${1}</b>`}${[html`a`, 'b<']}${undefined}${false}</p>`
        .markup,
    ).toBe('<p title="&quot;&#39;&amp;&lt;&gt;">&lt;b&gt;<b>1</b>ab&lt;</p>');
  });

  test('backticks mark code, and unpaired ones stay', () => {
    expect(prose('Run `a <b>` or `c').markup).toBe('Run <code>a &lt;b&gt;</code> or `c');
  });
});

describe('the axis', () => {
  test.each([
    [7, [0, 1, 2, 3, 4, 5, 6, 7]],
    [1_000, [0, 200, 400, 600, 800, 1_000]],
    [41_240, [0, 10_000, 20_000, 30_000, 40_000]],
    [600_000, [0, 120_000, 240_000, 360_000, 480_000, 600_000]],
  ])('%i ms', (total, expected) => {
    expect(ticks(total)).toEqual(expected);
  });

  test('stays short for days, and says times as people do', () => {
    expect(ticks(3 * 24 * 3_600_000).length).toBeLessThanOrEqual(8);
    expect([0, 200, 15_000, 60_000, 150_000].map(tickLabel)).toEqual([
      '0',
      '0.2 s',
      '15 s',
      '1 m',
      '2 m 30 s',
    ]);
  });
});
