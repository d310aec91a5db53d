import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openHttp, originOf } from '../../../src/cdn/aws/http.ts';
import type { ObjectStore } from '../../../src/cdn/store.ts';
import { hurriedClock, openAt } from '../../support/cdn/open.ts';
import { environmentOf, type S3Server } from '../../support/cdn/stores/server.ts';
import { type Rules, type Storm, startStorm, type Trouble } from '../../support/cdn/stores/storm.ts';
import { startVersity } from '../../support/cdn/stores/versitygw.ts';

const plain = { 'content-type': 'text/plain' };
const bytesOf = (content: string) => ({ bytes: Buffer.from(content) });
const slowDown: Trouble = {
  kind: 'refuse',
  status: 503,
  code: 'SlowDown',
  message: 'Please reduce your request rate.',
};
const lost: Trouble = { kind: 'reset', when: 'after' };

/** The trouble for the first `times` requests of that kind, then none. */
function first(
  times: number,
  trouble: Trouble,
  is: (request: { method: string; query: URLSearchParams }) => boolean,
): Rules {
  let left = times;
  return (request) => {
    if (left === 0 || !is(request)) return undefined;
    left -= 1;
    return trouble;
  };
}

let server: S3Server;
let storm: Storm;
let store: ObjectStore;
let folder: string;
let waited: number[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-storm-'));
  server = await startVersity();
  await server.makeBucket('site');
});
beforeEach(async () => {
  storm = await startStorm(server);
  waited = [];
  store = await openAt(storm, { clock: hurriedClock(waited) });
  return async () => {
    store.close();
    await storm.stop();
  };
});
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

it('comes through a storm of SlowDown with fewer requests at a time, and loses nothing', async () => {
  let running = 0;
  const together: number[] = [];
  const sixtyFour = Promise.withResolvers<void>();
  // It takes four at a time, and looks at the first 64 once all of them are there.
  storm.setRules(async ({ nth }) => {
    running += 1;
    together.push(running);
    if (running === 64) sixtyFour.resolve();
    await (nth < 64 ? sixtyFour.promise : new Promise((resolve) => setTimeout(resolve, 15)));
    const refused = running > 4;
    running -= 1;
    return refused ? slowDown : undefined;
  });
  const keys = Array.from({ length: 400 }, (_, at) => `storm/${at}`);
  const etags = await Promise.all(keys.map((key) => store.put(key, bytesOf(key), plain)));
  expect(etags.every((etag) => etag !== undefined)).toBe(true);
  const { requests, retries } = store.counts();
  expect(requests.put).toBe(400);
  expect(retries).toBe(storm.seen.length - 400);
  expect(Math.max(...together)).toBe(64);
  // Half of it, and what 400 answers may add.
  expect(Math.max(...together.slice(64))).toBeLessThan(48);
});

it.each([
  ['a reset before', { kind: 'reset', when: 'before' }],
  ['an answer that is lost', lost],
  ['an answer that is cut off', { kind: 'cut', after: 3 }],
  ['a server that fails', { kind: 'refuse', status: 500, code: 'InternalError' }],
  ['a gateway that says nothing of S3', { kind: 'refuse', status: 502, code: '' }],
  [
    'too many requests',
    { kind: 'refuse', status: 429, code: 'TooManyRequests', headers: { 'retry-after': '7' } },
  ],
  ['a connection that is too slow for it', { kind: 'refuse', status: 400, code: 'RequestTimeout' }],
  ['another request in the way', { kind: 'refuse', status: 409, code: 'ConditionalRequestConflict' }],
] as const satisfies readonly (readonly [string, Trouble])[])(
  'repeats every request after %s',
  async (_, trouble) => {
    const once = async <T>(act: () => Promise<T>): Promise<T> => {
      storm.setRules(first(2, trouble, () => true));
      const result = await act();
      storm.setRules(() => undefined);
      return result;
    };
    const etag = await once(() => store.put('a', bytesOf('content'), plain));
    expect(await once(() => store.get('a'))).toMatchObject({ etag });
    expect(await once(() => store.copy('a', 'b', { 'content-type': 'text/css' }, etag))).toBe(etag);
    const pages = await once(async () => {
      const found: string[] = [];
      for await (const page of store.list('')) found.push(...page.map(({ key }) => key));
      return found;
    });
    expect(pages).toEqual(expect.arrayContaining(['a', 'b']));
    await once(() => store.remove(['a', 'b']));
    expect(await store.get('a')).toBeUndefined();
    expect(store.counts().requests).toMatchObject({ put: 1, copy: 1, list: 1, post: 1 });
    expect(store.counts().retries).toBeGreaterThanOrEqual(8);
    expect(waited.length).toBe(store.counts().retries);
    if (trouble.kind === 'refuse' && 'headers' in trouble)
      expect(waited.every((ms) => ms >= 7000)).toBe(true);
  },
);

it('knows its own conditional write again when the answer to it was lost', async () => {
  const isPut = (request: { method: string }) => request.method === 'PUT';
  storm.setRules(first(1, lost, isPut));
  const lease = await store.put('lease-1', bytesOf('mine'), plain, { ifAbsent: true });
  expect(lease).toBeDefined();
  storm.setRules(first(1, lost, isPut));
  const renewed = await store.put('lease-1', bytesOf('mine, later'), plain, { ifMatch: lease as string });
  expect(await store.get('lease-1')).toMatchObject({ bytes: Buffer.from('mine, later'), etag: renewed });
  storm.setRules(first(1, { kind: 'reset', when: 'before' }, isPut));
  expect(await store.put('lease-1', bytesOf('of another'), plain, { ifAbsent: true })).toBeUndefined();
  expect(await store.get('lease-1')).toMatchObject({ bytes: Buffer.from('mine, later') });
});

it('finishes an upload in parts whose end was lost, and takes the parts of one away that failed', async () => {
  const size = 16 * 1024 * 1024 + 5;
  const content = randomBytes(size);
  const file = join(folder, 'parts');
  await writeFile(file, content);
  const body = { file, size, sha256: createHash('sha256').update(content).digest('base64url') };
  const isEnd = ({ method, query }: { method: string; query: URLSearchParams }) =>
    method === 'POST' && query.has('uploadId');
  storm.setRules(first(1, lost, isEnd));
  const etag = await store.put('parts', body, plain);
  expect(await store.head('parts')).toMatchObject({ etag, size });
  expect(store.counts().requests).toMatchObject({ put: 3, post: 2 });

  storm.setRules(({ query }) =>
    query.get('partNumber') === '2' ? { kind: 'refuse', status: 400, code: 'InvalidPart' } : undefined,
  );
  await expect(store.put('failed', body, plain)).rejects.toMatchObject({ code: 'cdn.store-refused' });
  expect(storm.seen.at(-1)).toMatchObject({ method: 'DELETE', path: '/site/failed' });
  storm.setRules(() => undefined);
  expect(await store.head('failed')).toBeUndefined();
});

it('takes an error that comes with status 200 for one', async () => {
  await store.put('source', bytesOf('x'), plain);
  const isCopy = ({ method }: { method: string }) => method === 'PUT';
  storm.setRules(first(1, { kind: 'late-error', code: 'InternalError' }, isCopy));
  expect(await store.copy('source', 'copied', undefined)).toBeDefined();
  storm.setRules(() => ({ kind: 'late-error', code: 'AccessDenied' }));
  await expect(store.copy('source', 'denied', undefined)).rejects.toMatchObject({
    code: 'cdn.store-refused',
  });
});

it('gives up in the end, and says what the store said last', async () => {
  storm.setRules(() => slowDown);
  await expect(store.get('x')).rejects.toMatchObject({
    code: 'cdn.store-unreachable',
    message: expect.stringMatching(/too busy \(10 tries\): SlowDown: Please reduce/),
  });
  expect(storm.seen.length).toBe(10);
});

it('says which region is the right one, and what is not allowed', async () => {
  const refuse = (status: number, code: string, headers: Record<string, string> = {}) =>
    storm.setRules(() => ({ kind: 'refuse', status, code, headers }));
  refuse(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-3' });
  await expect(store.get('x')).rejects.toMatchObject({
    code: 'cdn.store-region',
    hint: 'cdn.region: eu-west-3',
  });
  await expect(store.head('x')).rejects.toMatchObject({ code: 'cdn.store-region' });
  refuse(403, 'AccessDenied');
  await expect(store.get('x')).rejects.toMatchObject({
    code: 'cdn.store-denied',
    hint: expect.stringContaining('s3:ListBucket'),
  });
  await expect(store.head('x')).rejects.toMatchObject({ code: 'cdn.store-denied' });
  await expect(store.put('x', bytesOf('x'), plain)).rejects.toMatchObject({
    hint: expect.stringContaining('s3:PutObject'),
  });
  await expect(store.remove(['x', 'y'])).rejects.toMatchObject({
    hint: expect.stringContaining('s3:DeleteObject'),
  });
  refuse(403, 'ExpiredToken');
  await expect(store.get('x')).rejects.toMatchObject({ message: expect.stringContaining('has expired') });
});

it('writes without conditions where they are ignored, and where they are not known', async () => {
  storm.setRules(() => ({ kind: 'ignore-conditions' }));
  await store.put('loose', bytesOf('1'), plain);
  expect(await store.put('loose', bytesOf('2'), plain, { ifAbsent: true })).toBeDefined();
  storm.setRules(({ headers }) =>
    headers['if-none-match'] === undefined
      ? undefined
      : { kind: 'refuse', status: 501, code: 'NotImplemented' },
  );
  expect(await store.put('loose', bytesOf('3'), plain, { ifAbsent: true })).toBeDefined();
  expect(await store.get('loose')).toMatchObject({ bytes: Buffer.from('3') });
});

it('takes the parts of a large file away when the run is cancelled', async () => {
  const controller = new AbortController();
  const ended = await openAt(storm, { signal: controller.signal });
  const bytes = randomBytes(40 * 1024 * 1024);
  storm.setRules(({ query }) => {
    if (query.get('partNumber') === '3') controller.abort(new Error('cancelled'));
    return undefined;
  });
  await expect(ended.put('cancelled', { bytes }, plain)).rejects.toThrow('cancelled');
  expect(storm.seen.at(-1)).toMatchObject({ method: 'DELETE', path: '/site/cancelled' });
  ended.close();
});

it('goes through a proxy if the environment names one', async () => {
  const asked: string[] = [];
  const proxy = createServer((request, response) => {
    asked.push(request.url ?? '');
    const { method, headers } = request;
    const onward = httpRequest(request.url ?? '', { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as { port: number };
  const env = { ...environmentOf(server), HTTP_PROXY: `http://127.0.0.1:${port}` };
  const behind = await openAt(server, { env });
  expect(await behind.put('by/proxy', bytesOf('x'), plain)).toBeDefined();
  expect(asked).toEqual([`${server.endpoint}/site/by/proxy`]);
  behind.close();
  proxy.closeAllConnections();
  proxy.close();
});

it('waits for an answer so long and no longer', async () => {
  storm.setRules(() => ({ kind: 'slow', ms: 5000 }));
  const http = openHttp({}, new AbortController().signal, { silenceMs: 50 });
  const origin = originOf(new URL(storm.endpoint));
  const asked = http.send({ method: 'GET', origin, path: '/', headers: { host: 'front' } });
  await expect(asked).rejects.toMatchObject({ code: 'ETIMEDOUT', message: 'no data for 0.05 s' });
  http.close();
});

it('lets the heartbeat of the lease through while hundreds of files wait on a slow line', async () => {
  const gate = Promise.withResolvers<undefined>();
  storm.setRules(({ path }) => (path.includes('/files/') ? gate.promise : undefined));
  const files = Array.from({ length: 200 }, (_, at) => store.put(`files/${at}`, bytesOf('x'), plain));
  expect(await store.put('.sluice/lease', bytesOf('mine'), plain)).toBeDefined();
  gate.resolve(undefined);
  await Promise.all(files);
});
