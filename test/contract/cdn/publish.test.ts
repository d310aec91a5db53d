import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliRun, type Files, openRepository } from '../../support/cdn/cli.ts';
import { contentsOf, lookInto } from '../../support/cdn/contents.ts';
import { startCeph } from '../../support/cdn/stores/ceph.ts';
import type { S3Server } from '../../support/cdn/stores/server.ts';
import { type Rules, startStorm } from '../../support/cdn/stores/storm.ts';
import { startVersity } from '../../support/cdn/stores/versitygw.ts';

const page = (title: string) => `<!doctype html><title>${title}</title><p>The page of the shop`;
const many = (version: number, count = 150): Files => ({
  'index.html': page(`v${version}`),
  ...Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`files/${at}.txt`, `${at} of ${at % 10 === 0 ? version : 0}`]),
  ),
});
const json = ({ stdout }: CliRun) => JSON.parse(stdout);

describe.each([
  ['versitygw', startVersity],
  ['Ceph', startCeph],
])('%s', (_, startServer) => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server?.stop());

  test('odd names, empty files, headers and foreign keys: all arrive and come back, nothing of others is touched', async () => {
    await server.makeBucket('odd');
    await using repository = await openRepository('odd', {
      headers: [
        { match: '*.txt', set: { 'cache-control': 'max-age=7', 'content-disposition': 'attachment' } },
      ],
      'max-removed': { files: 100 },
    });
    const top = await lookInto(server, 'odd');
    const theirs = { 'theirs.txt': '1', 'site/photos/a b.jpg': '2', 'site/assets/x.js': '3', sites: '4' };
    for (const [key, text] of Object.entries(theirs)) await top.put(key, { bytes: Buffer.from(text) }, {});
    // With the prefix of the store the longest has 1,024 bytes.
    const long = `${'ü'.repeat(100)}/${'y'.repeat(200)}/${'z'.repeat(200)}/${'ñ'.repeat(100)}/`;
    const names = [
      'a b.txt',
      'a+b.txt',
      '100%.txt',
      '%20.txt',
      'ünï/日本語.txt',
      'e\u0301.txt',
      "it's (1) & <2> =~!@$,;.txt",
      'empty.txt',
    ];
    const longest = `${long}${'x'.repeat(1024 - Buffer.byteLength(`site/${long}.txt`))}.txt`;
    const files = Object.fromEntries(
      [...names, longest].map((name) => [name, name === 'empty.txt' ? '' : `this is ${name}`]),
    );
    await repository.build({ 'index.html': page('odd'), ...files });
    const done = await repository.cdn(server, 'publish', '--name', 'odd', '--json');
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(json(done).requests).toEqual(json(done).plan.requests);
    const store = await lookInto(server, 'odd', 'site/');
    for (const [name, text] of Object.entries(files)) {
      const found = await store.get(name);
      expect(
        found === undefined || found === 'unchanged' ? found : Buffer.from(found.bytes).toString(),
        name,
      ).toBe(text);
      expect((await store.head(name))?.headers).toEqual({
        'cache-control': 'max-age=7',
        'content-disposition': 'attachment',
        'content-type': 'text/plain; charset=utf-8',
      });
    }
    await repository.build({ 'index.html': page('less') });
    const less = await repository.cdn(server, 'publish', '--name', 'less', '--json');
    expect(json(less).requests).toEqual(json(less).plan.requests);
    expect(Object.keys(await contentsOf(store)).sort()).toEqual([
      'assets/x.js',
      'index.html',
      'photos/a b.jpg',
    ]);
    expect((await repository.cdn(server, 'rollback')).code).toBe(0);
    expect(await contentsOf(store)).toMatchObject({ ...files, 'index.html': page('odd') });
    expect(await contentsOf(top)).toMatchObject(theirs);
  });

  test('two at once: one is live whole, the other says who was quicker', async () => {
    await server.makeBucket('two');
    await using ann = await openRepository('two', {}, { USER: 'ann' });
    await using bob = await openRepository('two', {}, { USER: 'bob' });
    await ann.build(many(1));
    expect((await ann.cdn(server, 'publish', '--name', 'v1')).code).toBe(0);
    await Promise.all([ann.build(many(2)), bob.build(many(3))]);
    // The quicker one is in the middle until the other has been told, however long a busy machine takes for that.
    const refused = Promise.withResolvers<void>();
    const storm = await startStorm(server, async ({ method, path }) => {
      if (method === 'PUT' && path.endsWith('/index.html')) await refused.promise;
      return undefined;
    });
    const quicker = ann.cdn(storm, 'publish', '--name', 'v2');
    while (!storm.seen.some(({ path }) => path.endsWith('/draft'))) await sleep(2);
    const late = await bob.cdn(server, 'publish', '--name', 'v3', '--json');
    refused.resolve();
    expect(late.code).toBe(1);
    expect(json(late).errors[0]).toMatchObject({ code: 'cdn.busy', message: expect.stringMatching(/^ann /) });
    expect((await quicker).code).toBe(0);
    await storm.stop();
    const store = await lookInto(server, 'two', 'site/');
    expect(await contentsOf(store)).toEqual(many(2));
  });

  const storms: readonly (readonly [string, () => Rules])[] = [
    [
      'SlowDown',
      () => {
        let sent = 0;
        return () =>
          ++sent % 3 === 0 && sent < 300 ? { kind: 'refuse', status: 503, code: 'SlowDown' } : undefined;
      },
    ],
    [
      'lost answers',
      () => {
        let sent = 0;
        return () =>
          ++sent % 7 === 0 ? { kind: 'reset', when: sent % 2 === 0 ? 'after' : 'before' } : undefined;
      },
    ],
    ['no conditions', () => () => ({ kind: 'ignore-conditions' })],
  ];
  test.each(storms)('a store in trouble (%s) ends up with the release all the same', async (name, rules) => {
    const bucket = `storm-${name.toLowerCase().replaceAll(' ', '-')}`;
    await server.makeBucket(bucket);
    await using repository = await openRepository(bucket);
    await repository.build(many(1));
    const storm = await startStorm(server, rules());
    expect(await repository.cdn(storm, 'publish', '--name', 'v1')).toMatchObject({ code: 0 });
    await repository.build(many(2));
    const second = await repository.cdn(storm, 'publish', '--name', 'v2', '--json');
    expect(second, second.stderr).toMatchObject({ code: 0 });
    expect(json(second).requests).toEqual(json(second).plan.requests);
    await storm.stop();
    const store = await lookInto(server, bucket, 'site/');
    expect(await contentsOf(store)).toEqual(many(2));
  });
});

describe('versitygw alone', () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersity();
  });
  afterAll(() => server?.stop());

  test('200 MB go in parts, and are what they were', async () => {
    await server.makeBucket('big');
    await using repository = await openRepository('big');
    await repository.build({ 'index.html': page('big') });
    const bytes = randomBytes(200 * 1024 * 1024);
    await writeFile(join(repository.folder, 'dist', 'film.mp4'), bytes);
    const done = await repository.cdn(server, 'publish', '--name', 'big', '--json');
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(json(done).requests).toEqual(json(done).plan.requests);
    const store = await lookInto(server, 'big', 'site/');
    const found = await store.get('film.mp4');
    expect(found !== undefined && found !== 'unchanged' && bytes.equals(found.bytes)).toBe(true);
    expect((await store.head('film.mp4'))?.headers['content-type']).toBe('video/mp4');
  });

  test('a machine whose clock is a month ahead publishes, and ends no grace period', async () => {
    await server.makeBucket('ahead');
    const shift = 'const{now}=Date;Date.now=()=>now()+40*86400000';
    const settings = { keep: 1 };
    await using repository = await openRepository('ahead', settings);
    await using ahead = await openRepository('ahead', settings, {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}`,
    });
    const asset = { 'assets/app-1a2b3c4d.js': 'first' };
    await repository.build({ 'index.html': page('1'), ...asset });
    await repository.cdn(server, 'publish', '--name', 'v1');
    await repository.build({ 'index.html': page('2') });
    await repository.cdn(server, 'publish', '--name', 'v2');
    await ahead.build({ 'index.html': page('3') });
    const done = await ahead.cdn(server, 'publish', '--name', 'v3', '--json');
    expect(done, done.stderr).toMatchObject({ code: 0 });
    const found = await contentsOf(await lookInto(server, 'ahead', 'site/'));
    expect(found).toMatchObject({ 'index.html': page('3'), ...asset });
  });

  test('a file in parts that was replaced comes back, though copies of it have another ETag', async () => {
    await server.makeBucket('parts');
    await using repository = await openRepository('parts');
    await repository.build({ 'index.html': page('film') });
    const films = [randomBytes(17 * 1024 * 1024), randomBytes(17 * 1024 * 1024)];
    for (const [at, film] of films.entries()) {
      await writeFile(join(repository.folder, 'dist', 'film.mp4'), film);
      const done = await repository.cdn(server, 'publish', '--name', `v${at + 1}`, '--json');
      expect(done, done.stderr).toMatchObject({ code: 0 });
    }
    const back = await repository.cdn(server, 'rollback', '--json');
    expect(back, back.stderr).toMatchObject({ code: 0 });
    expect(json(back).requests).toEqual(json(back).plan.requests);
    const found = await (await lookInto(server, 'parts', 'site/')).get('film.mp4');
    expect(found !== undefined && found !== 'unchanged' && films[0]?.equals(found.bytes)).toBe(true);
  });
});

test('what somebody else has deleted or overwritten is told by an audit, and put right by a repair', async () => {
  const server = await startVersity();
  await server.makeBucket('strays');
  await using repository = await openRepository('strays');
  await repository.build(many(1, 30));
  await repository.cdn(server, 'publish', '--name', 'v1');
  const store = await lookInto(server, 'strays', 'site/');
  await store.remove(['files/1.txt']);
  await store.put('files/2.txt', { bytes: Buffer.from('theirs') }, {});
  const audit = json(await repository.cdn(server, 'status', '--audit', '--json'));
  expect(audit.audit).toMatchObject({ missing: ['files/1.txt'], replaced: ['files/2.txt'] });
  expect(json(await repository.cdn(server, 'publish', '--name', 'v1', '--json')).outcome).toBe('nothing');
  const repaired = await repository.cdn(server, 'publish', '--name', 'v1', '--repair', '--json');
  expect(repaired, repaired.stderr).toMatchObject({ code: 0 });
  expect(await contentsOf(store)).toEqual(many(1, 30));
  await server.stop();
});
