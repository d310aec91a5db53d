import { describe, expect, test } from 'vitest';
import type { CheckContext } from '../../../../src/checks/tool.ts';
import { planned, said, sound, summaries, type Texts } from '../../../support/checks/said.ts';

describe('compose files that production is not made of', () => {
  const database =
    'services: { db: { image: "postgres:17", ports: ["5432:5432"], environment: { POSTGRES_PASSWORD: hunter2-and-more } } }\n';

  test.each([
    '.devcontainer/docker-compose.yml',
    'tests/compose.yml',
    'docker/development/compose.yml',
    'compose.dev.yml',
  ])('%s alone is no compose check, and none that saw nothing', (file) => {
    expect(planned({ [file]: database }).map(({ id }) => id)).toEqual([]);
  });

  test('the same at the top is judged', async () => {
    expect(await said({ 'compose.yml': database }, 'compose/published-database')).toHaveLength(1);
    expect(await said({ 'compose.yml': database }, 'compose/literal-secret')).toHaveLength(1);
  });
});

describe('profiles', () => {
  const compose = `services:
  db: { image: postgres, ports: ["5432:5432"], profiles: [db] }
  web: { image: "ghcr.io/acme/web:1", profiles: [web] }
`;

  test('those that .env activates count', async () => {
    const texts = { 'compose.yml': compose, '.env': 'COMPOSE_PROFILES=db\n' };
    expect(await said(texts, 'compose/published-database')).toHaveLength(1);
    expect((await summaries(texts))['compose']).toBe('1 service');
  });

  test('those of an example count, but for those of developers', async () => {
    const texts = { 'compose.yml': compose, '.env.example': 'COMPOSE_PROFILES=web,db,dev\n' };
    expect((await summaries(texts))['compose']).toBe('2 services');
    const dev = {
      'compose.yml': compose.replaceAll('[db]', '[assets]'),
      '.env.example': 'COMPOSE_PROFILES=web,assets\n',
    };
    expect((await summaries(dev))['compose']).toBe('1 service');
  });

  test('all of them inactive: the check did not run, and says so', async () => {
    const [check, ...rest] = planned({ 'compose.yml': compose });
    expect(rest).toEqual([]);
    expect(await check?.run({} as CheckContext)).toMatchObject({
      ran: false,
      why: expect.stringMatching(
        /^every service \(db, web\) is behind an inactive profile; set COMPOSE_PROFILES /,
      ),
    });
  });
});

describe('a check that saw nothing', () => {
  test('says so, or is not listed', async () => {
    expect(await summaries({ 'compose.yml': 'services: {}\n' })).toEqual({
      compose: 'no services in compose.yml',
    });
    const one = { 'compose.yml': `services: { web: { image: "ghcr.io/acme/web:1", ${sound} } }\n` };
    expect(Object.keys(await summaries(one))).toEqual(['compose', 'capacity']);
    const set = {
      'compose.yml': one['compose.yml'].replace('restart:', 'environment: { A: "1" }, restart:'),
    };
    expect((await summaries(set))['env']).toBe('environment of 1 service');
  });

  test('no summary counts to 0', async () => {
    const all = await Promise.all([
      summaries({ 'compose.yml': 'services: {}\n' }),
      summaries({ 'compose.yml': `services: { web: { build: . } }\n`, Dockerfile: 'FROM nginx:1.29\n' }),
      summaries({ '.env': 'A=1\n' }),
    ]);
    expect(
      all.flatMap((item) => Object.values(item)).filter((text) => /(?:^|\W)0 /.test(text ?? '')),
    ).toEqual([]);
  });
});

describe('base images that the build brings itself', () => {
  const compose = `services:
  base: { build: { context: ., dockerfile: base.Dockerfile }, image: acme-base, ${sound} }
  web: { build: ., ${sound} }
`;
  const floating = (from: string, more: Texts = {}) =>
    said(
      { 'compose.yml': compose, 'base.Dockerfile': 'FROM nginx:1.29\n', Dockerfile: from, ...more },
      'dockerfile/floating-base',
    );

  test.each([
    ['the image of another service', 'FROM acme-base\n'],
    ['the same by its tag', 'FROM acme-base:latest\n'],
    ['a stage', 'FROM nginx:1.29 AS Base\nFROM base\n'],
    ['an argument without a default', 'ARG BASE\nFROM ${BASE}\n'],
  ])('%s', async (_, from) => {
    expect(await floating(from)).toEqual([]);
  });

  test('a context of a bake file', async () => {
    const bake = { 'docker-bake.hcl': 'target "web" {\n  contexts = { runtime = "target:runtime" }\n}\n' };
    expect(await floating('FROM runtime\n', bake)).toEqual([]);
    expect(await floating('FROM runtime\n')).toHaveLength(1);
  });

  test('an argument’s default is what is built, and a note for an image of the team’s own', async () => {
    expect(await floating('ARG TAG=latest\nFROM python:${TAG}\n')).toEqual([
      expect.stringMatching(/^fail Dockerfile:2 .* is tagged latest\.$/),
    ]);
    expect(await floating('ARG BASE=acme/runtime\nFROM ${BASE}\n')).toEqual([
      expect.stringMatching(/^note Dockerfile:2 .* unless the build sets another one\.$/),
    ]);
  });
});

describe('.dockerignore', () => {
  const whole = 'FROM nginx:1.29\nCOPY . /srv\n';
  const ignore = (texts: Texts) => said(texts, 'dockerfile/missing-dockerignore');
  const sub = { 'compose.yml': `services: { web: { build: web, ${sound} } }\n`, 'web/Dockerfile': whole };

  test('a folder below the top holds no .git, and nothing is claimed of what it can’t hold', async () => {
    expect(await ignore({ ...sub, 'web/index.html': '' })).toEqual([]);
    expect(await ignore({ ...sub, 'web/package.json': '{}' })).toEqual([
      'fail web/Dockerfile:2 web has no .dockerignore, so node_modules goes into the image.',
    ]);
  });

  test('the top folder does', async () => {
    expect(await ignore({ Dockerfile: whole, 'requirements.txt': '' })).toEqual([
      'fail Dockerfile:2 The top folder has no .dockerignore, so .git, .env and .venv go into the image.',
    ]);
  });
});

describe('health checks', () => {
  const health = (image: string) =>
    said(
      { 'compose.yml': `services: { web: { image: "${image}", ports: ["80:8080"] } }\n` },
      'compose/healthcheck',
    );

  test('an image of somebody else may have one: a note; Docker’s own are known', async () => {
    expect(await health('ghcr.io/acme/portal:1')).toEqual([
      expect.stringMatching(/^note .* its image may have one\.$/),
    ]);
    expect(await health('nginx:1.29')).toEqual([expect.stringMatching(/^fail .* has no health check\.$/)]);
    expect(await health('wordpress:cli-2')).toEqual([]);
  });
});

describe('layers', () => {
  const order = (dockerfile: string, more: Texts = {}) =>
    said(
      { Dockerfile: dockerfile, 'Cargo.toml': '', 'Cargo.lock': '', ...more },
      'dockerfile/copy-before-install',
    );

  test('what was built from the manifests alone is not built again', async () => {
    const crate = { 'macros/Cargo.toml': '', 'macros/src/lib.rs': '' };
    const first = 'FROM rust:1\nWORKDIR /app\nCOPY Cargo.* ./\nCOPY macros ./macros\n';
    expect(
      await order(`${first}RUN cargo build --release\nCOPY . .\nRUN cargo build --release\n`, crate),
    ).toEqual([]);
    expect(
      await order('FROM rust:1\nWORKDIR /app\nCOPY . .\nRUN cargo build --release\n', crate),
    ).toHaveLength(1);
  });

  test('yarn with a time-out is yarn', async () => {
    const start = 'FROM node:24\nWORKDIR /app\nCOPY package.json yarn.lock ./\n';
    const install = 'RUN yarn install --immutable --network-timeout 100000\n';
    const focus = 'RUN yarn workspaces focus --production\n';
    expect(await order(`${start}${install}COPY . .\n${focus}`)).toEqual([]);
    expect(await order(`FROM node:24\nWORKDIR /app\nCOPY . .\n${install}`)).toHaveLength(1);
  });
});

test('a limit of 0 is no limit', async () => {
  const limits = 'deploy: { resources: { limits: { memory: "${MEM:-0}" } } }';
  const texts = { 'compose.yml': `services: { db: { image: "postgres:17", ${limits} } }\n` };
  expect(await said(texts, 'capacity/postgres-memory')).toEqual([]);
  expect(await said(texts, 'compose/memory-limit')).toHaveLength(1);
});

test('a default of the compose file counts more than the example', async () => {
  const compose = 'services: { web: { build: ., volumes: ["${MOUNT:-./public:/app/public}"] } }\n';
  const texts = { 'compose.yml': compose, Dockerfile: 'FROM nginx:1.29\n', 'app.py': '' };
  const mounted = (more: Texts) => said({ ...texts, ...more }, 'compose/source-mount');
  expect(await mounted({ '.env.example': 'MOUNT=.:/app\n' })).toEqual([]);
  expect(await mounted({ '.env': 'MOUNT=.:/app\n' })).toHaveLength(1);
});
