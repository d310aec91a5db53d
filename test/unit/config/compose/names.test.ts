import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isComposeName, mayBeCompose, purposeOf } from '../../../../src/config/compose/choice/names.ts';
import { composeUsages, usagePaths } from '../../../../src/config/compose/choice/usage.ts';

describe('purposes by name', () => {
  test.each([
    ['docker-compose.yml', 'neutral'],
    ['compose.prod.yaml', 'production'],
    ['docker-compose-production.yml', 'production'],
    ['docker-compose.prod.local.yml', 'development'],
    ['docker/production/compose.yml', 'production'],
    ['docker/development/compose.yml', 'development'],
    ['deploy/compose.yml', 'neutral'],
    ['docker-compose.staging.yml', 'staging'],
    ['docker-compose.yml.example', 'example'],
    ['docker-compose.override.yml', 'development'],
    ['docker-compose.mariadb.yml', 'neutral'],
    ['docker-stack.yml', 'neutral'],
    ['production.yml', 'production'],
  ])('%s: %s', (path, purpose) => {
    expect([isComposeName(path), purposeOf(path)]).toEqual([true, purpose]);
  });

  test.each([
    '.github/workflows/compose.yml',
    '.devcontainer/docker-compose.yml',
    'sluice.yml',
    'decompose.yml',
    'compose.ts',
  ])('%s is none', (path) => expect(isComposeName(path)).toBe(false));

  test('only files that no tool owns are opened in the hope of services', () => {
    const paths = [
      'deploy/basic.yml',
      'mkdocs.yml',
      '.travis.yml',
      'charts/app/a.yaml',
      'k8s/web.yml',
      'sluice.yml',
    ];
    expect(paths.filter(mayBeCompose)).toEqual(['deploy/basic.yml']);
  });
});

describe('how the repository starts it', () => {
  test.each<[string, string[][]]>([
    ['docker compose -f a.yml -f b.yml up && docker compose -f c.yaml ps', [['a.yml', 'b.yml'], ['c.yaml']]],
    ['docker-compose \\\n  --file a.yml \\\n  --file=b.yml up', [['a.yml', 'b.yml']]],
    ['COMPOSE_FILE=./a.yml:b.yml', [['a.yml', 'b.yml']]],
    ['docker stack deploy -c stack.yml shop', [['stack.yml']]],
    ['docker compose up -d', []],
    ['kubectl apply -f a.yml', []],
  ])('%s', (text, lists) => {
    expect(composeUsages('x', text).map(({ files }) => files)).toEqual(lists);
  });

  test('is read in few places', () => {
    const paths = [
      'README.md',
      'Makefile',
      'scripts/deploy.sh',
      '.github/workflows/ci.yml',
      'src/a.ts',
      'src/x/y/z.sh',
    ];
    expect(usagePaths(paths)).toEqual([
      'Makefile',
      'README.md',
      'scripts/deploy.sh',
      '.github/workflows/ci.yml',
    ]);
  });

  test('no text takes long', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('docker compose ', '-f ', ' ', '\\\n', 'a.yml', '"', ':', '${')),
        (parts) => {
          expect(composeUsages('x', parts.join(''))).toBeInstanceOf(Array);
        },
      ),
    );
  });
});
