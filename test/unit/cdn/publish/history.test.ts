import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeManifest } from '../../../../src/cdn/plan/manifest.ts';
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

const day = 86_400_000;
const paths = [
  'index.html',
  'a.html',
  'b/index.html',
  'logo.svg',
  'assets/x-1.js',
  'assets/y-2.js',
  'assets/z.js',
] as const;
const event = fc.record({
  site: fc.dictionary(fc.constantFrom(...paths), fc.constantFrom('red', 'green', 'blue')),
  headers: fc.dictionary(fc.constantFrom(...paths), fc.constantFrom('max-age=1', 'max-age=2')),
  back: fc.option(fc.constantFrom(undefined, '1', '2', '3'), { nil: 'no' }),
  killAt: fc.option(fc.nat(45), { nil: undefined }),
  carriedOut: fc.boolean(),
  later: fc.constantFrom(60_000, 2 * day, 20 * day),
  keep: fc.constantFrom(1, 2, 5),
  graceMs: fc.constantFrom(0, day, 7 * day),
  invalidationFails: fc.boolean(),
});
const kind = fc.record({ conditional: fc.boolean(), opaque: fc.boolean() });

test('in whatever store, and whatever is cut off: CDNs end with what is there, and releases come back with their headers', async () => {
  await fc.assert(
    fc.asyncProperty(kind, fc.array(event, { minLength: 3, maxLength: 8 }), async (store, history) => {
      const bucket = createBucket();
      await openMemoryStore(bucket, store).put('others/1', { bytes: Buffer.from('theirs') }, {});
      const cdn = createCache(bucket);
      const releases = new Map<number, ReadonlyMap<string, string>>();
      for (const { site, back, killAt, carriedOut, later, ...rest } of history) {
        bucket.now += later;
        cdn.ask();
        const { keep, graceMs, invalidationFails } = rest;
        // Where ETags say nothing, a copy onto itself that was cut off leaves what nobody knows any more.
        const headers = store.opaque ? {} : rest.headers;
        const onInvalidate = cdn.forget;
        const run: Run = { settings: { keep, graceMs }, headers, invalidationFails, onInvalidate };
        const cut = killAt === undefined ? {} : { killAt, carriedOut };
        const opened = openMemoryStore(bucket, { ...store, ...cut });
        const error: unknown = await (back === 'no'
          ? publishSample(opened, bucket, site, run)
          : rollbackSample(opened, bucket, back, run)
        ).then(
          () => undefined,
          (thrown) => thrown,
        );
        cdn.ask();
        if (error instanceof Killed) continue;
        if (error !== undefined) {
          expect(error).toMatchObject({ code: 'cdn.release' });
          continue;
        }
        const seen = visible(bucket);
        const { release, entries, retained } = manifestOf(bucket);
        const wanted = back === 'no' ? textsOf(site, headers) : releases.get(release.rollbackOf ?? -1);
        if (wanted !== undefined) {
          releases.set(release.number, wanted);
          expect(withoutAssets(seen)).toEqual(withoutAssets(new Map([...wanted, ['others/1', 'theirs {}']])));
          for (const [path, text] of wanted) expect(seen.get(path), path).toBe(text);
        }
        for (const [path, { etag }] of entries) expect(bucket.objects.get(path)?.etag, path).toBe(etag);
        for (const { at, size } of retained) expect(bucket.objects.get(at)?.bytes.length, at).toBe(size);
        if (!invalidationFails) cdn.expectFresh();
      }
    }),
    { numRuns: 500 },
  );
});

/** Keeps what it was asked for until it is told to forget it. */
function createCache(bucket: MemoryBucket) {
  const held = new Map<string, string>();
  return {
    /** Visitors open everything there is. */
    ask: () => {
      for (const [path, text] of visible(bucket)) if (!held.has(path)) held.set(path, text);
    },
    forget: (changed: readonly string[]) => {
      for (const path of changed) held.delete(path);
    },
    /** An asset's content is for ever; all else is as the store has it. */
    expectFresh: () => {
      const now = withoutAssets(visible(bucket));
      for (const [path, text] of withoutAssets(held)) expect(text, path).toBe(now.get(path));
    },
  };
}

function visible({ objects }: MemoryBucket): Map<string, string> {
  const seen = [...objects].filter(([path]) => !path.startsWith('.sluice/'));
  return new Map(seen.map(([path, { bytes, headers }]) => [path, `${bytes} ${JSON.stringify(headers)}`]));
}

function textsOf(site: Site, headers: Run['headers']): Map<string, string> {
  const files = filesOf(site, headers);
  return new Map(files.map(({ path, headers: own }) => [path, `${site[path]} ${JSON.stringify(own)}`]));
}

function withoutAssets(texts: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...texts].filter(([path]) => !path.startsWith('assets/')));
}

function manifestOf(bucket: MemoryBucket) {
  const path = '.sluice/manifest';
  return decodeManifest(bucket.objects.get(path)?.bytes ?? Buffer.of(), path);
}
