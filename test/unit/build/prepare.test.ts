import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Builder } from '../../../src/build/bake/builder.ts';
import { planText } from '../../../src/build/plan-text.ts';
import { type BuildRequest, prepareBuild } from '../../../src/build/prepare.ts';
import { openRegistry } from '../../../src/build/registry/client.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { UserError } from '../../../src/kernel/errors.ts';
import { gitRef } from '../../support/build/fixtures.ts';
import { type RegistryServer, registryServer } from '../../support/build/registry-server.ts';
import { config, linesOf, model } from '../../support/config/fixtures.ts';

let folder = '';
let server: RegistryServer;
/** A port that nobody listens at any more. */
let nobody = '';
let why = '';
beforeEach(async () => {
  await using gone = await registryServer();
  nobody = gone.host;
  why = `Cannot reach registry ${nobody}: connection refused`;
  folder = await mkdtemp(join(tmpdir(), 'sluice-prepare-'));
  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\n');
  server = await registryServer();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const builder: Builder = {
  ...{ driver: 'docker', engine: '26.1.5', store: 'containerd', buildx: ['buildx'], buildxVersion: '0.13.1' },
  ...{ platform: 'linux/amd64', socket: undefined },
};
const signal = new AbortController().signal;

const prepare = (
  host: string,
  over: Partial<BuildRequest> = {},
  built: () => Promise<Builder> = async () => builder,
) => {
  const open = (name: string) =>
    openRegistry(name, { fetch, signal, clock: systemClock, login: async () => undefined, tries: 1 });
  const request: BuildRequest = {
    config: { ...config, folder, compose: ['compose.yml'], registry: `${host}/acme/shop` },
    model: model({
      web: { build: folder },
      api: { build: folder },
      base: { image: 'acme/base', build: folder },
    }),
    variables: {},
    credentialFiles: [],
    ref: gitRef('tag', 'v1.2.3'),
    tags: [],
    place: { ci: true, gha: false, push: true },
    notPushed: undefined,
    force: false,
    isPlanAlone: true,
    cacheFolder: join(folder, 'cache'),
    ...over,
  };
  const log = { detail: () => {} };
  return prepareBuild(request, {
    registry: open,
    registryForCaches: () => open,
    builder: built,
    signal,
    log,
  });
};
const alone = { model: model({ web: { build: '.' } }) };

describe('a registry that cannot be reached', () => {
  test('leaves a plan with all that is known, and the reason', async () => {
    const plan = await prepare(nobody, alone);
    expect(plan.tags).toEqual(['1.2.3', '1.2', '1', 'latest', 'sha-0123456789ab']);
    expect(plan.unasked).toEqual([
      { host: nobody, why, hint: expect.stringMatching(/^Run the command again/) },
    ]);
    expect(plan.findings).toEqual([]);
    const [first, ...lines] = planText(plan).split('\n');
    expect(first).toBe('shop: at most 1 to build, 0 exist already');
    expect(lines).toContain(`! ${why} [registry]`);
    expect(lines).toContain(`  to     ${nobody}/acme/shop/web`);
  });

  test('fails a build that pushes', async () => {
    const lines = await linesOf(() => prepare(nobody, { ...alone, isPlanAlone: false }));
    expect(lines).toEqual([`${why} [registry.unavailable]`]);
  });

  test('is a finding of a build that pushes nothing', async () => {
    const place = { ci: true, gha: false, push: false };
    const over = { ...alone, place, notPushed: '--no-push', isPlanAlone: false };
    const plan = await prepare(nobody, over);
    expect(plan.findings).toEqual([{ target: '', topic: 'registry', message: why }]);
    expect(plan.targets[0]?.action.kind).toBe('build');
  });

  test('that of a base is told as the reason to build', async () => {
    await writeFile(join(folder, 'Dockerfile'), `FROM ${nobody}/acme/base:1\n`);
    const plan = await prepare(server.host, alone);
    expect(plan.targets[0]?.action).toMatchObject({
      why: `the digest of ${nobody}/acme/base:1 is not known: ${why}`,
      isUnasked: false,
    });
  });
});

test('a registry that refuses a login leaves a plan, too', async () => {
  server.auth = 'basic';
  const plan = await prepare(server.host, alone);
  expect(plan.unasked.map((unasked) => unasked.why)).toEqual([
    `${server.host} refuses access to acme/shop/web, and there is no login for it`,
  ]);
});

test('without a builder a plan says so, and a build fails', async () => {
  const none = async () => {
    throw new UserError({ code: 'build.builder', message: 'No Docker engine responds on this machine' });
  };
  const plan = await prepare(server.host, alone, none);
  expect(plan.notes).toEqual(['this machine cannot build: No Docker engine responds on this machine']);
  expect(await linesOf(() => prepare(server.host, { ...alone, isPlanAlone: false }, none))).toEqual([
    'No Docker engine responds on this machine [build.builder]',
  ]);
});

test('a missing Dockerfile ends a plan before any registry is asked', async () => {
  await rm(join(folder, 'Dockerfile'));
  expect(await linesOf(() => prepare(server.host, alone))).toEqual([
    'services.web.build.dockerfile: Dockerfile does not exist [build.files]',
  ]);
  expect(server.requests).toEqual([]);
});
