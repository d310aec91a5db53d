import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageArguments } from '../../../src/cli/arguments.ts';
import { buildApp, shopFiles } from '../../support/build/app.ts';
import { startRegistry, type TestRegistry } from '../../support/build/registry.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry[Symbol.asyncDispose]());

let count = 0;
/** Each test has repositories of its own. */
const place = () => `${registry.host}/t${++count}`;
const outcomes = (run: { report: { targets: readonly { name: string; outcome: string }[] } }) =>
  Object.fromEntries(run.report.targets.map(({ name, outcome }) => [name, outcome]));

describe('sluice build', () => {
  test('builds, pushes and tags; deploy takes the file it writes', async () => {
    const at = place();
    const name = at.slice(registry.host.length + 1);
    using app = buildApp(shopFiles(at));
    const run = await app.build(['--images', 'images.json']);
    expect(run.errors).toEqual([]);
    expect(run.code).toBe(0);
    const digest = await registry.digest(`${name}/shop/api`, 'main');
    const images = await imageArguments([], join(app.folder, 'images.json'));
    expect(images).toEqual(run.report.images);
    expect(images.api).toBe(`${at}/shop/api@${digest}`);
    expect(Object.keys(images).sort()).toEqual(['api', 'web', 'worker']);
    expect(images.worker).toBe(images.api);
    const tags = await registry.tags(`${name}/shop/web`);
    expect(tags.filter((tag) => !/^(?:tree|cache|sha)-/.test(tag))).toEqual(['main']);
    expect(tags.filter((tag) => /^(?:tree|cache|sha)-/.test(tag))).toHaveLength(3);
    // The web's image has no USER, the api's has one.
    expect(run.report.findings.map(({ target, topic }) => [target, topic])).toEqual([['web', 'root-user']]);
    const { created, config } = await registry.config(`${name}/shop/api`, 'main');
    expect(created).toBe('1980-01-01T00:00:00Z');
    expect(config.Labels).toMatchObject({ 'org.opencontainers.image.title': 'api' });
    expect(app.leftovers()).toEqual([]);
  });

  test('what is built is not built again; a changed file builds its image alone', async () => {
    const at = place();
    using app = buildApp(shopFiles(at));
    const first = await app.build();
    const again = await app.build();
    expect(outcomes(again)).toEqual({ api: 'reused', web: 'reused' });
    expect(again.report.images).toEqual(first.report.images);
    expect(again.text).not.toContain('"step":"build');
    app.put('api/api.txt', 'changed\n');
    const changed = await app.build();
    expect(outcomes(changed)).toEqual({ api: 'built', web: 'reused' });
    expect(changed.report.images.api).not.toBe(first.report.images.api);
    // An argument is part of the tree, too.
    expect(outcomes(await app.build([], { GREETING: 'moin' }))).toEqual({ api: 'reused', web: 'built' });
    expect(outcomes(await app.build(['--force']))).toEqual({ api: 'built', web: 'built' });
  });

  test('a tag after its branch is a retag; latest stays with the newest', async () => {
    const at = place();
    const name = at.slice(registry.host.length + 1);
    using app = buildApp(shopFiles(at));
    const branch = await app.build();
    app.git('tag', 'v1.2.3');
    const tag = await app.build();
    expect(outcomes(tag)).toEqual({ api: 'reused', web: 'reused' });
    expect(tag.report.images).toEqual(branch.report.images);
    expect(tag.report.tags.slice(0, 4)).toEqual(['1.2.3', '1.2', '1', 'latest']);
    for (const reference of ['1.2.3', '1.2', '1', 'latest']) {
      expect(`${at}/shop/web@${await registry.digest(`${name}/shop/web`, reference)}`).toBe(
        branch.report.images.web,
      );
    }
    // Git forgets the tag, as CI's checkouts do; the registry does not.
    app.git('tag', '--delete', 'v1.2.3');
    app.put('web/web.txt', 'a fix for an old version\n');
    app.git('commit', '-qam', 'fix');
    app.git('tag', 'v1.1.9');
    const fix = await app.build();
    expect(fix.report.tags.slice(0, 2)).toEqual(['1.1.9', '1.1']);
    expect(fix.report.tags).not.toContain('latest');
    expect(`${at}/shop/web@${await registry.digest(`${name}/shop/web`, 'latest')}`).toBe(
      branch.report.images.web,
    );
  });

  test('--print and --no-push change nothing in the registry', async () => {
    const at = place();
    const name = at.slice(registry.host.length + 1);
    using app = buildApp(shopFiles(at));
    const printed = await app.build(['--print']);
    const { plan } = JSON.parse(printed.text.split('\n').find((line) => line.startsWith('{"ok"')) ?? '{}');
    expect(plan.targets.map((target: { action: { kind: string } }) => target.action.kind)).toEqual([
      'build',
      'build',
    ]);
    expect(plan.cache.backend).toBe('registry');
    const built = await app.build(['--no-push']);
    expect(built.report).toMatchObject({ pushed: false, images: {} });
    expect(outcomes(built)).toEqual({ api: 'built', web: 'built' });
    expect(await registry.tags(`${name}/shop/web`)).toEqual([]);
  });

  test('a build secret reaches its step and nothing else; templates in arguments are mere text', async () => {
    const at = place();
    const name = at.slice(registry.host.length + 1);
    const compose = `services:
  web:
    image: ${at}/web
    build:
      context: .
      args: { STRANGE: "$\${x} %{y}" }
      secrets: [token]
secrets: { token: { environment: BUILD_TOKEN } }
`;
    const dockerfile = `FROM ${registry.base}
ARG STRANGE
ENV STRANGE=$STRANGE
RUN --mount=type=secret,id=token : ${Math.random()}; printf 'it has %s characters and says %s\\n' "$(wc -c </run/secrets/token)" "$(cat /run/secrets/token)"
USER 1000
`;
    using app = buildApp({ 'compose.yml': compose, Dockerfile: dockerfile });
    const without = await app.build();
    expect(without.errors[0]).toMatchObject({ code: 'build.secret' });
    const run = await app.build([], { BUILD_TOKEN: 'very-secret-value-1' });
    expect(run.errors).toEqual([]);
    expect(run.text).toContain('it has 19 characters and says ***');
    expect(run.text).not.toContain('very-secret-value-1');
    const image = JSON.stringify(await registry.config(`${name}/web`, 'main'));
    expect(image).not.toContain('very-secret-value-1');
    expect(image).toContain('STRANGE=${x} %{y}');
    // Another value of the secret is no other tree.
    expect(outcomes(await app.build([], { BUILD_TOKEN: 'another-secret-value' }))).toEqual({ web: 'reused' });
  });

  test('a new base image builds anew; one target may build on another', async () => {
    const at = place();
    const compose = `services:
  base:
    image: ${at}/base
    build: ./base
  web:
    image: ${at}/web
    build: { context: ./web, additional_contexts: { base: "service:base" } }
  api:
    image: ${at}/api
    build: { context: ./api, args: { BASE: ${at}/base } }
`;
    using app = buildApp({
      'compose.yml': compose,
      // No tag of the base is `latest`: what the name means is the image that is built here.
      'api/Dockerfile': 'ARG BASE\nFROM ${BASE}\nCOPY Dockerfile /api\n',
      'base/Dockerfile': 'FROM scratch\nCOPY Dockerfile /base\nUSER 1\n',
      'web/Dockerfile': 'FROM base\nCOPY Dockerfile /web\n',
    });
    expect(outcomes(await app.build())).toEqual({ base: 'built', web: 'built', api: 'built' });
    const name = `${at.slice(registry.host.length + 1)}/api`;
    expect(Object.keys(await registry.files(name, 'main')).sort()).toEqual(['api', 'base']);
    app.put('web/Dockerfile', 'FROM base\nCOPY Dockerfile /web2\n');
    const second = await app.build();
    expect(second.errors).toEqual([]);
    expect(outcomes(second)).toEqual({ base: 'reused', web: 'built', api: 'reused' });
    app.put('base/Dockerfile', 'FROM scratch\nCOPY Dockerfile /base2\nUSER 1\n');
    expect(outcomes(await app.build())).toEqual({ base: 'built', web: 'built', api: 'built' });
    expect(Object.keys(await registry.files(name, 'main')).sort()).toEqual(['api', 'base2']);
  });

  test('triggers of a base: files of the context are in the tree, and what comes from elsewhere builds anew', async () => {
    const at = place();
    const name = at.slice(registry.host.length + 1);
    const base = (trigger: string) => ({
      'compose.yml': `services: { base: { image: ${at}/base, build: . } }\n`,
      Dockerfile: `FROM scratch\nONBUILD ${trigger}\n`,
    });
    using harmless = buildApp(base('COPY by-trigger.txt /\nUSER 1'));
    expect((await harmless.build(['--tag', 'context'])).errors).toEqual([]);
    using taking = buildApp(base(`COPY --from=${at}/base:context Dockerfile* /`));
    expect((await taking.build(['--tag', 'image'])).errors).toEqual([]);

    using app = buildApp({
      'compose.yml': `services: { web: { image: ${at}/web, build: ./web } }\n`,
      'web/Dockerfile': `FROM ${at}/base:context\n`,
      'web/by-trigger.txt': 'one',
    });
    expect(outcomes(await app.build())).toEqual({ web: 'built' });
    expect(await registry.files(`${name}/web`, 'main')).toEqual({ 'by-trigger.txt': 'one' });
    expect(outcomes(await app.build())).toEqual({ web: 'reused' });
    app.put('web/by-trigger.txt', 'two');
    expect(outcomes(await app.build())).toEqual({ web: 'built' });
    expect(await registry.files(`${name}/web`, 'main')).toEqual({ 'by-trigger.txt': 'two' });

    app.put('web/Dockerfile', `FROM ${at}/base:image\n`);
    const { plan } = JSON.parse(
      (await app.build(['--print'])).text.split('\n').find((line) => line.startsWith('{"ok"')) ?? '{}',
    );
    expect(plan.targets[0].action.why).toMatch(/has the trigger "ONBUILD COPY --from=.*", whose inputs/);
    expect(plan.targets[0].treeTag).toBeUndefined();
  });

  test('.git in the context is told once, with what to write where', async () => {
    const at = place();
    const service = (name: string) =>
      `  ${name}: { image: ${at}/${name}, build: { context: ., args: { A: ${name} } } }\n`;
    using app = buildApp({
      'compose.yml': `services:\n${service('api')}${service('web')}`,
      Dockerfile: 'FROM scratch\nCOPY Dockerfile /\nUSER 1\n',
    });
    const run = await app.build();
    expect(run.report.findings).toEqual([
      {
        target: '',
        topic: 'git-context',
        message: expect.stringMatching(/^api, web: .* add \.git to \.dockerignore$/),
      },
    ]);
    app.git('commit', '--allow-empty', '-qm', 'nothing');
    expect(outcomes(await app.build())).toEqual({ api: 'built', web: 'built' });
    app.put('.dockerignore', '.git\n');
    expect((await app.build()).report.findings).toEqual([]);
    app.git('commit', '--allow-empty', '-qm', 'nothing again');
    expect(outcomes(await app.build())).toEqual({ api: 'reused', web: 'reused' });
  });

  test('provenance and SBOM are off unless asked for, and a digest of the whole is what is deployed', async () => {
    const at = place();
    const name = at.slice(registry.host.length + 1);
    const files = shopFiles(at);
    using app = buildApp(files);
    await app.build();
    expect((await registry.manifest(`${name}/shop/api`, 'main')).manifests).toBeUndefined();
    const sluice = readFileSync(join(app.folder, 'sluice.yml'), 'utf8');
    app.put('sluice.yml', `${sluice}build: { provenance: true }\n`);
    const run = await app.build();
    expect(outcomes(run)).toEqual({ api: 'built', web: 'built' });
    expect((await registry.manifest(`${name}/shop/api`, 'main')).manifests).toHaveLength(2);
    expect(run.report.images.api).toBe(`${at}/shop/api@${await registry.digest(`${name}/shop/api`, 'main')}`);
    expect(run.report.findings.map(({ topic }) => topic)).toEqual(['root-user']);
  });
});
