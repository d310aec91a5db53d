import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRemoteContext, missingBuildFiles } from '../../../../src/config/compose/build-files.ts';
import type { ComposeService } from '../../../../src/config/model.ts';
import { formatPlace } from '../../../../src/kernel/errors.ts';
import { model } from '../../../support/config/fixtures.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** `compose.yml:3:7 message → hint`, the folder left out. */
async function missing(services: Record<string, ComposeService>, isUncertain?: (name: string) => boolean) {
  const absolute = Object.entries(services).map(([name, { build }]) => {
    const long = typeof build === 'string' ? { context: build } : build;
    const context = long?.context ?? '.';
    return [
      name,
      { build: { ...long, context: isRemoteContext(context) ? context : join(folder, context) } },
    ] as const;
  });
  const where = { folder, compose: ['compose.yml'] };
  const errors = await missingBuildFiles(model(Object.fromEntries(absolute)), where, isUncertain);
  return errors.map(({ at, message, hint }) => {
    const place = at === undefined ? '' : `${formatPlace(at)} `;
    return `${place}${message} → ${hint}`.replaceAll(`${folder}/`, '');
  });
}

const correct = 'Fix the path, or commit the folder with a file in it: git does not track empty folders.';

test('all that are missing at once, each with its line', async () => {
  await write({
    'compose.yml': [
      'services:',
      '  web: { build: ./nowhere }',
      '  api:',
      '    build:',
      '      context: ./api',
      '      dockerfile: Dockerfile.prod',
      '      additional_contexts:',
      '        shared: ./shared',
      '  file: { build: ./compose.yml }',
    ].join('\n'),
    'api/Dockerfile': 'FROM scratch',
  });
  const api = { context: 'api', dockerfile: 'Dockerfile.prod', additional_contexts: { shared: './shared' } };
  expect(
    await missing({ web: { build: 'nowhere' }, api: { build: api }, file: { build: 'compose.yml' } }),
  ).toEqual([
    `compose.yml:2:10 services.web.build.context: nowhere does not exist → ${correct}`,
    `compose.yml:8:17 services.api.build.additional_contexts.shared: shared does not exist → ${correct}`,
    'compose.yml:6:19 services.api.build.dockerfile: api/Dockerfile.prod does not exist → Set `dockerfile:` on the service. Available in its context: Dockerfile.',
    `compose.yml:9:11 services.file.build.context: compose.yml is not a folder → ${correct}`,
  ]);
});

test('a Dockerfile that counts from the wrong folder', async () => {
  await write({ 'docker/Dockerfile': 'FROM scratch', 'api/main.py': '' });
  const build = { context: 'api', dockerfile: 'docker/Dockerfile' };
  expect(await missing({ api: { build } })).toEqual([
    'services.api.build.dockerfile: api/docker/Dockerfile does not exist → The path is relative to the context: write `dockerfile: ../docker/Dockerfile`.',
  ]);
});

test.each([
  ['a Dockerfile beside the sources', { context: 'api' }],
  ['one in lower case', { context: 'lower' }],
  ['one of another name', { context: '.', dockerfile: 'api/Dockerfile' }],
  ['one outside of the context', { context: 'lower', dockerfile: '../api/Dockerfile' }],
  ['one in the compose file', { context: 'empty', dockerfile_inline: 'FROM scratch' }],
  ['a repository', { context: 'https://github.com/acme/web.git#main', dockerfile: 'x/Dockerfile' }],
  ['a repository by SSH', { context: 'git@github.com:acme/web.git' }],
  ['a repository without a scheme', { context: 'github.com/acme/web' }],
  [
    'contexts that are no folders',
    { context: 'api', additional_contexts: ['a=docker-image://alpine', 'b=service:web'] },
  ],
  ['a dollar', { context: 'a$$b' }],
])('nothing is missing for %s', async (_, build) => {
  await write({ 'api/Dockerfile': '', 'lower/dockerfile': '', 'empty/x': '', 'a$b/Dockerfile': '' });
  expect(await missing({ web: { build } })).toEqual([]);
});

test('a service whose paths are not known here is left out', async () => {
  const services = { web: { build: 'nowhere' }, api: { build: 'nowhere' } };
  expect(await missing(services, (name) => name === 'web')).toHaveLength(1);
});

test('a stage that the Dockerfile does not have is named, with those it has', async () => {
  await write({
    'compose.yml': 'services:\n  web: { build: { context: ., target: prod } }\n',
    Dockerfile: 'FROM node:24 AS base\nFROM base AS Production\n',
  });
  expect(await missing({ web: { build: { context: '.', target: 'prod' } } })).toEqual([
    expect.stringContaining(
      'services.web.build.target: Dockerfile has no stage prod → Available: base, production.',
    ),
  ]);
  for (const target of ['production', 'BASE', '1'])
    expect(await missing({ web: { build: { context: '.', target } } })).toEqual([]);
});
