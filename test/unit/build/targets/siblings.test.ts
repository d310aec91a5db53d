import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { treeDigest } from '../../../../src/build/digest/digest.ts';
import { digester } from '../../../../src/build/digest/digester.ts';
import type { Registry } from '../../../../src/build/registry/model.ts';
import { activeTargets } from '../../../../src/build/targets/active.ts';
import { linkSiblings } from '../../../../src/build/targets/siblings.ts';
import type { ComposeService } from '../../../../src/config/model.ts';
import { config, linesOf, model } from '../../../support/config/fixtures.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-siblings-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

type Services = Readonly<Record<string, ComposeService>>;

/** Targets of services whose contexts are folders of their names, with their Dockerfiles written. */
async function linked(
  dockerfiles: Readonly<Record<string, string>>,
  more: Services = {},
  inactive: Services = {},
) {
  const paths = Object.entries(dockerfiles).map(([name, text]) => [`${name}/Dockerfile`, text]);
  await write(Object.fromEntries(paths));
  const service = (name: string, over: ComposeService | undefined): ComposeService => ({
    ...over,
    build: { context: name, ...(typeof over?.build === 'object' ? over.build : {}) },
  });
  const active = Object.keys(dockerfiles).filter((name) => !Object.hasOwn(inactive, name));
  const named = (names: readonly string[], from: Services) =>
    Object.fromEntries(names.map((name) => [name, service(name, from[name])]));
  const others = Object.entries(more).filter(([name]) => !Object.hasOwn(dockerfiles, name));
  const sight = { ...config, app: 'shop', folder, compose: ['compose.yml'], registry: 'ghcr.io/acme/shop' };
  const whole = {
    ...model({ ...named(active, more), ...Object.fromEntries(others) }),
    inactive: named(Object.keys(inactive), inactive),
  };
  const { model: seen, ...found } = await activeTargets(whole, sight);
  return await linkSiblings(found, seen, sight);
}

const contextsOf = async (...given: Parameters<typeof linked>) =>
  Object.fromEntries((await linked(...given)).targets.map(({ name, contexts }) => [name, contexts]));

describe('a Dockerfile that takes the image of a sibling', () => {
  test.each([
    ['its name', 'FROM acme-base', { image: 'acme-base' }, 'acme-base'],
    ['its name with its tag', 'FROM acme/base:v1', { image: 'acme/base:v1' }, 'acme/base:v1'],
    ['its name without the tag', 'FROM acme/base', { image: 'acme/base:v1' }, 'acme/base'],
    ['latest', 'FROM acme-base:latest', { image: 'docker.io/library/acme-base' }, 'acme-base'],
    ['the name that Compose gives', 'FROM shop-base', {}, 'shop-base'],
    ['the older one', 'FROM shop_base', {}, 'shop_base'],
    ['where it is pushed', 'FROM ghcr.io/acme/shop/base', {}, 'ghcr.io/acme/shop/base'],
    ['a default of an argument', 'ARG B=acme-base\nFROM ${B}', { image: 'acme-base' }, 'acme-base'],
    ['COPY', 'FROM scratch\nCOPY --from=acme-base /a /a', { image: 'acme-base' }, 'acme-base'],
    ['RUN', 'FROM x\nRUN --mount=from=acme-base,target=/a a', { image: 'acme-base' }, 'acme-base'],
    [
      'beside an ADD of a URL',
      'FROM acme-base\nADD https://a.example/f /f',
      { image: 'acme-base' },
      'acme-base',
    ],
    ['a stage that is needed', 'FROM acme-base AS one\nFROM one', { image: 'acme-base' }, 'acme-base'],
  ])('by %s', async (_, cron, base, key) => {
    const found = await contextsOf({ base: 'FROM scratch', cron }, { base });
    expect(found).toEqual({ base: {}, cron: { [key]: 'target:base' } });
  });

  test('by a build argument', async () => {
    const cron = { build: { args: { BASE: 'acme-base' } } };
    const services = { base: { image: 'acme-base' }, cron };
    const found = await linked({ base: 'FROM scratch', cron: 'ARG BASE\nFROM ${BASE}' }, services);
    expect(found.targets[1]?.contexts).toEqual({ 'acme-base': 'target:base' });
    expect(found.notes).toEqual(['cron: built from the image of base']);
  });

  test('to any depth', async () => {
    const dockerfiles = { a: 'FROM scratch', b: 'FROM shop-a', c: 'FROM shop-b\nCOPY --from=shop-a / /' };
    expect(await contextsOf(dockerfiles)).toEqual({
      a: {},
      b: { 'shop-a': 'target:a' },
      c: { 'shop-a': 'target:a', 'shop-b': 'target:b' },
    });
  });

  test('what the compose file says of the name takes precedence', async () => {
    const cron = { build: { additional_contexts: { 'shop-base': 'docker-image://alpine:3' } } };
    const found = await contextsOf({ base: 'FROM scratch', cron: 'FROM shop-base' }, { cron });
    expect(found['cron']).toEqual({ 'shop-base': 'docker-image://alpine:3' });
  });

  test.each([
    ['its own name', { web: 'FROM nginx:1.27' }, { web: { image: 'nginx:1.27' } }],
    [
      'the name of a variant that a sibling makes of it',
      { proxy: 'FROM nginx:1.27', web: 'FROM nginx' },
      { proxy: { image: 'nginx:custom' } },
    ],
    [
      'the very image that a sibling is built from',
      { proxy: 'FROM nginx:1.27', web: 'FROM nginx:1.27' },
      { proxy: { image: 'nginx:1.27' } },
    ],
    ['a digest', { base: 'FROM scratch', web: `FROM shop-base@sha256:${'a'.repeat(64)}` }, {}],
    [
      'a stage that is not built',
      { base: 'FROM scratch', web: 'FROM shop-base AS unused\nFROM scratch' },
      {},
    ],
    ['a stage of the name', { base: 'FROM scratch', web: 'FROM scratch AS shop-base\nFROM shop-base' }, {}],
  ])('is not one that takes %s', async (_, dockerfiles, services) => {
    const found = await linked(dockerfiles as Record<string, string>, services as Services);
    expect(found.targets.map(({ contexts }) => contexts)).toEqual(found.targets.map(() => ({})));
    expect(found.notes).toEqual([]);
  });

  test('another tag is another image, and the plan says so', async () => {
    const found = await linked(
      { base: 'FROM scratch', web: 'FROM acme/base:v1' },
      { base: { image: 'acme/base:v2' } },
    );
    expect(found.targets[1]?.contexts).toEqual({});
    expect(found.notes).toEqual([
      'web: its Dockerfile takes docker.io/acme/base:v1 from the registry, with another tag than the image that base builds (docker.io/acme/base:v2, docker.io/acme/base)',
    ]);
  });

  test('a circle is an error that names it', async () => {
    const dockerfiles = { a: 'FROM shop-b', b: 'FROM scratch\nCOPY --from=shop-c / /', c: 'FROM shop-a' };
    expect(await linesOf(() => linked(dockerfiles))).toEqual([
      'The builds depend on each other in a cycle: a → b → c → a [build.cycle]',
    ]);
  });

  test('a stage of the same name would be replaced whole, so it is an error', async () => {
    const dockerfiles = { base: 'FROM scratch', web: 'FROM shop-base AS shop-base\nCOPY a /a' };
    expect(await linesOf(() => linked(dockerfiles))).toEqual([
      `${join(folder, 'web/Dockerfile')} services.web: a stage of its Dockerfile has the name of the image that another service builds, shop-base [build.stage-name]`,
    ]);
  });

  test('a base behind a profile is built and run by nobody; what nobody needs is left alone', async () => {
    const dockerfiles = {
      root: 'FROM scratch',
      base: 'FROM acme/root',
      web: 'FROM acme/base',
      dev: 'FROM scratch',
    };
    const inactive = {
      root: { image: 'acme/root' },
      base: { image: 'acme/base' },
      dev: { image: 'acme/web' },
    };
    const found = await linked(dockerfiles, {}, inactive);
    expect(found.targets.map(({ name, services, contexts }) => [name, services, contexts])).toEqual([
      ['web', ['web'], { 'acme/base': 'target:base' }],
      ['base', [], { 'acme/root': 'target:root' }],
      ['root', [], {}],
    ]);
    expect(found.notes.slice(0, 2)).toEqual([
      'base: its profile is inactive, but other images are built from it',
      'root: its profile is inactive, but other images are built from it',
    ]);
  });
});

test('the digest of what is built from a sibling changes with the sibling’s files', async () => {
  const registry = () => ({ head: async () => undefined }) as unknown as Registry;
  const signal = new AbortController().signal;
  const digestsOf = async () => {
    const { targets } = await linked({
      base: 'FROM scratch\nCOPY a /a',
      middle: 'FROM shop-base',
      top: 'FROM shop-middle',
    });
    const of = digester(targets, { registry, signal, log: { detail: () => {} } });
    return await Promise.all(targets.map(async (target) => (await of(target)).tree));
  };
  await write({ 'base/a': '1' });
  const before = await digestsOf();
  expect(await digestsOf()).toEqual(before);
  expect(before.every((tree) => 'digest' in tree)).toBe(true);
  await write({ 'base/a': '2' });
  const after = await digestsOf();
  for (const [index, tree] of after.entries()) expect(tree).not.toEqual(before[index]);
});

test('an image that stands for a stage of its name is not pinned by that name', async () => {
  const seen: [string, boolean][] = [];
  await write({ 'web/Dockerfile': 'FROM nginx AS nginx\nFROM alpine:3\nCOPY --from=nginx / /' });
  const { targets } = await linked({ web: 'FROM nginx AS nginx\nFROM alpine:3\nCOPY --from=nginx / /' });
  const [web] = targets;
  if (web === undefined) throw new Error('there is one service');
  await treeDigest(web, {
    baseDigest: async () => `sha256:${'a'.repeat(64)}`,
    onImage: (reference, _, isReplaceable) => seen.push([reference, isReplaceable]),
    signal: new AbortController().signal,
  });
  expect(seen.sort()).toEqual([
    ['docker.io/library/alpine:3', true],
    ['docker.io/library/nginx:latest', false],
  ]);
});
