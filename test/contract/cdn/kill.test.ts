import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishSite, siteStatus } from '../../../src/operations/cdn/publish.ts';
import { openRepository } from '../../support/cdn/cli.ts';
import { contentsOf, lookInto } from '../../support/cdn/contents.ts';
import { contextOf } from '../../support/cdn/operations.ts';
import { startCeph } from '../../support/cdn/stores/ceph.ts';
import { environmentOf, type S3Server } from '../../support/cdn/stores/server.ts';
import { type StormRequest, startStorm } from '../../support/cdn/stores/storm.ts';
import { startVersity } from '../../support/cdn/stores/versitygw.ts';

const page = (title: string, asset: string) =>
  `<!doctype html><title>${title}</title><script type="module" src="/assets/${asset}"></script><p>The page of the shop`;
const first = {
  'index.html': page('one', 'app-1a2b3c4d.js'),
  'about/index.html': page('about one', 'app-1a2b3c4d.js'),
  'old.html': page('old', 'app-1a2b3c4d.js'),
  'robots.txt': 'User-agent: *\nDisallow:\n',
  'assets/app-1a2b3c4d.js': 'one()',
};
const second = {
  'index.html': page('two', 'app-5e6f7a8b.js'),
  'about/index.html': page('about two', 'app-5e6f7a8b.js'),
  'new.html': page('new', 'more-9c0d1e2f.js'),
  'robots.txt': 'User-agent: *\nDisallow: /x\n',
  'assets/app-5e6f7a8b.js': 'two()',
  'assets/more-9c0d1e2f.js': 'more()',
};
const request = { target: undefined, dist: undefined, allowRemovals: false, repair: false, verify: false };
const foreign = { 'z/theirs.txt': 'theirs', 'about/theirs.txt': 'theirs' };

const isPut = ({ method }: StormRequest) => method === 'PUT';
const isCopy = ({ headers }: StormRequest) => headers['x-amz-copy-source'] !== undefined;
const to = (end: string) => (request: StormRequest) => isPut(request) && request.path.endsWith(end);

/** A request of each phase: the run is killed when the store gets it, or when it has carried it out. */
const moments: readonly (readonly [string, (request: StormRequest) => boolean])[] = [
  ['the lease', to('/.sluice/lease')],
  ['the draft', to('/.sluice/draft')],
  ['the copy of the old manifest', to('/.sluice/releases/1')],
  ['the copy of a page', (request) => isCopy(request) && request.path.includes('/.sluice/blobs/')],
  ['an asset', to('/assets/app-5e6f7a8b.js')],
  ['another file', to('/robots.txt')],
  ['a page', to('/about/index.html')],
  ['the page of the root', to('/site/index.html')],
  ['the manifest', to('/.sluice/manifest')],
  ['the deletion of a page', ({ method, path }) => method === 'DELETE' && path.endsWith('/old.html')],
  ['the deletion of the draft', ({ method, path }) => method === 'DELETE' && path.endsWith('/draft')],
];

let servers: Readonly<Record<'versitygw' | 'Ceph', S3Server>>;
beforeAll(async () => {
  const [versitygw, ceph] = await Promise.all([startVersity(), startCeph()]);
  servers = { versitygw, Ceph: ceph };
});
afterAll(() => Promise.all(Object.values(servers ?? {}).map((server) => server.stop())));

/** What a run does does not depend on the store; what a store makes of it might. */
const moment = ([name]: (typeof moments)[number]) => /copy of a page|root|manifest$/.test(name);
const cases = (
  [
    ['versitygw', moments],
    ['Ceph', moments.filter(moment)],
  ] as const
).flatMap(([store, which]) =>
  which.flatMap(([name, at], index) => [
    { store, name: `before ${name}`, at, done: false, bucket: `before-${index}` },
    { store, name: `after ${name}`, at, done: true, bucket: `after-${index}` },
  ]),
);

// All at once: each waits for the lease of a dead run, half a minute in which nothing is done.
describe.concurrent('a run that is killed', () => {
  test.each(cases)(
    '$name on $store leaves a whole site, and the next run finishes',
    async ({ store: which, at, done, bucket }) => {
      const server = servers[which];
      await server.makeBucket(bucket);
      await using repository = await openRepository(bucket);
      const context = contextOf(join(repository.folder, 'sluice.yml'), {
        ...environmentOf(server),
        AWS_ENDPOINT_URL_S3: server.endpoint,
      });
      const store = await lookInto(server, bucket, 'site/');
      for (const [path, text] of Object.entries(foreign))
        await store.put(path, { bytes: Buffer.from(text) }, {});
      await repository.build(first);
      await publishSite(context, { ...request, name: 'v1' });

      await repository.build(second);
      const storm = await startStorm(server);
      const run = repository.start(storm, 'publish', '--name', 'v2');
      storm.setRules(async (request) => {
        if (!at(request)) return undefined;
        if (!done) run.child.kill('SIGKILL');
        return done ? { kind: 'reset', when: 'after' } : { kind: 'reset', when: 'before' };
      });
      await untilSeen(storm.seen, done, () => run.child.kill('SIGKILL'));
      expect((await run.ended).code).toBe(null);
      await storm.stop();
      expectWhole(await contentsOf(store));

      expect(await publishSite(context, { ...request, name: 'v2' })).toMatchObject({
        plan: { release: { number: 2 } },
      });
      const { 'assets/app-1a2b3c4d.js': kept, ...rest } = await contentsOf(store);
      expect(rest).toEqual({ ...second, ...foreign });
      expect(kept).toBe('one()');
      expect(await siteStatus(context, { target: undefined, audit: true })).toMatchObject({
        current: { number: 2, name: 'v2' },
        audit: { missing: [], replaced: [], foreign: 2 },
        unfinished: undefined,
      });
      store.close();
    },
  );
});

/** Kills once the store has carried the request out, which the run never hears of. */
async function untilSeen(
  seen: readonly { readonly trouble: unknown }[],
  done: boolean,
  kill: () => void,
): Promise<void> {
  while (!seen.some(({ trouble }) => trouble !== undefined))
    await new Promise((resolve) => setTimeout(resolve, 2));
  if (!done) return;
  await new Promise((resolve) => setTimeout(resolve, 50));
  kill();
}

/** Each page is that of one of the releases, and what it names is there. */
function expectWhole(contents: Readonly<Record<string, string>>): void {
  expect(contents).toMatchObject(foreign);
  const releases: readonly Readonly<Record<string, string>>[] = [first, second];
  for (const [path, text] of Object.entries(contents)) {
    if (path in foreign) continue;
    expect(releases.map((site) => site[path])).toContain(text);
    for (const [, asset = ''] of text.matchAll(/src="\/([^"]+)"/g))
      expect(Object.keys(contents)).toContain(asset);
  }
  expect(Object.keys(contents)).toContain('index.html');
}
