import { describe, expect, test } from 'vitest';
import { commandOf, sightOf } from '../../support/init/migration-fixtures.ts';

const django = 'from django.core.management import execute_from_command_line\n';
const python = 'FROM python:3.13-slim\n';

describe('where the image has the files decides how the tool is called', () => {
  test.each<[string, string, string]>([
    [
      'the folder of the tool is the working directory',
      'WORKDIR /srv/api\nCOPY api/ ./',
      'alembic upgrade head',
    ],
    ['the tool is below it', 'WORKDIR /srv\nCOPY . .', 'cd api && alembic upgrade head'],
    ['it is elsewhere', 'WORKDIR /srv/web\nCOPY . /code', 'cd /code/api && alembic upgrade head'],
    [
      'file by file',
      'WORKDIR /srv\nCOPY api/alembic.ini .\nCOPY api/migrations ./migrations',
      'alembic upgrade head',
    ],
    [
      'by another stage',
      'AS build\nWORKDIR /src\nCOPY . .\nFROM python:3.13-slim\nWORKDIR /app\nCOPY --from=build /src/api /app',
      'alembic upgrade head',
    ],
    ['a variable hides both', 'ARG HOME_DIR\nWORKDIR $HOME_DIR\nCOPY api .', 'alembic upgrade head'],
    [
      'only a part of it is in the image',
      'WORKDIR /srv\nCOPY api/alembic.ini .',
      'The image has api/alembic.ini, but no COPY adds api/migrations/env.py.',
    ],
  ])('%s', async (_, lines, command) => {
    const files = {
      Dockerfile: `FROM python:3.13-slim ${lines.startsWith('AS') ? lines : `\n${lines}`}\n`,
      'api/alembic.ini': '[alembic]\nscript_location = migrations\n',
      'api/migrations/env.py': 'from alembic import context\n',
    };
    expect(await commandOf(files)).toBe(command);
  });

  test('an image that does not get the files does not migrate', async () => {
    const files = {
      'docker/proxy.Dockerfile': 'FROM nginx:1.29\nCOPY docker/site.conf /etc/nginx/conf.d/\n',
      'docker/app.Dockerfile': `${python}WORKDIR /srv\nCOPY . .\n`,
      'docker/site.conf': '',
      'manage.py': django,
    };
    expect((await sightOf(files, { dockerfile: 'docker/proxy.Dockerfile' })).migrations).toEqual([]);
    expect(await commandOf(files, { dockerfile: 'docker/app.Dockerfile' })).toBe(
      'python manage.py migrate --noinput',
    );
  });

  test('working_dir of the compose file goes over WORKDIR', async () => {
    const files = { Dockerfile: `${python}WORKDIR /srv\nCOPY . .\n`, 'web/manage.py': django };
    expect(await commandOf(files)).toBe('python web/manage.py migrate --noinput');
    expect(await commandOf(files, { service: { working_dir: '/srv/web' } })).toBe(
      'python manage.py migrate --noinput',
    );
  });

  test('the stage that is built, not the last one', async () => {
    const files = {
      Dockerfile: `${python.trim()} AS app\nWORKDIR /srv\nCOPY . .\nFROM nginx:1.29\nCOPY --from=app /srv/static /usr/share/nginx/html\n`,
      'manage.py': django,
    };
    expect(await commandOf(files, { target: 'app' })).toBe('python manage.py migrate --noinput');
    expect(await commandOf(files)).toBeUndefined();
  });

  test('an image without a shell is named', async () => {
    const files = {
      Dockerfile: `${python.trim()} AS build\nWORKDIR /srv\nCOPY . .\nFROM gcr.io/distroless/python3-debian13\nWORKDIR /srv\nCOPY --from=build /srv /srv\n`,
      'manage.py': django,
    };
    expect(await commandOf(files)).toContain('has no shell (gcr.io/distroless/python3-debian13)');
  });
});

describe('Python', () => {
  const all = `${python}WORKDIR /srv\nCOPY . .\n`;

  test('script_location from the top: alembic runs there, with its ini by -c', async () => {
    const files = {
      Dockerfile: all,
      'conf/alembic.ini': '[alembic]\nscript_location = db/versions\n',
      'db/versions/env.py': '',
    };
    expect(await commandOf(files)).toBe('alembic -c conf/alembic.ini upgrade head');
  });

  test('alembic in pyproject.toml, and aerich', async () => {
    const alembic = {
      Dockerfile: all,
      'pyproject.toml': '[tool.alembic]\nscript_location = "%(here)s/db"\n',
      'db/env.py': '',
    };
    expect(await commandOf(alembic)).toBe('alembic upgrade head');
    expect(await commandOf({ Dockerfile: all, 'pyproject.toml': '[tool.aerich]\nlocation = "./db"\n' })).toBe(
      'aerich upgrade',
    );
  });

  test('Flask-Migrate is not alembic, although it has an alembic.ini', async () => {
    const files = {
      Dockerfile: `${all}CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop.main:create_app()"]\n`,
      'migrations/alembic.ini': '[alembic]\n',
      'migrations/env.py': 'from flask import current_app\n',
    };
    expect(await commandOf(files)).toBe("flask --app 'shop.main:create_app()' db upgrade");
    expect(await commandOf({ ...files, 'wsgi.py': '' })).toBe('flask db upgrade');
    expect(await commandOf({ ...files, Dockerfile: all })).toBe(
      'Flask cannot find the app here: set FLASK_APP.',
    );
    expect(
      await commandOf({ ...files, Dockerfile: all }, { service: { environment: { FLASK_APP: 'shop' } } }),
    ).toBe('flask db upgrade');
  });

  test.each([
    ['CMD ["poetry", "run", "uvicorn", "app:app"]', 'poetry run alembic upgrade head'],
    ['CMD ["uv", "run", "--no-dev", "fastapi", "run"]', 'uv run --no-dev alembic upgrade head'],
    ['CMD pipenv run gunicorn app:app', 'pipenv run alembic upgrade head'],
    ['CMD ["/opt/venv/bin/gunicorn", "app:app"]', '/opt/venv/bin/alembic upgrade head'],
    ['CMD ["/usr/local/bin/gunicorn", "app:app"]', 'alembic upgrade head'],
  ])('runs as the container’s own start does: %s', async (start, command) => {
    expect(
      await commandOf({
        Dockerfile: `${all}${start}\n`,
        'alembic.ini': '[alembic]\nscript_location = db\n',
        'db/env.py': '',
      }),
    ).toBe(command);
  });

  test('a manage.py of something else is none', async () => {
    expect(await commandOf({ Dockerfile: all, 'manage.py': 'import flask_script\n' })).toBeUndefined();
  });
});

describe('Node', () => {
  const schema = 'datasource db {\n  provider = "postgresql"\n}\n';
  const prisma = (place: 'dependencies' | 'devDependencies') => ({
    'package.json': JSON.stringify({ [place]: { prisma: '6.1.0' } }),
    'prisma/schema.prisma': schema,
    'prisma/migrations/1_init/migration.sql': '',
  });
  const node = (install: string) =>
    `FROM node:24\nWORKDIR /app\nCOPY package*.json ./\nRUN ${install}\nCOPY . .\n`;

  test.each([
    ['npm ci', 'devDependencies', 'npx prisma migrate deploy'],
    ['npm ci --omit=dev', 'dependencies', 'npx prisma migrate deploy'],
    [
      'npm ci --omit=dev',
      'devDependencies',
      'prisma is in devDependencies, which the image omits: move it to dependencies.',
    ],
    [
      'npm ci && npm run build && npm prune --production',
      'devDependencies',
      'prisma is in devDependencies, which the image omits: move it to dependencies.',
    ],
    ['npm ci --omit=dev && npm install prisma@6', 'devDependencies', 'npx prisma migrate deploy'],
  ] as const)('%s with prisma in %s', async (install, place, expected) => {
    expect(await commandOf({ ...prisma(place), Dockerfile: node(install) })).toBe(expected);
  });

  test('NODE_ENV=production leaves devDependencies out, too', async () => {
    const files = {
      ...prisma('devDependencies'),
      Dockerfile: node('npm ci').replace('WORKDIR', 'ENV NODE_ENV=production\nWORKDIR'),
    };
    expect(await commandOf(files)).toContain('move it to dependencies');
  });

  test('what a bundler has traced has no programs', async () => {
    const Dockerfile =
      'FROM node:24 AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\nFROM node:24\nWORKDIR /app\nCOPY --from=build /app/.next/standalone ./\nCOPY --from=build /app/prisma ./prisma\n';
    expect(await commandOf({ ...prisma('dependencies'), Dockerfile })).toContain(
      'install prisma in the final stage',
    );
  });

  test('a schema elsewhere, without migrations, and of MongoDB', async () => {
    const Dockerfile = node('npm ci');
    const manifest = { 'package.json': JSON.stringify({ dependencies: { prisma: '6' } }) };
    expect(
      await commandOf({
        ...manifest,
        Dockerfile,
        'db/schema.prisma': schema,
        'db/migrations/1/migration.sql': '',
      }),
    ).toBe('npx prisma migrate deploy --schema db/schema.prisma');
    expect(await commandOf({ ...manifest, Dockerfile, 'prisma/schema.prisma': schema })).toContain(
      'prisma has no migrations folder',
    );
    expect(
      await commandOf({ ...manifest, Dockerfile, 'prisma/schema.prisma': 'provider = "mongodb"\n' }),
    ).toBeUndefined();
  });

  test('a workspace: the package that has the schema', async () => {
    const files = {
      Dockerfile:
        'FROM node:24\nWORKDIR /repo\nCOPY . .\nRUN corepack enable && pnpm install --frozen-lockfile\nCMD ["pnpm", "start"]\n',
      'package.json': '{}',
      'packages/db/package.json': JSON.stringify({ dependencies: { prisma: '6' } }),
      'packages/db/prisma/schema.prisma': schema,
      'packages/db/prisma/migrations/1/migration.sql': '',
    };
    expect(await commandOf(files)).toBe('cd packages/db && pnpm exec prisma migrate deploy');
  });

  test.each<[string, Record<string, string>, object, string]>([
    ['Knex', { 'knexfile.js': '' }, { dependencies: { knex: '3' } }, 'npx knex migrate:latest'],
    [
      'Knex in TypeScript',
      { 'knexfile.ts': '' },
      { dependencies: { knex: '3' } },
      'knexfile.ts is TypeScript, but the image has no loader for it, such as tsx.',
    ],
    [
      'Drizzle',
      { 'drizzle.config.ts': '' },
      { dependencies: { 'drizzle-kit': '1' } },
      'npx drizzle-kit migrate',
    ],
    [
      'Sequelize',
      { '.sequelizerc': '' },
      { dependencies: { 'sequelize-cli': '6' } },
      'npx sequelize-cli db:migrate',
    ],
    [
      'MikroORM',
      { 'mikro-orm.config.ts': '' },
      { dependencies: { '@mikro-orm/cli': '6' } },
      'npx mikro-orm migration:up',
    ],
    [
      'node-pg-migrate',
      { 'migrations/1_a.js': '' },
      { dependencies: { 'node-pg-migrate': '8' } },
      'npx node-pg-migrate up',
    ],
    [
      'TypeORM by its own script',
      { 'src/migrations/1700000000000-A.ts': '' },
      { dependencies: { typeorm: '0.3' }, scripts: { 'db:up': 'typeorm migration:run -d dist/source.js' } },
      'npm run db:up',
    ],
    [
      'TypeORM without one',
      { 'src/migrations/1700000000000-A.ts': '', 'src/data-source.ts': '' },
      { dependencies: { typeorm: '0.3' } },
      'Check the path of the compiled data source after -d.',
    ],
    [
      'AdonisJS',
      { 'adonisrc.ts': '', 'database/migrations/1_a.ts': '' },
      {},
      'node ace migration:run --force',
    ],
  ])('%s', async (_, files, manifest, expected) => {
    expect(
      await commandOf({ ...files, 'package.json': JSON.stringify(manifest), Dockerfile: node('npm ci') }),
    ).toBe(expected);
  });

  test('a tool that no package.json lists is not fetched in the middle of a deploy', async () => {
    expect(await commandOf({ 'knexfile.js': '', 'package.json': '{}', Dockerfile: node('npm ci') })).toBe(
      'package.json does not list knex, so the image does not contain it.',
    );
  });
});
