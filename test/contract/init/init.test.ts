import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/sluice-yml/load.ts';
import { initRepo, strategiesOf } from '../../support/init/repo.ts';

// `sluice init` on repositories that are nothing like each other, as a person would run it; what it writes is read by
// the same code that deploys, with the real docker compose.

test('no Docker at all: says what is missing, suggests files, writes nothing', async () => {
  using repo = initRepo('test/fixtures/init/no-docker');
  const before = repo.files();
  const { code, stdout, stderr } = await repo.init();
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(
    'No compose file found: the repository has no Dockerfile either, but looks like an ASGI app (FastAPI)',
  );
  expect(stderr).toContain('CMD ["uvicorn", "--host", "0.0.0.0", "--port", "8000", "main:app"]');
  expect(stderr).toContain('[init.no-compose]');
  expect(repo.files()).toEqual(before);
});

test('and what it suggests is a repository that it can be run on', async () => {
  using repo = initRepo('test/fixtures/init/no-docker');
  const { stdout } = await repo.init('--json');
  const [error] = (JSON.parse(stdout) as { errors: { hint: string }[] }).errors;
  for (const part of error?.hint.split('\n--- ').slice(1) ?? []) {
    const [path = '', ...lines] = part.split('\n');
    writeFileSync(join(repo.folder, path), `${lines.join('\n')}\n`);
  }
  expect((await repo.init()).code).toBe(0);
  expect(await repo.services()).toMatchObject({ web: { strategy: 'blue-green', ports: [{ port: 8000 }] } });
  expect(repo.text('sluice.yml')).toContain('health: /health');
});

test('Node only, with nothing but a published port', async () => {
  using repo = initRepo('test/fixtures/init/node-only');
  const { code, stdout } = await repo.init();
  expect(code).toBe(0);
  expect(stdout).toContain('web has no health path');
  expect(await repo.services()).toMatchObject({
    web: { strategy: 'blue-green', ports: [{ port: 3000 }], health: undefined },
  });
  expect(repo.text('sluice.yml')).not.toContain('\ncompose:');
  expect(repo.text('sluice.yml')).toContain('there is no git remote to derive it from');
  expect(repo.text('sluice.yml')).toContain('# env-secret: ENV_FILE');
  expect(existsSync(join(repo.folder, '.env.example'))).toBe(false);
  expect(repo.callers()).toEqual(['sluice-ci.yml', 'sluice-deploy.yml', 'sluice-rollback.yml']);
});

test('Django and uwsgi, with an overlay for production and a deploy of its own', async () => {
  using repo = initRepo('test/fixtures/init/django-uwsgi');
  const { stdout } = await repo.init();
  expect(stdout).toContain('.github/workflows/deploy.yml also appears to deploy (appleboy/ssh-action)');
  const config = await loadConfig(undefined, repo.folder);
  expect(config.compose).toEqual(['docker-compose.yml', 'docker-compose.prod.yml']);
  expect(config.migrate).toMatchObject({ service: 'app', command: 'python manage.py migrate --noinput' });
  expect(config.backup).toMatchObject({ engine: 'postgres', service: 'db' });
  expect(strategiesOf(await repo.services(repo.text('.env.example')))).toEqual({
    app: 'recreate',
    db: 'keep',
    nginx: 'recreate',
  });
  expect(repo.callers()).toContain('sluice-backup.yml');
  expect(repo.text('.env.example')).toMatch(/^# app, required\nSECRET_KEY=CHANGE_ME_64_characters$/m);
  // The line that only a person can decide on is right, too.
  writeFileSync(
    join(repo.folder, 'sluice.yml'),
    repo.text('sluice.yml').replace('# services:', 'services:').replace('  # app: {', '  app: {'),
  );
  expect(await repo.services(repo.text('.env.example'))).toMatchObject({
    app: { strategy: 'blue-green', ports: [{ port: 8001 }] },
  });
});

test('compose in a subfolder, MySQL, a job that migrates', async () => {
  using repo = initRepo('test/fixtures/init/subfolder');
  expect((await repo.init()).code).toBe(0);
  const config = await loadConfig(undefined, repo.folder);
  expect(config).toMatchObject({
    app: 'tracker',
    compose: ['deploy/docker-compose.yml'],
    migrate: undefined,
    backup: undefined,
  });
  const plans = await repo.services(repo.text('deploy/.env.example'));
  expect(strategiesOf(plans)).toEqual({ api: 'blue-green', migrate: 'job', mysql: 'keep' });
  expect(plans['api']).toMatchObject({ health: '/healthz', ports: [{ port: 9000 }] });
  expect(repo.text('sluice.yml')).toContain('Not backed up: mysql');
  expect(repo.text('sluice.yml')).toContain('# The job migrate already migrates');
});

test('a monorepo with three services, whose Dockerfiles know more than the compose file', async () => {
  using repo = initRepo('test/fixtures/init/monorepo');
  const { stdout } = await repo.init();
  expect(stdout).toContain('Behind a profile and not deployed: tools');
  expect((await loadConfig(undefined, repo.folder)).registry).toBe('registry.example.com/acme/platform');
  const plans = await repo.services(repo.text('.env.example'));
  expect(strategiesOf(plans)).toEqual({ api: 'blue-green', web: 'blue-green', worker: 'singleton' });
  expect(plans['web']?.ports).toMatchObject([{ port: 80, mode: 'http' }]);
  expect(plans['api']).toMatchObject({ health: '/healthz', ports: [{ port: 4000 }] });
});

test('the example application without its sluice.yml', async () => {
  using repo = initRepo('examples/bookreader');
  rmSync(join(repo.folder, 'sluice.yml'));
  repo.git('init', '-qb', 'main');
  repo.git('remote', 'add', 'origin', 'git@github.com:acme/bookreader.git');
  const { stdout } = await repo.init(
    '--production',
    'deploy@prod-1.example.com',
    '--staging',
    'deploy@staging.example.com:2222',
  );
  const config = await loadConfig(undefined, repo.folder);
  expect(config).toMatchObject({
    app: 'bookreader',
    compose: ['compose.yml', 'compose.prod.yml'],
    registry: 'ghcr.io/acme/bookreader',
    migrate: { service: 'backend', command: 'alembic upgrade head' },
    backup: { engine: 'postgres', service: 'db' },
  });
  expect(config.targets['production']).toMatchObject({
    requireTag: true,
    hosts: [{ name: 'deploy@prod-1.example.com' }],
  });
  const plans = await repo.services(repo.text('.env.example'));
  expect(plans).toMatchObject({
    backend: { strategy: 'blue-green', health: '/api/health', ports: [{ port: 8000 }] },
    frontend: { strategy: 'blue-green', ports: [{ port: 3000 }] },
    'celery-worker': { strategy: 'workers' },
    'celery-beat': { strategy: 'singleton' },
    db: { strategy: 'keep' },
    redis: { strategy: 'keep' },
  });
  expect(repo.callers()).toEqual(['backup', 'ci', 'deploy', 'rollback'].map((name) => `sluice-${name}.yml`));
  expect(stdout).toContain('gh secret set ENV_FILE --env production < .env.production');
  expect(stdout).not.toContain('.env.example\n');
});
