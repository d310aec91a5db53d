import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verdictOf } from '../../../src/cdn/report/lines.ts';
import { type PublishedSite, startPublishedSite } from '../../support/cdn/published-site.ts';
import type { S3Server } from '../../support/cdn/stores/server.ts';
import { startVersity } from '../../support/cdn/stores/versitygw.ts';

/** A real browser: Debian's package `chromium`, or the one that CHROMIUM names. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
];

let browser: Browser;
let server: S3Server;
beforeAll(async () => {
  [browser, server] = await Promise.all([
    chromium.launch({ executablePath, args: [...flags, '--disable-sync', '--no-first-run'] }),
    startVersity(),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

interface Tab {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Everything that a visitor's console would show in red. */
  readonly incidents: readonly string[];
}

/** A tab of a visitor who has never been here. */
async function newVisitor(): Promise<Tab> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const incidents: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      incidents.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => incidents.push(`error: ${error.message}`));
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? '';
    // Whoever reloads leaves what still loads.
    if (why !== 'net::ERR_ABORTED') incidents.push(`failed: ${request.url()} ${why}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) incidents.push(`${response.status()}: ${response.url()}`);
  });
  return { context, page, incidents };
}

/** Which release the page is of, and which one its modules; once they have run. */
async function releaseOf(page: Page): Promise<string> {
  const ready = page.locator('html[data-ready]');
  await ready.waitFor({ state: 'attached', timeout: 10_000 });
  return `${await page.locator('h1').textContent()} ${await ready.getAttribute('data-ready')}`;
}

async function loadChunk(page: Page, chunk: number): Promise<string | null> {
  await page.evaluate(`document.querySelector('button').dataset.chunk = '${chunk}'`);
  await page.locator('button').click();
  const output = page.locator('output', { hasText: `chunk ${chunk} ` });
  await output.waitFor();
  return output.textContent();
}

describe('a tab that was open before', () => {
  let site: PublishedSite;
  beforeAll(async () => {
    site = await startPublishedSite(server, 'tabs');
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  test('goes on loading its chunks after a release, and after the way back', async () => {
    expect(verdictOf((await site.publish('r1')).verify)).toBe('pass');
    const old = await newVisitor();
    await old.page.goto(site.edge.url);
    expect(await releaseOf(old.page)).toBe('r1 r1');
    expect(await loadChunk(old.page, 1)).toBe('chunk 1 of r1');

    expect(verdictOf((await site.publish('r2')).verify)).toBe('pass');
    // Nothing at the edge helps: what comes now is in the store.
    site.edge.purge(['/*']);
    expect(await loadChunk(old.page, 2)).toBe('chunk 2 of r1');

    const fresh = await newVisitor();
    await fresh.page.goto(site.edge.url);
    expect(await releaseOf(fresh.page)).toBe('r2 r2');

    expect(verdictOf((await site.rollback()).verify)).toBe('pass');
    expect(await loadChunk(fresh.page, 3)).toBe('chunk 3 of r2');
    await fresh.page.reload();
    expect(await releaseOf(fresh.page)).toBe('r1 r1');
    await old.page.reload();
    expect(await loadChunk(old.page, 4)).toBe('chunk 4 of r1');
    expect([...old.incidents, ...fresh.incidents]).toEqual([]);
    expect(site.edge.errors().filter(({ url }) => !url.includes('/sluice-'))).toEqual([]);
    await Promise.all([old.context.close(), fresh.context.close()]);
  });
});

test('who reloads while releases come and go never sees half of one', async () => {
  // Nobody on the way keeps a page, so that the store is seen as it is at each moment.
  const rule = "headers: [{ match: '*.html', set: { cache-control: no-cache } }]";
  await using site = await startPublishedSite(server, 'reloads', [rule]);
  await site.publish('r1');
  let over = false;
  const visit = async () => {
    const tab = await newVisitor();
    // Everything is asked for again each time.
    const devtools = await tab.context.newCDPSession(tab.page);
    await devtools.send('Network.enable');
    await devtools.send('Network.setCacheDisabled', { cacheDisabled: true });
    const seen: string[] = [];
    const end = (async () => {
      while (!over) {
        await tab.page.goto(site.edge.url, { waitUntil: 'load', timeout: 20_000 });
        seen.push(await releaseOf(tab.page));
      }
      await tab.context.close();
    })();
    return { ...tab, seen, end };
  };
  const visitors = await Promise.all([visit(), visit()]);
  const ended = Promise.all(visitors.map(({ end }) => end));
  const everybodySees = (release: string) =>
    Promise.race([
      ended,
      expect
        .poll(() => visitors.map(({ seen }) => seen.at(-1)), { timeout: 60_000 })
        .toEqual([`${release} ${release}`, `${release} ${release}`]),
    ]);
  try {
    await everybodySees('r1');
    for (const release of ['r2', 'r3']) {
      await site.publish(release);
      await everybodySees(release);
    }
    await site.rollback('r1');
    await everybodySees('r1');
    await site.publish('r4');
    await everybodySees('r4');
  } finally {
    over = true;
  }
  await ended;
  for (const { incidents, seen } of visitors) {
    expect(incidents).toEqual([]);
    // Each page with its own modules, and never back to what was replaced.
    const changes = seen.filter((sight, index) => sight !== seen[index - 1]);
    expect(changes).toEqual(['r1 r1', 'r2 r2', 'r3 r3', 'r1 r1', 'r4 r4']);
  }
  expect(site.edge.errors().filter(({ url }) => !url.includes('/sluice-'))).toEqual([]);
});
