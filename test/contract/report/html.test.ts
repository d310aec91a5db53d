import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { headline } from '../../../src/report/headline.ts';
import { htmlReport } from '../../../src/report/html/page.ts';
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

/** The page in a real browser: Debian's package `chromium`, or the one that CHROMIUM names. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
];

let browser: Browser;
let server: Server;
let content = '';
/** What the browser asked the server for. */
const asked: string[] = [];

beforeAll(async () => {
  browser = await chromium.launch({ executablePath, args: [...flags, '--disable-sync', '--no-first-run'] });
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.setHeader('content-type', 'text/html; charset=utf-8').end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

interface Opened {
  readonly page: Page;
  /** Console messages, page errors, dialogs and requests beyond the page itself. */
  readonly incidents: readonly string[];
}

async function open(
  report: DeployReport,
  options: { readonly width?: number; readonly scheme?: 'light' | 'dark' } = {},
  use: (opened: Opened) => Promise<void> = async () => {},
): Promise<readonly string[]> {
  content = htmlReport(report);
  asked.length = 0;
  const incidents: string[] = [];
  const page = await browser.newPage({
    viewport: { width: options.width ?? 1200, height: 900 },
    colorScheme: options.scheme ?? 'light',
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/report`;
  page.on('console', (message) => incidents.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => incidents.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:'))
      incidents.push(`request: ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    incidents.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  try {
    await page.goto(url, { waitUntil: 'load' });
    await use({ page, incidents });
    await page.waitForTimeout(20); // a late request or error would come now
  } finally {
    await page.close();
  }
  if (asked.join() !== '/report') incidents.push(`the server was asked for ${asked.join()}`);
  return incidents;
}

const named: readonly (readonly [string, DeployReport])[] = [
  ['confirmed', confirmed],
  ['reverted', reverted],
  ['undone', undone],
  ['ten hosts', tenHosts],
  ['interrupted', interrupted],
];

describe.each(named)('%s', (_name, report) => {
  test.each([
    [1200, 'light'],
    [1200, 'dark'],
    [360, 'light'],
  ] as const)(
    'opens at %i px (%s): no message, no request, nothing cut off, readable',
    async (width, scheme) => {
      const incidents = await open(report, { width, scheme }, async ({ page }) => {
        expect((await page.locator('h1').textContent())?.replace(/\s+/g, ' ')).toBe(headline(report));
        expect(
          await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'),
        ).toBeLessThanOrEqual(0);
        expect(await page.evaluate(weakText)).toEqual([]);
        expect(await page.evaluate(labelsOutsideTheirBars)).toEqual([]);
      });
      expect(incidents).toEqual([]);
    },
  );

  test('every drawn step is seen and has a name', async () => {
    const incidents = await open(report, {}, async ({ page }) => {
      const bars = page.locator('.lane .bar');
      expect(await bars.count()).toBe(report.hosts.flatMap((host) => host.steps).length);
      expect(
        await page.evaluate(
          `[...document.querySelectorAll('.lane .bar')].filter((bar) => bar.getBoundingClientRect().width < 1 && getComputedStyle(bar).strokeWidth === '0px').length`,
        ),
      ).toBe(0);
      for (const step of report.hosts[0]?.steps ?? []) {
        expect(await page.getByRole('img', { name: new RegExp(`^${step.name}, `) }).count()).toBeGreaterThan(
          0,
        );
      }
    });
    expect(incidents).toEqual([]);
  });
});

test('on paper every step is there, opened or not', async () => {
  await open(tenHosts, {}, async ({ page }) => {
    const row = page.locator('table.steps tr', { hasText: 'transfer' }).last();
    expect(await row.isVisible()).toBe(false);
    await page.emulateMedia({ media: 'print' });
    expect(await row.isVisible()).toBe(true);
    expect((await page.pdf({ format: 'A4' })).byteLength).toBeGreaterThan(10_000);
  });
});

test('the keyboard reaches what scrolls and what opens', async () => {
  await open(tenHosts, { width: 360 }, async ({ page }) => {
    const reached = new Set<string>();
    for (let index = 0; index < 25; index++) {
      await page.keyboard.press('Tab');
      reached.add(
        String(
          await page.evaluate('document.activeElement?.tagName + "." + document.activeElement?.className'),
        ),
      );
    }
    expect([...reached]).toEqual(expect.arrayContaining(['A.', 'DIV.scroll', 'SUMMARY.']));
  });
});

test('the policy stops what would have slipped through', async () => {
  const page = htmlReport(confirmed).replace(
    '</main>',
    '<img src="http://127.0.0.1:9/x"><script>document.title="owned"</script></main>',
  );
  const tab = await browser.newPage();
  const sent: string[] = [];
  tab.on('requestfinished', (request) => sent.push(request.url()));
  await tab.setContent(page);
  expect(await tab.title()).not.toBe('owned');
  expect(sent.filter((url) => url.startsWith('http'))).toEqual([]);
  await tab.close();
});

test('hostile text: shown, never run', async () => {
  for (const [seed] of hostileTexts.entries()) {
    const poisoned = hostile(reports[seed % reports.length] ?? confirmed, seed);
    const incidents = await open(poisoned, { width: 360 }, async ({ page }) => {
      expect(
        await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'),
      ).toBeLessThanOrEqual(0);
      expect((await page.locator('h1').textContent())?.replace(/\s+/g, '')).toBe(
        headline(poisoned).replace(/\s+/g, ''),
      );
      expect(await page.locator('script, img, iframe, body > :not(main)').count()).toBe(0);
    });
    expect(incidents).toEqual([]);
  }
}, 240_000);

test('five megabytes of log: a page that opens at once and shows the end', async () => {
  const output = `${hugeLog()}the last line`;
  const incidents = await open(
    { ...undone, error: { code: 'x', message: 'm', output } },
    {},
    async ({ page }) => {
      expect(await page.locator('pre').first().textContent()).toMatch(/the last line$/);
    },
  );
  expect(incidents).toEqual([]);
});

/** Texts with less contrast than 4.5 : 1 (WCAG 2.2, 1.4.3) to the first opaque background behind them. */
const weakText = `(() => {
  const rgb = (colour) => { const m = colour.match(/[\\d.]+/g).map(Number); return colour.startsWith('color(') ? m.slice(0, 3).map((v) => v * 255).concat(m[3] ?? 1) : m; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => { for (let e = element; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if ((c[3] ?? 1) === 1) return c; } return [255, 255, 255]; };
  const weak = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (!own || element.closest('title') || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    let back = behind(element);
    if (element.matches('text.label')) back = rgb(getComputedStyle(element.parentElement.querySelector('rect')).fill);
    const [a, b] = [light(rgb(element.ownerSVGElement ? style.fill : style.color)), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) weak.push(element.outerHTML.slice(0, 120) + ' ' + ratio.toFixed(2));
  }
  return weak;
})()`;

/** Labels that a reader would see run over the end of their bar. */
const labelsOutsideTheirBars = `[...document.querySelectorAll('.lane text.label')]
  .filter((label) => label.getClientRects().length > 0)
  .filter((label) => label.getBoundingClientRect().right > label.parentElement.querySelector('rect').getBoundingClientRect().right)
  .map((label) => label.textContent)`;
