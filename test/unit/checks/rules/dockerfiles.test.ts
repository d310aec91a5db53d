import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../../src/config/sluice-yml/load.ts';
import { ownFindings } from '../../../support/checks/own.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';
import { said, sound, summaries, type Texts } from '../../../support/checks/said.ts';

describe('images that production is not built from', () => {
  const base = {
    'compose.yml': `services: { web: { build: ., ${sound} } }\n`,
    Dockerfile: 'FROM nginx:1.29\n',
  };
  const rough = 'FROM node\nCMD npm test\n';

  test.each([
    'ci/Dockerfile',
    'Dockerfile.playwright',
    'tests/image/Dockerfile',
    '.devcontainer/Dockerfile',
    '.assistant/Dockerfile',
    'app.e2e.Dockerfile',
    'docker/dev/Dockerfile',
    'examples/one/Dockerfile',
  ])('%s is not judged, and the summary names it', async (file) => {
    const texts = { ...base, [file]: rough };
    const found = await ownFindings(memoryRepo(texts));
    expect(found.filter(({ at }) => at?.file === file)).toEqual([]);
    expect((await summaries(texts))['dockerfile']).toBe(
      `1 Dockerfile; ${file} is not built for production as far as Sluice can see`,
    );
  });

  test.each([
    [
      'a workflow',
      '.github/workflows/x.yml',
      'jobs: { a: { steps: [{ with: { file: ./docker/Dockerfile } }] } }',
    ],
    [
      'a command in a workflow',
      '.github/workflows/x.yml',
      '  - run: |\n      docker build \\\n        -f docker/Dockerfile .',
    ],
    ['a matrix', '.github/workflows/x.yml', 'file: ${{ matrix.app }}/Dockerfile'],
    ['a bake file', 'docker-bake.hcl', 'target "a" {\n  dockerfile = "docker/Dockerfile"\n}'],
    ['a context', 'Makefile', 'image:\n\tdocker build -t a docker/\n'],
  ])('beside the one that %s builds', async (_, path, text) => {
    const texts = {
      'compose.yml': `services: { web: { image: "acme/web:1", ${sound} } }\n`,
      'docker/Dockerfile': rough,
      'docker/Dockerfile.chromium': 'FROM acme/web\n',
      'apps/x/Dockerfile.pnpm': rough,
    };
    const files = async (all: Texts) =>
      [...new Set((await said(all, 'dockerfile/floating-base')).map((entry) => entry.split(':')[0]))].sort();
    expect(await files({ ...texts, [path]: text })).toEqual(['fail docker/Dockerfile']);
    // Of those that no command names, the one with the plain name is likeliest; of odd names each may be it.
    expect(await files(texts)).toEqual(['fail docker/Dockerfile']);
    const { 'docker/Dockerfile': __, ...odd } = texts;
    expect((await files(odd)).length).toBe(2);
  });

  test('one that a service is built from is judged wherever it is', async () => {
    const texts = {
      'compose.yml': `services: { web: { build: { context: ., dockerfile: ci/Dockerfile }, ${sound} } }\n`,
      'ci/Dockerfile': rough,
    };
    expect(await said(texts, 'dockerfile/floating-base')).toEqual([
      'fail ci/Dockerfile:1 The base image node has no tag, which means latest.',
    ]);
  });

  test('one that only a compose file for development builds', async () => {
    const other = { 'tools/Dockerfile': rough };
    const texts = { ...base, ...other, 'compose.dev.yml': 'services: { t: { build: ../x/../tools } }\n' };
    const seen = async (all: Texts) => (await said(all, 'dockerfile/floating-base')).length;
    expect(await seen({ ...base, ...other, 'compose.dev.yml': 'services: { t: { build: tools } }\n' })).toBe(
      0,
    );
    expect(await seen({ ...base, ...other })).toBe(1);
    // A path that leads nowhere names nothing.
    expect(await seen(texts)).toBe(1);
    // Where production pulls its image, the pipeline may build what the file for development builds as well.
    const pulled = { 'compose.yml': `services: { web: { image: "ghcr.io/acme/web:1", ${sound} } }\n` };
    expect(
      await seen({ ...other, ...pulled, 'compose.dev.yml': 'services: { t: { build: tools } }\n' }),
    ).toBe(1);
  });

  test('with sluice.yml, those of its services and no others', async () => {
    const config = parseConfig(
      'app: a\ntargets: { production: { hosts: [d@one] } }\n',
      '/repo/sluice.yml',
      '/repo',
    );
    const repo = memoryRepo({ ...base, 'batch/Dockerfile': rough });
    const files = (await ownFindings(repo, config)).map(({ at }) => at?.file);
    expect(files).not.toContain('batch/Dockerfile');
    expect((await ownFindings(repo)).map(({ at }) => at?.file)).toContain('batch/Dockerfile');
  });
});
