import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig, targetOf } from '../../src/config/load.ts';
import type { ServicePlan } from '../../src/config/model.ts';
import { resolveHostModel } from '../../src/config/resolve.ts';
import { runProcess } from '../../src/kernel/process.ts';

// `sluice init` on repositories that are nothing like each other, as a person would run it; what it writes is read by
// the same code that deploys, with the real docker compose.

const root = resolve(import.meta.dirname, '../..');
let repo: string;
beforeEach(() => {
  repo = mkdtempSync(join(tmpdir(), 'sluice-init-'));
});
afterEach(() => rmSync(repo, { recursive: true, force: true }));

function take(fixture: string): void {
  cpSync(join(root, fixture), repo, { recursive: true });
}

function git(...args: string[]): void {
  execFileSync('git', ['-C', repo, ...args], { stdio: 'pipe' });
}

async function init(...args: string[]) {
  const env = { PATH: process.env['PATH'], HOME: repo, NO_COLOR: '1' };
  return await runProcess([process.execPath, join(root, 'bin/sluice'), 'init', ...args], { cwd: repo, env });
}

function text(path: string): string {
  return readFileSync(join(repo, path), 'utf8');
}

/** All files of the repository with their texts. */
function files(): Record<string, string> {
  const all = readdirSync(repo, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = all
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/.git/'));
  return Object.fromEntries(paths.map((path) => [path.slice(repo.length + 1), readFileSync(path, 'utf8')]));
}

/** What a deploy to production would do with each service, with the variables of a filled-in .env.example. */
async function services(variables = ''): Promise<Record<string, ServicePlan>> {
  const config = await loadConfig(undefined, repo);
  const target = targetOf(config, 'production');
  const [host] = target.hosts;
  if (host === undefined) throw new Error('no host');
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], PROD_ENV: variables || 'UNUSED=1' };
  const { services: plans } = await resolveHostModel(config, target, host, undefined, {}, { env });
  return Object.fromEntries(plans.map((plan) => [plan.name, plan]));
}

const strategiesOf = (plans: Record<string, ServicePlan>) =>
  Object.fromEntries(Object.entries(plans).map(([name, { strategy }]) => [name, strategy]));
const callersThere = () => readdirSync(join(repo, '.github/workflows')).sort();

describe('repositories that are nothing like each other', () => {
  test('no Docker at all: says what is missing, suggests files, writes nothing', async () => {
    take('test/fixtures/init/no-docker');
    const before = files();
    const { code, stdout, stderr } = await init();
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(
      'There is no compose file here (no Dockerfile; it looks like an ASGI app (FastAPI))',
    );
    expect(stderr).toContain('CMD ["uvicorn", "--host", "0.0.0.0", "--port", "8000", "main:app"]');
    expect(stderr).toContain('[init.no-compose]');
    expect(files()).toEqual(before);
  });

  test('and what it suggests is a repository that it can be run on', async () => {
    take('test/fixtures/init/no-docker');
    const { stdout } = await init('--json');
    const [error] = (JSON.parse(stdout) as { errors: { hint: string }[] }).errors;
    for (const part of error?.hint.split('\n--- ').slice(1) ?? []) {
      const [path = '', ...lines] = part.split('\n');
      writeFileSync(join(repo, path), `${lines.join('\n')}\n`);
    }
    expect((await init()).code).toBe(0);
    expect(await services()).toMatchObject({ web: { strategy: 'blue-green', ports: [{ port: 8000 }] } });
    expect(text('sluice.yml')).toContain('health: /health');
  });

  test('Node only, with nothing but a published port', async () => {
    take('test/fixtures/init/node-only');
    const { code, stdout } = await init();
    expect(code).toBe(0);
    expect(stdout).toContain('web has no health path');
    expect(await services()).toMatchObject({
      web: { strategy: 'blue-green', ports: [{ port: 3000 }], health: undefined },
    });
    expect(text('sluice.yml')).not.toContain('\ncompose:');
    expect(text('sluice.yml')).toContain('there is no git remote to tell it from');
    expect(text('sluice.yml')).toContain('# env-secret: PROD_ENV');
    expect(existsSync(join(repo, '.env.example'))).toBe(false);
    expect(callersThere()).toEqual(['sluice-ci.yml', 'sluice-deploy.yml', 'sluice-rollback.yml']);
  });

  test('Django and uwsgi, with an overlay for production and a deploy of its own', async () => {
    take('test/fixtures/init/django-uwsgi');
    const { stdout } = await init();
    expect(stdout).toContain('.github/workflows/deploy.yml deploys, too (appleboy/ssh-action)');
    const config = await loadConfig(undefined, repo);
    expect(config.compose).toEqual(['docker-compose.yml', 'docker-compose.prod.yml']);
    expect(config.migrate).toMatchObject({ service: 'app', command: 'python manage.py migrate --noinput' });
    expect(config.backup).toMatchObject({ postgres: 'db' });
    expect(strategiesOf(await services(text('.env.example')))).toEqual({
      app: 'recreate',
      db: 'keep',
      nginx: 'recreate',
    });
    expect(callersThere()).toContain('sluice-backup.yml');
    expect(text('.env.example')).toMatch(/^# app, needed\nSECRET_KEY=CHANGE_ME_64_characters$/m);
    // The line that only a person can decide on is right, too.
    writeFileSync(
      join(repo, 'sluice.yml'),
      text('sluice.yml').replace('# services:', 'services:').replace('  # app: {', '  app: {'),
    );
    expect(await services(text('.env.example'))).toMatchObject({
      app: { strategy: 'blue-green', ports: [{ port: 8001 }] },
    });
  });

  test('compose in a subfolder, MySQL, a job that migrates', async () => {
    take('test/fixtures/init/subfolder');
    expect((await init()).code).toBe(0);
    const config = await loadConfig(undefined, repo);
    expect(config).toMatchObject({
      app: 'tracker',
      compose: ['deploy/docker-compose.yml'],
      migrate: undefined,
      backup: undefined,
    });
    const plans = await services(text('deploy/.env.example'));
    expect(strategiesOf(plans)).toEqual({ api: 'blue-green', migrate: 'job', mysql: 'keep' });
    expect(plans['api']).toMatchObject({ health: '/healthz', ports: [{ port: 9000 }] });
    expect(text('sluice.yml')).toContain('No backup is made of mysql');
    expect(text('sluice.yml')).toContain('the job migrate migrates already');
  });

  test('a monorepo with three services, whose Dockerfiles know more than the compose file', async () => {
    take('test/fixtures/init/monorepo');
    const { stdout } = await init();
    expect(stdout).toContain('Behind a profile, and so not deployed: tools');
    expect((await loadConfig(undefined, repo)).registry).toBe('registry.example.com/acme/platform');
    const plans = await services(text('.env.example'));
    expect(strategiesOf(plans)).toEqual({ api: 'blue-green', web: 'blue-green', worker: 'singleton' });
    expect(plans['web']?.ports).toEqual([{ port: 80, mode: 'http' }]);
    expect(plans['api']).toMatchObject({ health: '/healthz', ports: [{ port: 4000 }] });
  });

  test('the example application without its sluice.yml', async () => {
    take('examples/bookreader');
    rmSync(join(repo, 'sluice.yml'));
    git('init', '-qb', 'main');
    git('remote', 'add', 'origin', 'git@github.com:acme/bookreader.git');
    const { stdout } = await init(
      '--production',
      'deploy@prod-1.example.com',
      '--staging',
      'deploy@staging.example.com:2222',
    );
    const config = await loadConfig(undefined, repo);
    expect(config).toMatchObject({
      app: 'bookreader',
      compose: ['compose.yml', 'compose.prod.yml'],
      registry: 'ghcr.io/acme/bookreader',
      migrate: { service: 'backend', command: 'alembic upgrade head' },
      backup: { postgres: 'db' },
    });
    expect(config.targets['production']).toMatchObject({
      requireTag: true,
      hosts: [{ name: 'deploy@prod-1.example.com' }],
    });
    const plans = await services(text('.env.example'));
    expect(plans).toMatchObject({
      backend: { strategy: 'blue-green', health: '/api/health', ports: [{ port: 8000 }] },
      frontend: { strategy: 'blue-green', ports: [{ port: 3000 }] },
      'celery-worker': { strategy: 'workers' },
      'celery-beat': { strategy: 'singleton' },
      db: { strategy: 'keep' },
      redis: { strategy: 'keep' },
    });
    expect(callersThere()).toEqual(
      ['backup', 'ci', 'deploy', 'rollback'].map((name) => `sluice-${name}.yml`),
    );
    expect(stdout).toContain('gh secret set PROD_ENV < .env.production');
    expect(stdout).not.toContain('.env.example\n');
  });
});

describe('what is there is kept', () => {
  beforeEach(() => take('test/fixtures/init/django-uwsgi'));

  test('a second run changes nothing and says so, also without the servers of the first', async () => {
    await init('--production', 'deploy@prod-1.example.com', '--no-staging');
    const first = files();
    const { code, stdout } = await init();
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/: everything is there already, nothing was changed$/);
    expect(files()).toEqual(first);
    const again = JSON.parse((await init('--json')).stdout) as { files: { outcome: string }[] };
    expect(again.files.map(({ outcome }) => outcome)).toEqual(again.files.map(() => 'unchanged'));
  });

  test('an edited file is shown as a diff and left; --write takes one, --force all', async () => {
    await init();
    const made = files();
    const edited = `${text('sluice.yml')}keep: 5\n`;
    writeFileSync(join(repo, 'sluice.yml'), edited);
    writeFileSync(join(repo, '.github/workflows/sluice-ci.yml'), 'name: mine\n');
    const { stdout } = await init();
    expect(stdout.split('\n')[0]).toMatch(/: 2 differ and were left$/);
    expect(stdout).toMatch(/^ {2}-keep: 5$/m);
    expect(text('sluice.yml')).toBe(edited);
    await init('--write', '.github/workflows/sluice-ci.yml');
    expect(text('.github/workflows/sluice-ci.yml')).toBe(made['.github/workflows/sluice-ci.yml']);
    expect(text('sluice.yml')).toBe(edited);
    expect((await init('--force')).stdout).toContain('1 file changed');
    expect(files()).toEqual(made);
  });

  test('--print shows all and writes nothing', async () => {
    const before = files();
    const { stdout } = await init('--print');
    expect(stdout).toContain('=== sluice.yml would be written');
    expect(stdout).toContain('env-secret: PROD_ENV');
    expect(stdout).toContain('uses: sluice-ci/sluice/.github/workflows/deploy.yml@v1');
    expect(files()).toEqual(before);
  });

  test('a folder in the place of a file is told, and not removed', async () => {
    git('init', '-q');
    cpSync(join(repo, '.github'), join(repo, 'sluice.yml'), { recursive: true });
    const { code, stderr } = await init();
    expect(code).toBe(1);
    expect(stderr).toMatch(/sluice\.yml cannot be written \(EEXIST\).*\[init\.write\]/);
  });
});

describe('where it runs', () => {
  test('a remote on another forge: no workflows, and the registry is asked for', async () => {
    take('test/fixtures/init/node-only');
    git('init', '-q');
    git('remote', 'add', 'origin', 'https://oauth2:glpat-example@gitlab.example.com/acme/notes.git');
    const { stdout } = await init();
    expect(stdout).toContain('The remote is gitlab.example.com');
    expect(stdout).not.toContain('glpat');
    expect(existsSync(join(repo, '.github'))).toBe(false);
    expect(text('sluice.yml')).toContain('# registry: registry.example.com/acme/app');
    expect(stdout).toContain('sluice build production --images images.json');
    expect(stdout).not.toContain('gh secret');
  });

  test('an app in a folder of a larger repository, with a name and a branch of their own', async () => {
    take('test/fixtures/init');
    git('init', '-qb', 'trunk+1');
    const { code } = await init('node-only');
    expect(code).toBe(0);
    expect(callersThere()).toContain('sluice-node-only-deploy.yml');
    const ci = parse(text('.github/workflows/sluice-node-only-ci.yml')) as {
      on: { push: { branches: string[] } };
      jobs: { ci: { with: { config: string } } };
    };
    expect(ci.jobs.ci.with.config).toBe('node-only/sluice.yml');
    expect(ci.on.push.branches).toEqual(['trunk\\+1']);
  });

  test('without docker and without git it writes what can be told from the files alone, and says so', async () => {
    take('test/fixtures/init/node-only');
    const env = { PATH: '/nowhere', HOME: repo };
    const { code, stdout } = await runProcess([process.execPath, join(root, 'bin/sluice'), 'init'], {
      cwd: repo,
      env,
    });
    expect(code).toBe(0);
    expect(stdout).toContain('docker is not on PATH where Sluice runs');
    expect((await loadConfig(undefined, repo)).targets['production']?.hosts).toHaveLength(1);
  });

  test('variables of files that are included are found, too', async () => {
    writeFileSync(
      join(repo, 'compose.yml'),
      'include: [more.yml]\nservices:\n  web: { image: "x:${TAG}", expose: ["80"] }\n',
    );
    writeFileSync(
      join(repo, 'more.yml'),
      'services:\n  api: { image: "y:${API_TAG}", environment: { API_TOKEN: "${API_TOKEN}" } }\n',
    );
    const { code, stderr } = await init();
    expect([code, stderr]).toEqual([0, '']);
    expect(text('.env.example')).toContain('API_TOKEN=CHANGE_ME\n');
    expect(strategiesOf(await services(text('.env.example')))).toEqual({ api: 'workers', web: 'blue-green' });
  });

  test('a compose file that docker compose refuses is its own clear error', async () => {
    writeFileSync(join(repo, 'compose.yml'), 'services:\n  web:\n    imag: x\n');
    const { code, stderr } = await init();
    expect(code).toBe(2);
    expect(stderr).toContain('[compose.');
    expect(existsSync(join(repo, 'sluice.yml'))).toBe(false);
  });
});
