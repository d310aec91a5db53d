import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  type ComposeCandidate,
  chooseCompose,
  isEnough,
  startsContainers,
} from '../../../../src/config/compose/choice/choice.ts';
import { composeUsages } from '../../../../src/config/compose/choice/usage.ts';

const app = '{ web: { image: "acme/web:1", ports: ["80:3000"] } }';

/** @param yaml of `services`, or of the whole file where it begins with a key. */
function file(path: string, yaml: string = app): ComposeCandidate {
  const data = parse(yaml.startsWith('{') ? `services: ${yaml}` : yaml, { merge: true }) as {
    services?: Record<string, Record<string, unknown>>;
  };
  return { path, data, services: data.services ?? {} };
}

const usage = (where: string, command: string) => composeUsages(where, command);

function chosen(files: readonly ComposeCandidate[], text = ''): readonly string[] | undefined {
  return chooseCompose(files, usage('README.md', text))?.files.map(({ path }) => path);
}

test('what counts as an app in production, and what as a compose file at all', () => {
  expect(startsContainers(file('a.yml', '{ web: { port: 1 } }'))).toBe(false);
  expect(startsContainers(file('a.yml'))).toBe(true);
  expect(isEnough([file('compose.dev.yml'), file('examples/compose.yml')])).toBe(false);
  expect(isEnough([file('compose.yml')])).toBe(true);
});

describe('folders', () => {
  test.each<[string, string[], string]>([
    [
      'production before development',
      ['docker/development/compose.yml', 'docker/production/compose.yml'],
      'docker/production/compose.yml',
    ],
    [
      'one in a folder before one for development at the top',
      ['docker-compose.dev.yml', 'docker/docker-compose.yml'],
      'docker/docker-compose.yml',
    ],
    [
      'one for production in a folder of deploys before a general one',
      ['compose.yml', 'deploy/compose.prod.yml'],
      'deploy/compose.prod.yml',
    ],
    [
      'the top before one for production elsewhere',
      ['compose.yml', 'monitoring/compose.prod.yml'],
      'compose.yml',
    ],
    [
      'an example only where there is no other',
      ['a/b/compose.yml', 'examples/compose.yml'],
      'a/b/compose.yml',
    ],
    [
      'contrib where there is no other',
      ['contrib/docker/docker-compose.yml', 'compose.dev.yml'],
      'contrib/docker/docker-compose.yml',
    ],
    [
      'a file to be copied before one for development',
      ['docker-compose.dev.yml', 'docker-compose.yml.example'],
      'docker-compose.yml.example',
    ],
    [
      'staging before development',
      ['docker-compose.staging.yml', 'docker-compose.test.yml'],
      'docker-compose.staging.yml',
    ],
    ['a stack', ['docker-stack.yml', 'compose.override.yml'], 'docker-stack.yml'],
  ])('%s', (_, paths, expected) => {
    expect(chosen(paths.map((path) => file(path)))).toEqual([expected]);
  });

  test('the order in which files are found changes nothing', () => {
    const files = [
      'a/compose.yml',
      'b/compose.yml',
      'compose.x.yml',
      'compose.y.yml',
      'docs/compose.yml',
      'compose.dev.yml',
    ];
    const expected = chosen(files.map((path) => file(path)));
    fc.assert(
      fc.property(fc.shuffledSubarray(files, { minLength: files.length }), (paths) => {
        expect(chosen(paths.map((path) => file(path)))).toEqual(expected);
      }),
    );
  });
});

describe('an overlay, or a file of its own', () => {
  const base = `
services:
  web: { build: ., ports: ["80:80"], environment: { A: "1", NODE_ENV: development }, volumes: ["data:/data", ".:/app"], networks: [front] }
  db: { image: "postgres:17", volumes: ["pg:/var/lib/postgresql/data"] }
  mailhog: { image: mailhog/mailhog, ports: ["8025:8025"] }
volumes: { data: {}, pg: {} }
networks: { front: {} }
`;
  const both = ['compose.yaml', 'compose.prod.yaml'];
  const alone = ['compose.prod.yaml'];

  test.each<[string, string, string[], string]>([
    ['no image', '{ web: { restart: always } }', both, 'web has neither image nor build in it'],
    [
      'a volume of data lost',
      '{ web: { image: acme/web, environment: { B: "2" } } }',
      both,
      'web loses the volume data',
    ],
    [
      'a volume that only the base declares',
      '{ web: { image: acme/web, volumes: ["data:/data"], environment: [A=2], ports: ["80:80"] } }',
      both,
      'web uses data, which only the base file defines',
    ],
    [
      'a database that only the base has',
      'services: { web: { image: acme/web, depends_on: [db], volumes: ["data:/data"], environment: [A=2] } }\nvolumes: { data: {} }',
      both,
      'web uses db, which only the base file defines',
    ],
    [
      'a database called by name',
      'services: { web: { image: acme/web, ports: ["80:80"], volumes: ["data:/data"], environment: { A: "1", DATABASE_URL: "postgres://app@db:5432/app" } } }\nvolumes: { data: {} }',
      both,
      'web calls db, which only the base file defines',
    ],
    [
      'variables lost',
      'services: { web: { image: acme/web, ports: ["80:80"], volumes: ["data:/data"], environment: { B: "1" } } }\nvolumes: { data: {} }',
      both,
      'loses its variables (A)',
    ],
    [
      'ports lost, and nothing else leads in',
      'services: { web: { image: acme/web, volumes: ["data:/data"], environment: { A: "1" } } }\nvolumes: { data: {} }',
      both,
      'loses its ports',
    ],
    [
      'complete: labels of a proxy lead in, sources and helpers of development are left out',
      'services: { web: { image: acme/web, labels: ["traefik.http.routers.web.rule=Host(`x`)"], volumes: ["data:/data"], environment: { A: "1" } }, db: { image: "postgres:17", volumes: ["pg:/var/lib/postgresql/data"] } }\nvolumes: { data: {}, pg: {} }',
      alone,
      'it defines all that its services need',
    ],
    [
      'it extends the base itself',
      'services: { web: { extends: { file: compose.yaml, service: web }, restart: always } }',
      alone,
      'it defines all that its services need',
    ],
  ])('%s', (_, prod, expected, why) => {
    const choice = chooseCompose([file('compose.yaml', base), file('compose.prod.yaml', prod)]);
    expect(choice?.files.map(({ path }) => path)).toEqual(expected);
    expect(choice?.why).toContain(why);
  });

  const whole =
    'services: { web: { image: acme/web, ports: ["80:80"], volumes: ["data:/data"], environment: { A: "1" } } }\nvolumes: { data: {} }';

  test('the commands of the repository decide, unless the file can’t stand alone', () => {
    const files = [file('compose.yaml', base), file('compose.prod.yaml', whole)];
    expect(chosen(files)).toEqual(alone);
    expect(chosen(files, 'docker compose -f compose.yaml -f ./compose.prod.yaml up -d')).toEqual(both);
    expect(chosen(files, 'Start: `docker-compose --file=compose.prod.yaml up`')).toEqual(alone);
    const overlay = [file('compose.yaml', base), file('compose.prod.yaml', '{ web: { restart: always } }')];
    expect(chosen(overlay, 'docker compose -f compose.prod.yaml pull')).toEqual(both);
  });

  test('an overlay in a folder goes over the base at the top, and a common file is a base, too', () => {
    expect(
      chosen([file('compose.yml', base), file('deploy/compose.prod.yml', '{ web: { restart: always } }')]),
    ).toEqual(['compose.yml', 'deploy/compose.prod.yml']);
    expect(
      chosen([
        file('docker-compose.common.yml', base),
        file('docker-compose.prod.yml', '{ web: { restart: always } }'),
      ]),
    ).toEqual(['docker-compose.common.yml', 'docker-compose.prod.yml']);
  });
});

describe('what is not used', () => {
  const rolesOf = (files: readonly ComposeCandidate[]) =>
    Object.fromEntries(chooseCompose(files)?.unused.map(({ path, role }) => [path, role]) ?? []);

  test('each has its role', () => {
    const files = [
      file(
        'compose.yml',
        'include: [db/compose.yml]\nservices: { web: { image: x, extends: { file: common.compose.yml, service: a } } }',
      ),
      file('db/compose.yml'),
      file('common.compose.yml'),
      file('compose.gpu.yml', '{ web: { runtime: nvidia } }'),
      file('compose.sqlite.yml'),
      file('compose.dev.yml'),
      file('tools/compose.yml'),
      file('overrides/compose.redis.yml'),
      file('docker-compose.override.yml.example', '{ web: { ports: ["8080:80"] } }'),
    ];
    expect(chosen(files)).toEqual(['compose.yml']);
    expect(rolesOf(files)).toEqual({
      'db/compose.yml': 'part',
      'common.compose.yml': 'part',
      'compose.gpu.yml': 'overlay',
      'compose.sqlite.yml': 'alternative',
      'compose.dev.yml': 'development',
      'tools/compose.yml': 'elsewhere',
      'overrides/compose.redis.yml': 'overlay',
      'docker-compose.override.yml.example': 'override-example',
    });
  });

  test('of alternatives the one that the README starts is taken, else the first by name', () => {
    const files = [file('docker-compose.postgres.yml'), file('docker-compose.mariadb.yml')];
    expect(chosen(files)).toEqual(['docker-compose.mariadb.yml']);
    expect(chosen(files, 'docker compose -f docker-compose.postgres.yml up')).toEqual([
      'docker-compose.postgres.yml',
    ]);
    expect(chooseCompose(files)?.why).toContain('docker-compose.mariadb.yml, docker-compose.postgres.yml');
  });

  test.each([
    ['compose.dev.yml', 'is named for development'],
    ['docker-compose.yml.sample', 'is an example to copy'],
    ['examples/compose.yml', 'looks like an example'],
  ])('%s alone is taken, with the doubt', (path, doubt) => {
    expect(chooseCompose([file(path)])).toMatchObject({
      files: [{ path }],
      doubt: expect.stringContaining(doubt),
    });
  });
});

describe('a neutral file that builds for development', () => {
  const doubt = (...files: ComposeCandidate[]) => chooseCompose(files)?.doubt;

  test.each([
    ['{ web: { build: { dockerfile: docker/dev.Dockerfile } } }', 'builds docker/dev.Dockerfile'],
    ['{ web: { build: { context: ., target: devcontainer } } }', 'builds the stage devcontainer'],
    ['{ web: { build: { dockerfile: Dockerfile.dev } } }', 'builds Dockerfile.dev'],
  ])('%s', (services, text) => {
    expect(doubt(file('compose.yml', services))).toBe(`web ${text}, which is named for development`);
  });

  test.each([
    '{ web: { build: . } }',
    '{ web: { build: { dockerfile: "${DOCKERFILE:-Dockerfile.dev}" } } }',
    '{ web: { build: { dockerfile: dev.Dockerfile, target: runtime } } }',
    '{ web: { build: { dockerfile: docker/Dockerfile } } }',
  ])('%s is none', (services) => {
    expect(doubt(file('compose.yml', services))).toBeUndefined();
  });

  test('an overlay for production that builds another stage', () => {
    const base = file('compose.yml', '{ web: { build: { context: ., target: dev }, ports: ["80:80"] } }');
    const prod = file('compose.prod.yml', '{ web: { build: { target: prod } } }');
    expect(doubt(base, prod)).toBeUndefined();
  });

  test('a folder devenv is one for development', () => {
    const files = [file('docker/devenv/docker-compose.main.yml'), file('docker/images/docker-compose.yaml')];
    expect(chosen(files)).toEqual(['docker/images/docker-compose.yaml']);
  });
});
