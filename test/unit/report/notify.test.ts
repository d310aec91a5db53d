import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';
import { type NotifyEffects, notifySlack } from '../../../src/report/notify.ts';
import { confirmed, undone } from '../../support/report/fixtures.ts';

const secretPath = '/services/T0AB12CD3/B0EF45GH6/x9Yz8Wv7Ut6Sr5Qp4On3Ml2K';

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly method: string | undefined;
  readonly body: string;
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void;
const status =
  (code: number, body = '', headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(code, headers).end(body);

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** A webhook that gives the answers one after the other, the last one for ever. */
async function webhook(
  ...answers: readonly Answer[]
): Promise<{ readonly url: string; readonly received: Received[] }> {
  const received: Received[] = [];
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const answer = answers[Math.min(received.length, answers.length - 1)];
      received.push({ headers: request.headers, method: request.method, body });
      answer?.(response, request);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}${secretPath}`, received };
}

/** The real clock, fifty times as fast, that remembers what was waited for. */
function effects(
  change: Partial<NotifyEffects> = {},
): NotifyEffects & { readonly warnings: string[]; readonly waits: number[] } {
  const warnings: string[] = [];
  const waits: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep: (ms, signal) => {
      waits.push(ms);
      // The time-out: longer than a busy machine takes for an answer that does come.
      return systemClock.sleep(ms === 5_000 ? 1_500 : ms / 50, signal);
    },
  };
  const log = { warn: (message: string) => void warnings.push(message) };
  return {
    fetch,
    signal: new AbortController().signal,
    log,
    clock,
    mask: createMask(),
    warnings,
    waits,
    ...change,
  };
}

/** One warning, with the code, and nothing of the URL in it. */
function expectOneWarning(warnings: readonly string[], what: RegExp): void {
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(what);
  expect(warnings[0]).toMatch(/^Slack was not notified: .* \[notify\.slack\]$/);
  for (const part of ['127.0.0.1', 'services', 'T0AB', 'x9Yz', 'http'])
    expect(warnings[0]).not.toContain(part);
}

describe('notifySlack', () => {
  test('posts the message as JSON, secrets masked', async () => {
    const { url, received } = await webhook(status(200, 'ok'));
    const given = effects();
    given.mask.add('password authentication');
    expect(await notifySlack(undone, url, given)).toBe(true);
    expect(given.warnings).toEqual([]);
    expect(received).toHaveLength(1);
    const [{ method, headers, body }] = received as [Received];
    expect(method).toBe('POST');
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    const message = JSON.parse(body);
    expect(message).toEqual({ text: expect.stringContaining('staging serves'), blocks: expect.any(Array) });
    expect(body).toContain('*** failed for user');
    expect(body).not.toContain('password authentication');
    expect(given.mask.scrub(`curl ${url}`)).toBe('curl ***');
  });

  test.each([
    ['429 with seconds', status(429, '', { 'retry-after': '2' }), 2_000],
    ['429 without', status(429), 1_000],
    ['429 with nonsense', status(429, '', { 'retry-after': 'later' }), 1_000],
    ['500', status(500, 'oops'), 1_000],
    ['503 with a past date', status(503, '', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }), 0],
    ['a connection cut', ((response) => void response.destroy()) as Answer, 1_000],
  ])('tries again after %s, and only once', async (_name, first, wait) => {
    const good = await webhook(first, status(200, 'ok'));
    const given = effects();
    expect(await notifySlack(confirmed, good.url, given)).toBe(true);
    expect(good.received).toHaveLength(2);
    expect(given.waits).toContain(wait);
    expect(given.warnings).toEqual([]);
  });

  test('500 twice is a warning', async () => {
    const { url, received } = await webhook(status(500, `Cannot POST ${secretPath}`));
    const given = effects();
    expect(await notifySlack(confirmed, url, given)).toBe(false);
    expect(received).toHaveLength(2);
    expectOneWarning(given.warnings, /the webhook answered 500 \[/);
  });

  test('a Retry-After of minutes is not waited for', async () => {
    const { url, received } = await webhook(status(429, '', { 'retry-after': '120' }));
    const given = effects();
    expect(await notifySlack(confirmed, url, given)).toBe(false);
    expect(received).toHaveLength(1);
    expectOneWarning(given.warnings, /the webhook answered 429 and asks to wait 120 s/);
  });

  test.each([
    [403, 'invalid_token', /the webhook answered 403 \(invalid_token\)/],
    [404, 'no_service', /the webhook answered 404 \(no_service\)/],
    [400, `Cannot POST ${secretPath}`, /the webhook answered 400 \[/],
    [302, '', /the webhook answered 302 \[/],
  ])('%i is not tried again', async (code, body, said) => {
    const { url, received } = await webhook(status(code, body, { location: 'http://127.0.0.1:1/' }));
    const given = effects();
    expect(await notifySlack(confirmed, url, given)).toBe(false);
    expect(received).toHaveLength(1);
    expectOneWarning(given.warnings, said);
  });

  test.each<[string, Answer]>([
    ['never answers', () => {}],
    ['answers half', (response) => void response.writeHead(500).write('half')],
  ])('a server that %s costs five seconds, once', async (_name, answer) => {
    const { url, received } = await webhook(answer);
    const given = effects();
    expect(await notifySlack(confirmed, url, given)).toBe(false);
    expect(received).toHaveLength(1);
    expect(given.waits).toEqual([5_000]);
    expectOneWarning(given.warnings, /no answer within 5 s/);
  });

  test('a fetch that minds no signal and never resolves does not hold the deploy', async () => {
    const given = effects({ fetch: () => new Promise<Response>(() => {}) });
    expect(await notifySlack(confirmed, 'https://hooks.example.com/services/secret', given)).toBe(false);
    expectOneWarning(given.warnings, /no answer within 5 s/);
  });

  test('nobody listens', async () => {
    const { url } = await webhook(status(200));
    server?.close();
    server?.closeAllConnections();
    const given = effects();
    expect(await notifySlack(confirmed, url, given)).toBe(false);
    expectOneWarning(given.warnings, /the webhook cannot be reached \(ECONNREFUSED\)/);
  });

  test('a cancelled run sends nothing more', async () => {
    const { url, received } = await webhook(() => {});
    const controller = new AbortController();
    const given = effects({ signal: controller.signal, clock: systemClock });
    const sent = notifySlack(confirmed, url, given);
    setTimeout(() => controller.abort(new Error('cancelled')), 50);
    expect(await sent).toBe(false);
    expect(received.length).toBeLessThanOrEqual(1);
    expectOneWarning(given.warnings, /the run was cancelled/);
  });

  test.each(['', 'SLACK_WEBHOOK_URL', 'file:///etc/passwd', 'https://', 'javascript:x9Yz'])(
    '%j is no webhook',
    async (url) => {
      const given = effects();
      expect(await notifySlack(confirmed, url, given)).toBe(false);
      expect(given.warnings).toEqual([
        'Slack was not notified: the webhook is not an http(s) URL [notify.slack]',
      ]);
    },
  );

  test('blanks around the URL, as a secret often has, do no harm', async () => {
    const { url } = await webhook(status(200, 'ok'));
    expect(await notifySlack(confirmed, ` ${url}\n`, effects())).toBe(true);
  });
});
