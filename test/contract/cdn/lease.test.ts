import { expect, test } from 'vitest';
import { leaseTimes } from '../../../src/cdn/publish/lease.ts';
import { openRepository } from '../../support/cdn/cli.ts';
import { contentsOf, lookInto } from '../../support/cdn/contents.ts';
import { startStorm } from '../../support/cdn/stores/storm.ts';
import { startVersity } from '../../support/cdn/stores/versitygw.ts';

const page = (title: string) => `<!doctype html><title>${title}</title><p>The page of the shop`;

/** A run whose heartbeats get lost, while its own requests get through: others take it for dead. */
test('a run that can’t renew its lease stops writing before others begin', { timeout: 60_000 }, async () => {
  const server = await startVersity();
  await server.makeBucket('silent');
  await using repository = await openRepository('silent');
  await repository.build({ 'index.html': page('one'), 'about.html': page('about one') });
  expect((await repository.cdn(server, 'publish', '--name', 'v1')).code).toBe(0);
  await repository.build({ 'index.html': page('two'), 'about.html': page('about two') });
  let leases = 0;
  const storm = await startStorm(server, ({ method, path }) => {
    if (path.endsWith('/lease') && method !== 'DELETE') leases += 1;
    if (path.endsWith('/lease') && leases > 2) return { kind: 'slow', ms: 120_000 };
    return method === 'PUT' && path.endsWith('/about.html')
      ? { kind: 'slow', ms: leaseTimes.ttl }
      : undefined;
  });
  const run = await repository.cdn(storm, 'publish', '--name', 'v2', '--json');
  expect(run.code).toBe(1);
  expect(JSON.parse(run.stdout).errors[0]).toMatchObject({ code: 'cdn.moved' });
  await storm.stop();
  const store = await lookInto(server, 'silent', 'site/');
  expect((await contentsOf(store))['index.html']).toBe(page('one'));
  await server.stop();
});
