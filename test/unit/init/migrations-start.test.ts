import { describe, expect, test } from 'vitest';
import type { Strategy } from '../../../src/config/model.ts';
import { guessMigration, otherMigrations } from '../../../src/init/guess/database.ts';
import type { ServiceGuess } from '../../../src/init/guess/services.ts';
import type { ServiceSight } from '../../../src/init/study/services.ts';
import { type SeenOptions, sightOf } from '../../support/init/migration-fixtures.ts';

const python = 'FROM python:3.13-slim\nWORKDIR /srv\nCOPY . .\n';
const alembic = { 'alembic.ini': '[alembic]\nscript_location = db\n', 'db/env.py': '' };

/** Where the start of a container migrates, by file and line. */
async function startOf(files: Record<string, string>, options?: SeenOptions) {
  return (await sightOf(files, options)).atStart?.at;
}

describe('a start that migrates is found', () => {
  test.each<[string, Record<string, string>, string]>([
    [
      'the command',
      { Dockerfile: `${python}CMD alembic upgrade head && exec gunicorn app\n` },
      'its command',
    ],
    [
      'an entrypoint',
      {
        Dockerfile: `${python}ENTRYPOINT ["/srv/docker/entry.sh"]\n`,
        'docker/entry.sh': '#!/bin/sh\n# alembic upgrade head\npython manage.py migrate\nexec "$@"\n',
      },
      'docker/entry.sh:3',
    ],
    [
      'a script without an ending, by its path in the image',
      { Dockerfile: `${python}COPY ops/start /start\nCMD ["/start"]\n`, 'ops/start': 'flask db upgrade\n' },
      'ops/start:1',
    ],
    [
      'a script that a script calls',
      {
        Dockerfile: `${python}CMD ["./run.sh"]\n`,
        'run.sh': './scripts/prepare.sh\n',
        'scripts/prepare.sh': '\nalembic -c x.ini upgrade head\n',
      },
      'scripts/prepare.sh:2',
    ],
    [
      'supervisord',
      {
        Dockerfile: `${python}CMD ["supervisord", "-n"]\n`,
        'etc/supervisord.conf': '[program:web]\ncommand=sh -c "python manage.py migrate && gunicorn x"\n',
      },
      'etc/supervisord.conf:2',
    ],
    [
      'uwsgi',
      {
        Dockerfile: `${python}CMD ["uwsgi", "--ini", "uwsgi.ini"]\n`,
        'uwsgi.ini': '[uwsgi]\nexec-pre-app = python manage.py migrate --noinput\n',
      },
      'uwsgi.ini:2',
    ],
    [
      'uwsgi by a hook',
      {
        Dockerfile: `${python}CMD ["uwsgi", "conf/uwsgi.ini"]\n`,
        'conf/uwsgi.ini': '[uwsgi]\nhook-pre-app = exec:python manage.py migrate\n',
      },
      'conf/uwsgi.ini:2',
    ],
    [
      'a Procfile',
      {
        Dockerfile: `${python}CMD ["honcho", "start"]\n`,
        Procfile: 'web: bin/rails db:prepare && bin/rails server\n',
      },
      'Procfile:1',
    ],
    [
      'a script of package.json',
      {
        Dockerfile: 'FROM node:24\nWORKDIR /app\nCOPY . .\nCMD ["npm", "start"]\n',
        'package.json': '{"scripts":{"start":"prisma migrate deploy && node server.js"}}',
      },
      'package.json (script start)',
    ],
    [
      'what npm runs before it',
      {
        Dockerfile: 'FROM node:24\nWORKDIR /app\nCOPY . .\nCMD npm run serve\n',
        'package.json': '{"scripts":{"preserve":"knex migrate:latest","serve":"node server.js"}}',
      },
      'package.json (script preserve)',
    ],
    [
      'a script of a script',
      {
        Dockerfile: 'FROM node:24\nWORKDIR /app\nCOPY . .\nCMD ["yarn", "start"]\n',
        'package.json': '{"scripts":{"start":"npm run setup && node .","setup":"drizzle-kit migrate"}}',
      },
      'package.json (script setup)',
    ],
    [
      's6',
      {
        Dockerfile: 'FROM php:8.4\nCOPY root /\nENTRYPOINT ["/init"]\n',
        'root/etc/cont-init.d/20-db': 'php artisan migrate --force\n',
      },
      'root/etc/cont-init.d/20-db:1',
    ],
    [
      'a folder of scripts that the base image runs',
      {
        Dockerfile: 'FROM serversideup/php:8.4\nCOPY ops/entrypoint.d/ /etc/entrypoint.d/\n',
        'ops/entrypoint.d/10-db.sh': 'php bin/console doctrine:migrations:migrate -n\n',
      },
      'ops/entrypoint.d/10-db.sh:1',
    ],
    [
      'a release of Elixir',
      {
        Dockerfile: 'FROM debian:13\nWORKDIR /app\nCOPY . .\nCMD ["sh", "-c", "bin/migrate && bin/server"]\n',
      },
      'its command',
    ],
  ])('%s', async (_, files, at) => {
    expect(await startOf(files)).toBe(at);
  });

  test('the command of the compose file goes over that of the image', async () => {
    const files = { Dockerfile: `${python}CMD alembic upgrade head && exec gunicorn app\n` };
    expect(await startOf(files, { service: { command: ['celery', 'worker'] } })).toBeUndefined();
    const command = ['sh', '-c', 'python manage.py migrate && gunicorn app'];
    expect(await startOf({ Dockerfile: python }, { service: { command } })).toBe('its command');
  });

  test('a variable that makes a base image migrate', async () => {
    const files = { Dockerfile: 'FROM serversideup/php:8.4\nENV AUTORUN_ENABLED=true\n' };
    expect(await startOf(files)).toBe('its variables');
    expect(await startOf(files, { service: { environment: { AUTORUN_ENABLED: 'false' } } })).toBeUndefined();
  });

  test.each([
    ['makemigrations is for developers', 'RUN python manage.py makemigrations --check\nCMD gunicorn app'],
    ['a script that nothing calls', 'CMD gunicorn app'],
  ])('not found: %s', async (_, lines) => {
    expect(
      await startOf({ Dockerfile: `${python}${lines}\n`, 'scripts/migrate.sh': 'alembic upgrade head\n' }),
    ).toBeUndefined();
  });
});

describe('an app that migrates from its own code', () => {
  test.each<[string, string, string]>([
    ['Go', 'internal/db/open.go', 'if err := goose.Up(db, "migrations"); err != nil {'],
    ['.NET', 'Program.cs', 'db.Database.Migrate();'],
    ['Rust', 'src/main.rs', 'sqlx::migrate!().run(&pool).await?;'],
    ['TypeORM', 'src/app.module.ts', '  migrationsRun: true,'],
    ['Alembic', 'app/main.py', '    command.upgrade(config, "head")'],
    ['Ecto', 'lib/shop/application.ex', '      {Ecto.Migrator, repos: repos},'],
    ['a release that is called at the start', 'lib/shop/application.ex', '    maybe_run_migrations()'],
  ])('%s', async (_, file, line) => {
    const { inCode } = await sightOf({ Dockerfile: 'FROM scratch\n', [file]: `first\n${line}\n` });
    expect(inCode?.at).toBe(`${file}:2`);
  });

  test('Spring Boot runs Flyway, unless it is switched off', async () => {
    const build = {
      Dockerfile: 'FROM eclipse-temurin:25\n',
      'pom.xml': '<groupId>org.springframework.boot</groupId>\n<artifactId>flyway-core</artifactId>',
    };
    expect((await sightOf(build)).inCode).toMatchObject({ at: 'pom.xml', line: 'Spring Boot with Flyway' });
    const off = { ...build, 'src/main/resources/application.properties': 'spring.flyway.enabled=false\n' };
    expect((await sightOf(off)).inCode).toBeUndefined();
  });

  test('a script or a program beside the app is not its start', async () => {
    const files = {
      Dockerfile: 'FROM node:24\n',
      'cmd/migrate/main.go': 'goose.Up(db, ".")\n',
      'scripts/up.ts': 'await db.migrate.latest();\n',
      'src/migrate.ts': 'await db.migrate.latest();\n',
    };
    expect((await sightOf(files)).inCode).toBeUndefined();
    const used = { ...files, 'src/server.ts': "import { up } from './migrate';\n" };
    expect((await sightOf(used)).inCode?.at).toBe('src/migrate.ts:1');
  });
});

describe('one migration a deploy', () => {
  const guessed = (name: string, strategy: Strategy): ServiceGuess => ({
    name,
    plan: {
      name,
      strategy,
      reason: '',
      replicas: 1,
      ports: [],
      health: undefined,
      startDeadlineMs: 1,
      stopGraceMs: 1,
    },
    own: {},
    why: [],
    maybe: undefined,
  });
  const seen = async (
    name: string,
    files: Record<string, string>,
    options: SeenOptions = {},
  ): Promise<ServiceSight> => ({
    name,
    context: options.context ?? '',
    dockerfile: 'Dockerfile',
    image: undefined,
    health: undefined,
    ...(await sightOf(files, options)),
  });
  const app = { Dockerfile: python, ...alembic };

  test('in the service that serves, before its workers', async () => {
    const services = [guessed('worker', 'workers'), guessed('api', 'blue-green')];
    const sights = [await seen('worker', app), await seen('api', app)];
    expect(guessMigration(services, sights)).toEqual({
      service: 'api',
      command: 'alembic upgrade head',
      why: 'alembic.ini',
      instead: undefined,
    });
    expect(otherMigrations(guessMigration(services, sights), sights)).toEqual([]);
  });

  test('not where a job migrates, by its command, its name or its image', async () => {
    const command = ['alembic', 'upgrade', 'head'];
    const api = await seen('api', app);
    for (const [name, service] of [
      ['once', { command }],
      ['db-migrate', {}],
      ['schema', {}],
    ] as const) {
      const services = [guessed('api', 'blue-green'), guessed(name, 'job')];
      const guess = guessMigration(services, [api, await seen(name, app, { service })]);
      expect(guess).toMatchObject({
        service: 'api',
        instead: `The job ${name} already migrates once per deploy.`,
      });
    }
    const model = { name: 'x', services: { once: { image: 'flyway/flyway:12' } } };
    const other = guessMigration([guessed('api', 'blue-green'), guessed('once', 'job')], [api], model);
    expect(other?.instead).toBe('The job once already migrates once per deploy.');
  });

  test('a job that does something else leaves the migration to the app', async () => {
    const bucket = await seen(
      'bucket',
      { Dockerfile: 'FROM minio/mc\n' },
      { service: { command: ['mc', 'mb', 'x/y'] } },
    );
    const services = [guessed('api', 'blue-green'), guessed('bucket', 'job')];
    expect(guessMigration(services, [await seen('api', app), bucket])).toMatchObject({
      service: 'api',
      instead: undefined,
    });
  });

  test('each start migrates: a comment that says where', async () => {
    const files = {
      ...app,
      Dockerfile: `${python}CMD ["/srv/run.sh"]\n`,
      'run.sh': '#!/bin/sh\nalembic upgrade head\n',
    };
    const guess = guessMigration([guessed('api', 'blue-green')], [await seen('api', files)]);
    expect(guess?.command).toBe('alembic upgrade head');
    expect(guess?.instead).toMatch(
      /^api migrates on every container start: `alembic upgrade` in run\.sh:2\. /,
    );
  });

  test('what is not ready to run is named, with the line', async () => {
    const files = { Dockerfile: `${python}`, 'knexfile.js': '', 'package.json': '{}' };
    const guess = guessMigration([guessed('api', 'blue-green')], [await seen('api', files)]);
    expect(guess?.instead).toBe(
      'Knex (knexfile.js) cannot run in api yet: package.json does not list knex, so the image does not contain it.',
    );
  });

  test('a tool of another service is named: one command runs', async () => {
    const other = {
      'jobs/Dockerfile': 'FROM ruby:3.4\nWORKDIR /app\nCOPY . .\n',
      'jobs/db/migrate/20260101000000_a.rb': '',
      'jobs/Rakefile': '',
    };
    const services = [guessed('api', 'blue-green'), guessed('jobs', 'workers')];
    const sights = [await seen('api', app), await seen('jobs', other, { context: 'jobs' })];
    const guess = guessMigration(services, sights);
    expect(otherMigrations(guess, sights)).toEqual([
      '`migrate` runs one command. Not run: ActiveRecord of jobs (jobs/db/migrate/20260101000000_a.rb).',
    ]);
  });
});
