import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { entriesOf, settingsOf } from '../../support/cdn/pages.ts';
import { closeAll, impatient, page, site, started, status, told, verify } from '../../support/cdn/visitor.ts';
import {
  type Answerer,
  answerWith,
  type Certificate,
  listen,
  makeCertificate,
  serve,
} from '../../support/cdn/web-server.ts';

afterEach(closeAll);

let certificate: Certificate;
beforeAll(() => {
  certificate = makeCertificate();
});

test('a root that redirects is followed once, and told', async () => {
  const there = await started(serve(site, {}, certificate));
  const { port } = new URL(there.url);
  const here = await started(
    listen((request, response) =>
      status(301, { location: `https://localhost:${port}${request.url}` })(request, response, 1),
    ),
  );
  setDefaultCACertificates([...getCACertificates('default'), certificate.cert]);
  const report = await verify(here.url);
  expect(told(report)).toEqual([
    `warn content /: redirects visitors to https://localhost:${port}/; set cdn.url to that URL`,
  ]);
  expect(report).toMatchObject({ pages: 3, timing: { lookup: expect.any(Number), tls: expect.any(Number) } });
});

describe('a site that cannot be reached is one finding', () => {
  test('a certificate that nobody vouches for', async () => {
    setDefaultCACertificates([]);
    const { url } = await started(serve(site, {}, certificate));
    const report = await verify(url, { settings: settingsOf({ forMs: 60_000 }) });
    expect(told(report)).toEqual(['fail content /: has a self-signed certificate']);
    expect(report).toMatchObject({ pages: 0, assets: 0, timing: undefined });
  });

  test('nobody listens', async () => {
    const { url, close } = await listen(() => {});
    await close();
    expect(told(await verify(url))).toEqual([
      'fail content /: refuses connections: nothing listens on that port',
    ]);
  });

  test('a name that does not exist', async () => {
    const report = await verify('https://sluice.invalid/', { settings: settingsOf({ forMs: 1 }) });
    expect(told(report)).toEqual([
      expect.stringMatching(/^fail content \/: has a host name that (?:does not exist in DNS|DNS )/),
    ]);
  });

  test('it hangs', async () => {
    const { url } = await started(listen(() => {}));
    expect(told(await verify(url, {}, { limits: impatient }))).toEqual([
      'fail content /: does not answer: no answer within 0.7 s',
    ]);
  });

  test('a password in the URL is used and not shown', async () => {
    let authorization: string | undefined;
    const { url } = await started(
      listen((request, response) => {
        authorization = request.headers.authorization;
        response.writeHead(500).end();
      }),
    );
    const report = await verify(url.replace('//', '//user:secret@'), {
      entries: entriesOf({ 'index.html': '' }),
    });
    expect(authorization).toBe(`Basic ${Buffer.from('user:secret').toString('base64')}`);
    expect(JSON.stringify(report)).not.toContain('secret');
  });
});

test.each<[string, Answerer, string]>([
  ['a page that hangs', () => {}, 'no answer within 0.7 s'],
  [
    'a page that never ends',
    (_, response) => void response.writeHead(200).write('<p>'),
    'no complete answer within 1.2 s',
  ],
])('%s', async (_, answerer, expected) => {
  const { url } = await started(serve(site, { '/about.html': answerer }));
  expect(told(await verify(url, {}, { limits: impatient }))).toEqual([
    `fail content /about.html: does not answer: ${expected}`,
  ]);
});

test('what hangs after the root is not waited for a hundred times', async () => {
  const pages = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`${index}.html`, String(index)]),
  );
  const contents = { 'index.html': page('home'), ...pages };
  const { url } = await started(
    listen((request, response) => {
      if (request.url === '/') answerWith(contents, request, response);
    }),
  );
  const report = await verify(
    url,
    {
      entries: entriesOf(contents),
      settings: settingsOf({ pages: 61, forMs: 1 }),
    },
    { limits: impatient },
  );
  expect(told(report)).toEqual([
    expect.stringMatching(/does not answer: no answer within 0.7 s \(and .*, and \d+ more\)$/),
    expect.stringMatching(/was not checked: the site no longer answers \(and .*, and \d+ more\)$/),
  ]);
});

test('a slow root page: the best of three counts, and the warning says of what', async () => {
  const slow = await started(
    serve(site, {
      '/': (request, response) => void setTimeout(() => answerWith(site, request, response), 400),
    }),
  );
  const budget = { ...settingsOf().budget, firstByte: 300, total: 60_000 };
  expect(told(await verify(slow.url, { settings: settingsOf({ budget }) }))).toEqual([
    expect.stringMatching(/^warn timing \/: The first byte took \d+ ms; the budget is 300 ms$/),
  ]);
  const once = await started(
    serve(site, {
      '/': (request, response, times) =>
        void setTimeout(() => answerWith(site, request, response), times === 1 ? 400 : 0),
    }),
  );
  expect(told(await verify(once.url, { settings: settingsOf({ budget }) }))).toEqual([]);
});

test('an interruption ends it at once', async () => {
  const control = new AbortController();
  const { url } = await started(listen(() => control.abort(new Error('enough'))));
  await expect(
    verify(url, { settings: settingsOf({ forMs: 60_000 }) }, { signal: control.signal }),
  ).rejects.toThrow('enough');
});

test('it goes through the proxy of the environment', async () => {
  const proxy = await started(serve(site));
  const { findings } = await verify('http://sluice.invalid/', {}, { env: { HTTP_PROXY: proxy.url } });
  expect(findings).toEqual([]);
  expect(proxy.asked).toContain('GET http://sluice.invalid/about.html');
});
