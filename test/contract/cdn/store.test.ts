import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Listed, ObjectStore, StoredObject } from '../../../src/cdn/store.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { openAt } from '../../support/cdn/open.ts';
import { startCeph } from '../../support/cdn/stores/ceph.ts';
import { environmentOf, type S3Server } from '../../support/cdn/stores/server.ts';
import { startVersity } from '../../support/cdn/stores/versitygw.ts';

const oddKeys = [
  'index.html',
  'with space/and  two.html',
  'plus+and%percent%20.js',
  '~\'quotes"&amp;<tag>.txt',
  'ünïcode/é composed',
  'e\u0301 decomposed',
  '日本語/𝒳-above-ffff.css',
  'semi;colon=equals,comma@at:colon!*().js',
  '#hash?query=1&b=2',
  'back\\slash',
  'dots/..hidden/...',
  // 1,024 bytes with the prefix; versitygw keeps objects as files, whose names end at 255.
  `${'long/'.repeat(50)}${'ä'.repeat(127)}/${'b'.repeat(255)}/${'c'.repeat(255)}/odd`,
];
const bytesOf = (content: string) => ({ bytes: Buffer.from(content) });
const base64url = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64url');
const plain = { 'content-type': 'text/plain' };

async function all(pages: AsyncIterable<readonly Listed[]>): Promise<Listed[]> {
  const found: Listed[] = [];
  for await (const page of pages) found.push(...page);
  return found;
}
const keysOf = (listed: readonly Listed[]) => listed.map(({ key }) => key).sort();

describe.each([
  { name: 'versitygw', start: startVersity },
  { name: 'Ceph', start: startCeph },
])('a store on $name', ({ start }) => {
  let server: S3Server;
  let folder: string;
  let store: ObjectStore;

  beforeAll(async () => {
    [server, folder] = await Promise.all([start(), mkdtemp(join(tmpdir(), 'sluice-store-'))]);
    await server.makeBucket('site');
    store = await openAt(server, { prefix: 'odd/' });
  });
  afterAll(async () => {
    store?.close();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('puts, gets, copies, lists and removes whatever a key may be', async () => {
    const blobs = oddKeys.map((_, at) => `blobs/${at}`);
    for (const [at, key] of oddKeys.entries()) {
      const etag = await store.put(key, bytesOf(key), plain);
      expect(await store.get(key)).toMatchObject({ bytes: Buffer.from(key), etag });
      expect(await store.get(key, { unless: etag as string })).toBe('unchanged');
      expect(await store.copy(key, blobs[at] as string, undefined, etag)).toBeDefined();
    }
    expect(keysOf(await all(store.list('')))).toEqual([...oddKeys, ...blobs].sort());
    expect(await store.get('blobs/5')).toMatchObject({ bytes: Buffer.from(oddKeys[5] as string) });
    await store.remove([...oddKeys, ...blobs]);
    await store.remove(['never/was.html']);
    expect(await all(store.list(''))).toEqual([]);
  });

  it('keeps all headers, and a copy has those it is given', async () => {
    const headers = {
      'cache-control': 'public, max-age=300, must-revalidate',
      'content-type': 'text/html; charset=utf-8',
      'content-encoding': 'br',
      'content-disposition': 'inline; filename="a b.html"',
      'content-language': 'de',
      'x-amz-meta-origin': 'tests',
    };
    const etag = await store.put('page.html', bytesOf('page'), headers);
    expect(await store.head('page.html')).toEqual({ etag, size: 4, headers });
    const others = { 'content-type': 'text/css', 'cache-control': 'no-cache' };
    await store.copy('page.html', 'kept', undefined);
    await store.copy('page.html', 'other.css', others);
    expect(await store.head('kept')).toEqual({ etag, size: 4, headers });
    expect(await store.head('other.css')).toEqual({ etag, size: 4, headers: others });
    const changed = { ...headers, 'cache-control': 'public, max-age=60', 'content-language': 'en' };
    const copied = await store.copy('page.html', 'page.html', changed, etag);
    expect(await store.head('page.html')).toEqual({ etag: copied, size: 4, headers: changed });
  });

  it('writes on conditions only', async () => {
    const first = await store.put('lease', bytesOf('mine'), plain, { ifAbsent: true });
    expect(first).toBeDefined();
    expect(await store.put('lease', bytesOf('yours'), plain, { ifAbsent: true })).toBeUndefined();
    expect(await store.put('lease', bytesOf('yours'), plain, { ifMatch: '"0123"' })).toBeUndefined();
    expect(await store.put('none', bytesOf('yours'), plain, { ifMatch: first as string })).toBeUndefined();
    expect(await store.get('lease')).toMatchObject({ bytes: Buffer.from('mine') });
    const second = await store.put('lease', bytesOf('mine again'), plain, { ifMatch: first as string });
    expect(second).toBeDefined();
    expect(await store.copy('lease', 'copy', undefined, first)).toBeUndefined();
    expect(await store.copy('none', 'copy', undefined)).toBeUndefined();
    expect([await store.get('copy'), await store.head('copy'), await store.get('none')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('tells the time of the store', async () => {
    await store.put('now', bytesOf('x'), plain);
    const now = await store.get('now');
    if (now === undefined || now === 'unchanged') throw new Error('it was just put');
    expect(now.now - now.modified).toBeLessThan(60_000);
    expect(Math.abs(now.now - Date.now())).toBeLessThan(60_000);
  });

  it('puts files: none, some and many bytes', async () => {
    const sizes = [0, 1, 300 * 1024, 16 * 1024 * 1024, 16 * 1024 * 1024 + 1];
    const pattern = randomBytes(17 * 1024 * 1024);
    for (const size of sizes) {
      const content = pattern.subarray(0, size);
      const file = join(folder, `file-${size}`);
      await writeFile(file, content);
      const before = store.counts().requests;
      const etag = await store.put(`files/${size}`, { file, size, sha256: base64url(content) }, plain);
      const after = store.counts().requests;
      const cost = { put: 0, post: 0, ...store.cost(size) };
      expect({ put: after.put - before.put, post: after.post - before.post }).toEqual(cost);
      const back = await store.get(`files/${size}`);
      expect(back).toMatchObject({ etag });
      expect(base64url((back as StoredObject).bytes)).toBe(base64url(content));
      expect(await store.head(`files/${size}`)).toEqual({ etag, size, headers: plain });
    }
  });

  it('refuses a file that has changed since it was read, small or in parts, and leaves nothing behind', async () => {
    for (const size of [10, 300 * 1024, 17 * 1024 * 1024]) {
      const file = join(folder, 'changing');
      const content = randomBytes(size);
      await writeFile(file, content);
      const meant = { file, size, sha256: base64url(randomBytes(size)) };
      await expect(store.put('changing', meant, plain)).rejects.toMatchObject({
        code: 'cdn.dist',
        message: expect.stringContaining('changed during the publication'),
      });
      await expect(store.put('changing', { ...meant, size: size + 1 }, plain)).rejects.toMatchObject({
        code: 'cdn.dist',
      });
    }
    expect(await store.head('changing')).toBeUndefined();
  });

  it('lists and deletes thousands, also in parts side by side', async () => {
    const many = await openAt(server, { prefix: 'many/' });
    const keys = Array.from({ length: 2600 }, (_, at) => `p${String(at % 26).padStart(2, '0')}/${at} é+.js`);
    await Promise.all(keys.map((key) => many.put(key, bytesOf(''), plain)));
    const wanted = [...keys].sort();
    expect(keysOf(await all(many.list('')))).toEqual(wanted);
    const splits = ['p03', 'p10/10 é+.js', 'p17/', 'zzz'];
    expect(keysOf(await all(many.list('', splits)))).toEqual(wanted);
    expect(keysOf(await all(many.list('p07/', splits)))).toEqual(
      wanted.filter((key) => key.startsWith('p07/')),
    );
    expect(many.counts()).toMatchObject({ requests: { put: 2600 } });
    await many.remove(keys.slice(0, 2500));
    expect(many.counts().requests.post).toBe(3);
    expect(keysOf(await all(many.list('')))).toEqual(keys.slice(2500).sort());
    many.close();
  });

  it('says what is wrong with the keys, the bucket and the address', async () => {
    const wrong = [
      [
        { env: { ...environmentOf(server), AWS_SECRET_ACCESS_KEY: 'not the secret'.replaceAll(' ', '-') } },
        'cdn.store-denied',
        /AWS_SECRET_ACCESS_KEY does not match/,
      ],
      [
        { env: { ...environmentOf(server), AWS_ACCESS_KEY_ID: 'AKIANOBODYKNOWS' } },
        'cdn.store-denied',
        /does not know the access key AKIA…NOWS/,
      ],
      [{ bucket: 'nobody-made-it' }, 'cdn.store-missing', /Bucket "nobody-made-it" does not exist/],
      [{ settings: { endpoint: 'http://127.0.0.1:1' } }, 'cdn.store-unreachable', /ECONNREFUSED/],
    ] as const;
    for (const [options, code, message] of wrong) {
      const other = await openAt(server, options);
      await expect(other.put('x', bytesOf('x'), plain)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
      await expect(all(other.list(''))).rejects.toMatchObject({ code });
      other.close();
    }
  });

  it('signs with the time of the store when the clock here is wrong', async () => {
    for (const off of [3_600_000, -3_600_000]) {
      const clock = { ...systemClock, now: () => Date.now() + off };
      const late = await openAt(server, { clock });
      expect(await late.put('late', bytesOf('x'), plain)).toBeDefined();
      expect(await late.head('late')).toMatchObject({ size: 1 });
      expect(late.counts()).toMatchObject({ requests: { put: 1, head: 1 }, retries: 1 });
      late.close();
    }
  });

  it('ends what is on its way when it is told to', async () => {
    const controller = new AbortController();
    const ended = await openAt(server, { signal: controller.signal });
    const reason = new Error('enough');
    const puts = Array.from({ length: 300 }, (_, at) =>
      ended.put(`ended/${at}`, { bytes: Buffer.alloc(100_000) }, plain),
    );
    setTimeout(() => controller.abort(reason), 30);
    const results = await Promise.allSettled(puts);
    const failed = results.filter((result) => result.status === 'rejected');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.every((failure) => failure.reason === reason)).toBe(true);
    await expect(ended.get('x')).rejects.toBe(reason);
    ended.close();
  });

  it('puts 200 MB in parts without holding them in memory', async () => {
    const size = 200 * 1024 * 1024;
    const file = join(folder, 'large');
    const content = Buffer.alloc(size, randomBytes(1_000_003));
    await writeFile(file, content);
    const sha256 = base64url(content);
    let most = 0;
    const before = process.memoryUsage().arrayBuffers;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }, 10);
    await store.put('large.bin', { file, size, sha256 }, plain);
    clearInterval(watch);
    expect(most).toBeLessThan(100 * 1024 * 1024);
    expect(await store.head('large.bin')).toMatchObject({ size });
    await store.remove(['large.bin']);
  });
});
