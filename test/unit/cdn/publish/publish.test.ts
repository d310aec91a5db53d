import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeManifest } from '../../../../src/cdn/plan/manifest.ts';
import { addRequests, noRequests, type ObjectStore, subtractRequests } from '../../../../src/cdn/store.ts';
import {
  filesOf,
  publishSample,
  type RunResult,
  rollbackSample,
  type Site,
} from '../../../support/cdn/sample-site.ts';
import {
  createBucket,
  Killed,
  type MemoryBucket,
  openMemoryStore,
} from '../../../support/cdn/stores/memory-store.ts';

const day = 86_400_000;
const one: Site = { 'index.html': '1', 'a.html': 'a1', 'logo.svg': 'x', 'assets/app-1.js': 'app 1' };
const two: Site = { 'index.html': '2', 'logo.svg': 'x', 'assets/app-2.js': 'app 2' };
const three: Site = { 'index.html': '3', 'logo.svg': 'y', 'assets/app-3.js': 'app 3' };

function content(bucket: MemoryBucket): Record<string, string> {
  const seen = [...bucket.objects].filter(([path]) => !path.startsWith('.sluice/'));
  return Object.fromEntries(seen.map(([path, { bytes }]) => [path, bytes.toString()]));
}

function own(bucket: MemoryBucket): string[] {
  return [...bucket.objects.keys()].filter((path) => path.startsWith('.sluice/')).sort();
}

function expectAsPlanned(store: ObjectStore, { work, done }: RunResult): void {
  const sent = subtractRequests(store.counts().requests, addRequests(noRequests, done?.extra ?? {}));
  expect(sent).toEqual(work.plan.requests);
}

test.each([true, false])(
  'requests are those of the plan (a store that obeys conditions: %s)',
  async (conditional) => {
    const bucket = createBucket();
    const open = () => openMemoryStore(bucket, { conditional });
    const first = open();
    const begun = await publishSample(first, bucket, one);
    // A store that ignores conditions is found out by the first publication, which asks once more than planned then.
    if (conditional) expectAsPlanned(first, begun);
    const steps: readonly ((store: ObjectStore) => Promise<RunResult>)[] = [
      (store) => publishSample(store, bucket, one),
      (store) => publishSample(store, bucket, two, { author: { name: 'v2' } }),
      (store) =>
        publishSample(store, bucket, two, { headers: { 'logo.svg': 'max-age=1', 'index.html': 'no-store' } }),
      (store) => rollbackSample(store, bucket),
      (store) => publishSample(store, bucket, three),
      (store) => {
        bucket.now += 30 * day;
        return publishSample(store, bucket, one, { settings: { keep: 1 } });
      },
      (store) => publishSample(store, bucket, three, { settings: { keep: 1 } }),
    ];
    for (const step of steps) {
      const store = open();
      expectAsPlanned(store, await step(store));
    }
  },
);

test('assets of earlier releases stay, pages and other files leave; what is over goes in the end', async () => {
  const bucket = createBucket();
  const settings = { keep: 1, graceMs: 7 * day };
  await publishSample(openMemoryStore(bucket), bucket, one, { settings });
  await publishSample(openMemoryStore(bucket), bucket, two, { settings });
  expect(content(bucket)).toEqual({ ...two, 'assets/app-1.js': 'app 1' });
  bucket.now += 8 * day;
  // Release 1 is no longer kept by the next one, but its grace period began with release 2.
  await publishSample(openMemoryStore(bucket), bucket, three, { settings });
  expect(content(bucket)).toEqual({ ...three, 'assets/app-2.js': 'app 2' });
  expect(own(bucket).filter((path) => path.includes('releases'))).toEqual(['.sluice/releases/2']);
  bucket.now += 8 * day;
  await publishSample(openMemoryStore(bucket), bucket, { ...three, 'new.html': 'n' }, { settings });
  expect(content(bucket)).toEqual({ ...three, 'new.html': 'n' });
  const blobs = own(bucket).filter((path) => path.includes('blobs'));
  expect(blobs).toHaveLength(0);
});

test('a rollback brings any kept release back, byte by byte, and the way forward is open', async () => {
  const bucket = createBucket();
  for (const [name, site] of Object.entries({ v1: one, v2: two, v3: three })) {
    await publishSample(openMemoryStore(bucket), bucket, site, { author: { name } });
  }
  const back = await rollbackSample(openMemoryStore(bucket), bucket, 'v1');
  expect(back.work.plan.release).toMatchObject({ number: 4, name: 'v1', rollbackOf: 1 });
  expect(back.work.plan.bytes).toBe(0);
  expect(content(bucket)).toMatchObject(one);
  expect(Object.keys(content(bucket)).filter((path) => path.endsWith('.html'))).toEqual([
    'index.html',
    'a.html',
  ]);
  await rollbackSample(openMemoryStore(bucket), bucket);
  expect(content(bucket)).toMatchObject(three);
  await rollbackSample(openMemoryStore(bucket), bucket, '#2');
  expect(content(bucket)).toMatchObject(two);
});

test.each([
  ['v9', 'There is no release v9'],
  ['3', 'Release 3 is the current one'],
  ['1', 'Release 1 is no longer kept'],
])('a rollback to %s is refused', async (to, message) => {
  const bucket = createBucket();
  const settings = { keep: 1 };
  for (const site of [one, two, three])
    await publishSample(openMemoryStore(bucket), bucket, site, { settings });
  await expect(rollbackSample(openMemoryStore(bucket), bucket, to)).rejects.toMatchObject({
    code: 'cdn.release',
    message,
    hint: 'Kept releases: #2 (v1).',
  });
});

test('a rollback that lacks content changes nothing', async () => {
  const bucket = createBucket();
  await publishSample(openMemoryStore(bucket), bucket, one);
  await publishSample(openMemoryStore(bucket), bucket, two);
  for (const path of own(bucket)) if (path.includes('/blobs/')) bucket.objects.delete(path);
  await expect(rollbackSample(openMemoryStore(bucket), bucket)).rejects.toMatchObject({ code: 'cdn.lost' });
  expect(content(bucket)).toEqual({ ...two, 'assets/app-1.js': 'app 1' });
});

test('a bucket of others is adopted: theirs stays, what is replaced comes back with release 0', async () => {
  const bucket = createBucket();
  const theirs = { 'index.html': 'before', 'logo.svg': 'x', 'photos/1.jpg': 'p', 'assets/old-9.js': 'o' };
  for (const [path, text] of Object.entries(theirs)) {
    await openMemoryStore(bucket).put(
      path,
      { bytes: Buffer.from(text) },
      { 'content-type': 'text/x', 'cache-control': 'c' },
    );
  }
  const { work } = await publishSample(openMemoryStore(bucket), bucket, one);
  expect(work.plan.notes.join()).toContain('holds 4 objects and no Sluice manifest');
  expect(work.plan.changes.map(({ kind, to }) => `${kind} ${to.path}`)).toEqual([
    'upload assets/app-1.js',
    'headers logo.svg',
    'upload a.html',
    'upload index.html',
  ]);
  expect(content(bucket)).toEqual({ ...theirs, ...one });
  await rollbackSample(openMemoryStore(bucket), bucket, '0');
  expect(bucket.objects.get('index.html')).toMatchObject({
    headers: { 'content-type': 'text/x', 'cache-control': 'c' },
  });
  expect(content(bucket)).toEqual({ ...theirs, 'assets/app-1.js': 'app 1' });
});

test('what others have put where a later release has its own is kept, and told', async () => {
  const bucket = createBucket();
  await publishSample(openMemoryStore(bucket), bucket, one);
  await openMemoryStore(bucket).put(
    'robots.txt',
    { bytes: Buffer.from('theirs') },
    { 'content-type': 'text/x' },
  );
  const { work } = await publishSample(openMemoryStore(bucket), bucket, { ...two, 'robots.txt': 'ours' });
  const [at = ''] = /\.sluice\/blobs\/[^)]+/.exec(work.plan.notes.join()) ?? [];
  expect(bucket.objects.get(at)).toMatchObject({
    bytes: Buffer.from('theirs'),
    headers: { 'content-type': 'text/x' },
  });
  expect(content(bucket)['robots.txt']).toBe('ours');
});

test('an object that somebody else has put at one of our paths is not deleted', async () => {
  const bucket = createBucket();
  const settings = { keep: 1, graceMs: 0 };
  await publishSample(openMemoryStore(bucket), bucket, one, { settings });
  const put = (path: string) => openMemoryStore(bucket).put(path, { bytes: Buffer.from('theirs') }, {});
  await put('a.html');
  const second = await publishSample(openMemoryStore(bucket), bucket, two, { settings });
  expect(second.done?.notes.join()).toContain('Not deleted, because another writer replaced them: a.html');
  await put('assets/app-1.js');
  bucket.now += day;
  const third = await publishSample(openMemoryStore(bucket), bucket, three, { settings });
  expect(third.done?.notes.join()).toContain('assets/app-1.js');
  expect(content(bucket)).toMatchObject({ 'a.html': 'theirs', 'assets/app-1.js': 'theirs' });
});

test.each([true, false])(
  'of two publishers one wins, and the other says who (conditions: %s)',
  async (conditional) => {
    const bucket = createBucket();
    await publishSample(openMemoryStore(bucket, { conditional }), bucket, one);
    const run = (site: Site, by: string) =>
      publishSample(openMemoryStore(bucket, { conditional }), bucket, site, { author: { by, name: by } });
    const ends = await Promise.allSettled([run(two, 'ann'), run(three, 'bob')]);
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatchObject({ code: 'cdn.busy', message: expect.stringMatching(/^(ann|bob) /) });
    const winner = ends[0]?.status === 'fulfilled' ? two : three;
    expect(content(bucket)).toEqual({ ...winner, 'assets/app-1.js': 'app 1' });
  },
);

test('whoever plans while another publishes is refused by the manifest', async () => {
  const bucket = createBucket();
  await publishSample(openMemoryStore(bucket), bucket, one);
  const store = openMemoryStore(bucket);
  const late = {
    ...store,
    get: waitingOnce(store.get, () => publishSample(openMemoryStore(bucket), bucket, two)),
  };
  await expect(publishSample(late, bucket, three)).rejects.toMatchObject({ code: 'cdn.moved' });
  expect(content(bucket)).toEqual({ ...two, 'assets/app-1.js': 'app 1' });
});

/** Lets something happen before the third request: after the plan's own two, before the lease. */
function waitingOnce(get: ObjectStore['get'], meanwhile: () => Promise<unknown>): ObjectStore['get'] {
  let count = 0;
  return async (...given) => {
    count += 1;
    if (count === 3) await meanwhile();
    return await get(...given);
  };
}

const sites = fc.dictionary(
  fc.constantFrom(
    'index.html',
    'a.html',
    'b/index.html',
    'robots.txt',
    'logo.svg',
    'assets/x-1.js',
    'assets/y-2.js',
    'assets/z.js',
  ),
  fc.constantFrom('red', 'green', 'blue'),
);
const events = fc.record({
  site: sites,
  back: fc.boolean(),
  killAt: fc.option(fc.nat(40), { nil: undefined }),
  carriedOut: fc.boolean(),
  later: fc.constantFrom(60_000, 2 * day, 20 * day),
});

test('whatever is published, cut off and brought back, in whatever order: the last one that ended is what is there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(events, { minLength: 1, maxLength: 8 }), async (history) => {
      const bucket = createBucket();
      await openMemoryStore(bucket).put('others/1', { bytes: Buffer.from('theirs') }, {});
      for (const { site, back, killAt, carriedOut, later } of history) {
        bucket.now += later;
        const store = openMemoryStore(bucket, { ...(killAt === undefined ? {} : { killAt }), carriedOut });
        const settings = { keep: 2 };
        const run = back
          ? rollbackSample(store, bucket, undefined, { settings })
          : publishSample(store, bucket, site, { settings });
        const error: unknown = await run.then(
          () => undefined,
          (thrown) => thrown,
        );
        if (error instanceof Killed) continue;
        if (error !== undefined) expect(error).toMatchObject({ code: 'cdn.release' });
        if (error === undefined && !back) expectSite(bucket, site);
        if (error === undefined) await expectBackPossible(bucket);
      }
      bucket.now += day;
      await publishSample(openMemoryStore(bucket), bucket, one, { settings: { keep: 2 } });
      expectSite(bucket, one);
    }),
    { numRuns: 400 },
  );
});

function expectSite(bucket: MemoryBucket, site: Site): void {
  for (const { path, headers } of filesOf(site)) {
    expect(bucket.objects.get(path)?.bytes.toString(), path).toBe(site[path]);
    expect(bucket.objects.get(path)?.headers).toEqual(headers);
  }
  const { 'others/1': theirs, ...rest } = content(bucket);
  expect(theirs).toBe('theirs');
  expect(Object.keys(rest).filter((path) => !(path in site) && !path.startsWith('assets/'))).toEqual([]);
}

/** Every kept release is whole: each of its files is at its path or among what is retained. */
async function expectBackPossible(bucket: MemoryBucket): Promise<void> {
  const read = (path: string) => decodeManifest(bucket.objects.get(path)?.bytes ?? Buffer.of(), path);
  const manifest = read('.sluice/manifest');
  const held = new Map([...manifest.entries.values()].map(({ path, sha256 }) => [`${path} ${sha256}`, path]));
  const kept = new Map(manifest.retained.map(({ sha256, at }) => [sha256, at]));
  for (const number of manifest.kept) {
    for (const { path, sha256 } of read(`.sluice/releases/${number}`).entries.values()) {
      const at = held.get(`${path} ${sha256}`) ?? kept.get(sha256);
      expect(bucket.objects.has(at ?? ''), `release ${number}: ${path}`).toBe(true);
    }
  }
}
