import { expect, test } from 'vitest';
import { leaseTimes } from '../../../../src/cdn/publish/lease.ts';
import {
  filesOf,
  publishSample,
  type Run,
  rollbackSample,
  type Site,
} from '../../../support/cdn/sample-site.ts';
import {
  createBucket,
  Killed,
  type MemoryBucket,
  openMemoryStore,
} from '../../../support/cdn/stores/memory-store.ts';

const asset = (name: string, content: string) => ({ [`assets/${name}-${content}.js`]: `code ${content}` });
const first: Site = {
  'index.html': 'one [assets/app-1.js] [logo.svg]',
  'about/index.html': 'about one [assets/app-1.js]',
  'old.html': 'goes [assets/old-1.js]',
  'logo.svg': 'logo one',
  'robots.txt': 'all',
  ...asset('app', '1'),
  ...asset('old', '1'),
};
const second: Site = {
  'index.html': 'two [assets/app-2.js] [logo.svg]',
  'about/index.html': 'about two [assets/app-2.js]',
  'new.html': 'new [assets/app-2.js] [assets/new-2.js]',
  'logo.svg': 'logo two',
  'robots.txt': 'all',
  ...asset('app', '2'),
  ...asset('new', '2'),
};
const third: Site = { 'index.html': 'three [assets/app-1.js]', 'robots.txt': 'none', ...asset('app', '1') };
const foreign = ['somebody/else.txt', 'assets/of-others.js', 'z'];

async function started(): Promise<MemoryBucket> {
  const bucket = createBucket();
  const store = openMemoryStore(bucket);
  await publishSample(store, bucket, first, { author: { name: 'v1' } });
  for (const path of foreign) await store.put(path, { bytes: Buffer.from(path) }, {});
  return bucket;
}

/** Whatever a visitor opens is a page of one of the releases, and everything it names is there. */
function expectWhole(bucket: MemoryBucket, ...releases: readonly Site[]): void {
  for (const [path, { bytes }] of bucket.objects) {
    if (!path.endsWith('.html')) continue;
    const text = bytes.toString();
    expect(releases.map((site) => site[path])).toContain(text);
    for (const [, named = ''] of text.matchAll(/\[([^\]]+)\]/g)) {
      expect(releases.map((site) => site[named])).toContain(bucket.objects.get(named)?.bytes.toString());
    }
  }
  for (const path of foreign) expect(bucket.objects.get(path)?.bytes.toString()).toBe(path);
}

/** The site is exactly this release: its content and headers, no page or file of others, nothing unfinished. */
function expectPublished(bucket: MemoryBucket, site: Site, headers?: Run['headers']): void {
  for (const file of filesOf(site, headers)) {
    const found = bucket.objects.get(file.path);
    expect(found?.bytes.toString(), file.path).toBe(site[file.path]);
    expect(found?.headers).toEqual(file.headers);
  }
  const others = [...bucket.objects.keys()].filter(
    (path) => !path.startsWith('.sluice/') && !(path in site) && !foreign.includes(path),
  );
  expect(others.filter((path) => !path.startsWith('assets/'))).toEqual([]);
  expect(bucket.objects.has('.sluice/draft')).toBe(false);
  // A run that found nothing to do takes no lease, so a dead one may lie there.
  const lease = bucket.objects.get('.sluice/lease');
  expect(bucket.now - (lease?.modified ?? 0)).toBeGreaterThan(leaseTimes.ttl);
}

async function requestsOfRun(
  run: (bucket: MemoryBucket, killAt: number) => Promise<unknown>,
): Promise<number> {
  for (let count = 0; ; count++) {
    const bucket = await started();
    const ended = await run(bucket, count).then(
      () => true,
      () => false,
    );
    if (ended) return count;
  }
}

const afterwards: readonly [string, Site, Run['headers']?][] = [
  ['the same release again', second],
  ['the previous release', first],
  ['a third one', third],
];

test.each(afterwards)(
  'cut off at any request, and then %s: no page ever lacks anything, and the rest is done',
  async (_, next) => {
    const requests = await requestsOfRun((bucket, killAt) =>
      publishSample(openMemoryStore(bucket, { killAt }), bucket, second),
    );
    expect(requests).toBeGreaterThan(20);
    for (let killAt = 0; killAt < requests; killAt++) {
      for (const carriedOut of [false, true]) {
        const bucket = await started();
        const told = new Set<string>();
        const onInvalidate = (paths: readonly string[]) => paths.forEach((path) => void told.add(path));
        const dying = openMemoryStore(bucket, { killAt, carriedOut });
        await expect(publishSample(dying, bucket, second, { onInvalidate })).rejects.toThrow(Killed);
        expectWhole(bucket, first, second);
        bucket.now += 60_000;
        await publishSample(openMemoryStore(bucket), bucket, next, { onInvalidate });
        expectWhole(bucket, first, second, third);
        expectPublished(bucket, next);
        for (const path of Object.keys(first)) {
          // What visitors may have cached of an overwritten path is forgotten, whichever run overwrote it.
          const overwritten = first[path] !== next[path] && !path.startsWith('assets/');
          if (overwritten) expect(told, `${killAt}: ${path}`).toContain(path);
        }
      }
    }
  },
);

test('a rollback that is cut off anywhere is finished by the next one, or undone by a publication', async () => {
  const published = async () => {
    const bucket = await started();
    await publishSample(openMemoryStore(bucket), bucket, second, { author: { name: 'v2' } });
    return bucket;
  };
  for (const next of ['again', 'publish'] as const) {
    for (let killAt = 0; ; killAt++) {
      const bucket = await published();
      const died = await rollbackSample(
        openMemoryStore(bucket, { killAt, carriedOut: true }),
        bucket,
        'v1',
      ).then(
        () => false,
        () => true,
      );
      expectWhole(bucket, first, second);
      if (!died) break;
      bucket.now += 60_000;
      const store = openMemoryStore(bucket);
      if (next === 'publish') await publishSample(store, bucket, second);
      // Once its manifest was written, the release is the current one already.
      else await rollbackSample(store, bucket, 'v1').catch(() => publishSample(store, bucket, first));
      expectPublished(bucket, next === 'publish' ? second : first);
    }
  }
});

test('what a run that was cut off has put is known by its content where ETags say nothing', async () => {
  for (let killAt = 0; ; killAt++) {
    const bucket = createBucket();
    const open = (options = {}) => openMemoryStore(bucket, { opaque: true, ...options });
    await publishSample(open(), bucket, first);
    const ended = await publishSample(open({ killAt, carriedOut: true }), bucket, second).then(
      () => true,
      () => false,
    );
    if (ended) break;
    bucket.now += 60_000;
    await publishSample(open(), bucket, third);
    expectPublished(bucket, third);
  }
});

test('CDNs are told of what a first run that was cut off had put, and the next one puts otherwise', async () => {
  for (let killAt = 0; ; killAt++) {
    const bucket = createBucket();
    const dying = openMemoryStore(bucket, { killAt, carriedOut: true });
    const ended = await publishSample(dying, bucket, second).then(
      () => true,
      () => false,
    );
    if (ended) break;
    const seen = ['index.html', 'new.html', 'robots.txt'].filter((path) => bucket.objects.has(path));
    bucket.now += 60_000;
    const told: string[] = [];
    const onInvalidate = (paths: readonly string[]) => told.push(...paths);
    await publishSample(openMemoryStore(bucket), bucket, third, { onInvalidate });
    expect(told, String(killAt)).toEqual(expect.arrayContaining(seen));
  }
});

test('headers of an asset that a run which was cut off has changed are put right when it comes back', async () => {
  const asset = { 'assets/z-1.js': 'z' };
  for (let killAt = 0; ; killAt++) {
    const bucket = createBucket();
    const publish = (site: Site, run: Run = {}) => publishSample(openMemoryStore(bucket), bucket, site, run);
    await publish({ ...third, ...asset });
    const dying = openMemoryStore(bucket, { killAt, carriedOut: true });
    const headers = { 'assets/z-1.js': 'max-age=1' };
    const ended = await publishSample(dying, bucket, { ...third, ...asset }, { headers }).then(
      () => true,
      () => false,
    );
    if (ended) break;
    bucket.now += 60_000;
    await publish(third);
    await publish({ ...third, ...asset });
    expectPublished(bucket, { ...third, ...asset });
  }
});

test('headers alone that are cut off are put right', async () => {
  const headers = { 'robots.txt': 'max-age=60', 'index.html': 'max-age=1' };
  for (let killAt = 0; ; killAt++) {
    const bucket = await started();
    const store = openMemoryStore(bucket, { killAt, carriedOut: true });
    const ended = await publishSample(store, bucket, first, { headers }).then(
      () => true,
      () => false,
    );
    if (ended) break;
    bucket.now += 60_000;
    await publishSample(openMemoryStore(bucket), bucket, first, { headers });
    expectPublished(bucket, first, headers);
  }
});

test('a first publication into a bucket of others that is cut off is finished, and theirs is left alone', async () => {
  const old = { 'index.html': 'before', 'robots.txt': 'all', 'logo.svg': 'theirs' };
  for (let killAt = 0; ; killAt++) {
    const bucket = createBucket();
    const store = openMemoryStore(bucket);
    for (const [path, text] of Object.entries({
      ...old,
      ...Object.fromEntries(foreign.map((file) => [file, file])),
    })) {
      await store.put(path, { bytes: Buffer.from(text) }, { 'content-type': 'text/x' });
    }
    const dying = openMemoryStore(bucket, { killAt, carriedOut: true });
    const ended = await publishSample(dying, bucket, first).then(
      () => true,
      () => false,
    );
    if (ended) break;
    expectWhole(bucket, first, old);
    bucket.now += 60_000;
    await publishSample(openMemoryStore(bucket), bucket, first);
    expectPublished(bucket, first);
  }
});

test('a failed invalidation is made up for by the next run, though nothing has changed', async () => {
  const bucket = await started();
  const told: string[] = [];
  const onInvalidate = (paths: readonly string[]) => told.push(...paths);
  const store = openMemoryStore(bucket);
  const failed = await publishSample(store, bucket, second, { onInvalidate, invalidationFails: true });
  expect(failed.done?.notes.join()).toContain('CDN was not invalidated');
  expect(told).toEqual([]);
  const again = await publishSample(store, bucket, second, { onInvalidate });
  expect(again.work).toMatchObject({ tailOnly: true, finishes: 2 });
  expect(told).toContain('index.html');
  expect((await publishSample(store, bucket, second)).done).toBeUndefined();
});
