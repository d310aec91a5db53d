import { expect, test } from 'vitest';
import { publishSample, rollbackSample, type Site } from '../../../support/cdn/sample-site.ts';
import {
  createBucket,
  type MemoryBucket,
  openMemoryStore,
} from '../../../support/cdn/stores/memory-store.ts';

const one: Site = { 'index.html': '1', 'a.html': 'a1', 'logo.svg': 'x', 'assets/app-1.js': 'app 1' };
const two: Site = { 'index.html': '2', 'logo.svg': 'x', 'assets/app-2.js': 'app 2' };
const three: Site = { 'index.html': '3', 'logo.svg': 'y', 'assets/app-3.js': 'app 3' };

function content(bucket: MemoryBucket): Record<string, string> {
  const seen = [...bucket.objects].filter(([path]) => !path.startsWith('.sluice/'));
  return Object.fromEntries(seen.map(([path, { bytes }]) => [path, bytes.toString()]));
}

test('a store that gives every copy an ETag of its own brings releases back too', async () => {
  const bucket = createBucket();
  const open = () => openMemoryStore(bucket, { opaque: true });
  for (const site of [one, two, three]) await publishSample(open(), bucket, site);
  await rollbackSample(open(), bucket, '1');
  expect(content(bucket)).toMatchObject(one);
});

test('a rollback to an asset that somebody else has overwritten changes nothing', async () => {
  const bucket = createBucket();
  await publishSample(openMemoryStore(bucket), bucket, one);
  await publishSample(openMemoryStore(bucket), bucket, two);
  await openMemoryStore(bucket).put('assets/app-1.js', { bytes: Buffer.from('evil!') }, {});
  const store = openMemoryStore(bucket);
  await expect(rollbackSample(store, bucket)).rejects.toMatchObject({ code: 'cdn.lost' });
  expect(content(bucket)['index.html']).toBe('2');
});

test('a rollback takes nothing from a path that it overwrites itself', async () => {
  const bucket = createBucket();
  const sites: Site[] = [
    { 'a.html': 'same', 'assets/z.js': 'old' },
    { 'assets/z.js': 'same' },
    { 'index.html': 'none' },
  ];
  for (const site of sites) await publishSample(openMemoryStore(bucket), bucket, site);
  await rollbackSample(openMemoryStore(bucket), bucket, '1');
  expect(content(bucket)).toEqual(sites[0]);
});

test('a CDN is told of an asset that comes back with new headers', async () => {
  const bucket = createBucket();
  await publishSample(openMemoryStore(bucket), bucket, one);
  await publishSample(openMemoryStore(bucket), bucket, two);
  const headers = { 'assets/app-1.js': 'max-age=1' };
  const { work } = await publishSample(openMemoryStore(bucket), bucket, one, { headers });
  expect(work.draft.changed).toContain('assets/app-1.js');
});

test('content that was at two paths comes back, though somebody else has overwritten one of them', async () => {
  const bucket = createBucket();
  const same: Site = { 'index.html': '1', 'a.html': 'same', 'b.html': 'same' };
  await publishSample(openMemoryStore(bucket), bucket, same);
  await openMemoryStore(bucket).put('b.html', { bytes: Buffer.from('theirs') }, {});
  await publishSample(openMemoryStore(bucket), bucket, { ...same, 'a.html': 'x', 'b.html': 'y' });
  await rollbackSample(openMemoryStore(bucket), bucket);
  expect(content(bucket)).toEqual(same);
});
