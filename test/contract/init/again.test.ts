import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { siteOf } from '../../../src/config/site.ts';
import { loadConfig } from '../../../src/config/sluice-yml/load.ts';
import { exactEnv } from '../../../src/kernel/process/child-env.ts';
import { runProcess } from '../../../src/kernel/process/process.ts';
import { initRepo, sluice, strategiesOf } from '../../support/init/repo.ts';

// What `sluice init` does with files that are there, and where it runs.

describe('what is there is kept', () => {
  test('a second run changes nothing and says so, also without the servers of the first', async () => {
    using repo = initRepo('test/fixtures/init/django-uwsgi');
    await repo.init('--production', 'deploy@prod-1.example.com', '--no-staging');
    const first = repo.files();
    const { code, stdout } = await repo.init();
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/: all files are up to date$/);
    expect(repo.files()).toEqual(first);
    const again = JSON.parse((await repo.init('--json')).stdout) as { files: { outcome: string }[] };
    expect(again.files.map(({ outcome }) => outcome)).toEqual(again.files.map(() => 'unchanged'));
  });

  test('an edited file is shown as a diff and left; --write takes one, --force all', async () => {
    using repo = initRepo('test/fixtures/init/django-uwsgi');
    await repo.init();
    const made = repo.files();
    const edited = `${repo.text('sluice.yml')}keep: 5\n`;
    writeFileSync(join(repo.folder, 'sluice.yml'), edited);
    writeFileSync(join(repo.folder, '.github/workflows/sluice-ci.yml'), 'name: mine\n');
    const { stdout } = await repo.init();
    // A key that the team has added is no difference: it stays, whatever is asked.
    expect(stdout.split('\n')[0]).toMatch(/: 1 differing file kept$/);
    expect(stdout).toMatch(/^ {2}-name: mine$/m);
    expect(repo.text('sluice.yml')).toBe(edited);
    await repo.init('--write', '.github/workflows/sluice-ci.yml');
    expect(repo.text('.github/workflows/sluice-ci.yml')).toBe(made['.github/workflows/sluice-ci.yml']);
    expect(repo.text('sluice.yml')).toBe(edited);
    writeFileSync(join(repo.folder, '.github/workflows/sluice-ci.yml'), 'name: mine\n');
    expect((await repo.init('--force')).stdout).toContain('1 file changed');
    expect(repo.files()).toEqual({ ...made, 'sluice.yml': edited });
  });

  test('a front end is proposed as a comment; once sluice.yml publishes it, its workflow is written', async () => {
    using repo = initRepo('examples/bookreader');
    await repo.init('--force', '--no-staging');
    expect(repo.callers()).not.toContain('sluice-cdn.yml');
    const proposal = repo.text('sluice.yml');
    expect(proposal).toContain('# cdn:\n#   dist: frontend/dist\n');
    const [head = '', lines = ''] = proposal.split(/^(?=# cdn:)/m);
    const filled = head + lines.replaceAll(/^# /gm, '').replace('CHANGE-ME-production', 'books');
    writeFileSync(join(repo.folder, 'sluice.yml'), filled);
    const { stdout } = await repo.init();
    expect(stdout).toContain('written    .github/workflows/sluice-cdn.yml');
    expect(repo.text('sluice.yml')).toBe(filled);
    expect(siteOf(await loadConfig(undefined, repo.folder), 'production').store.bucket).toBe('books');
    expect(repo.text('.github/workflows/sluice-cdn.yml')).toContain(
      'build-command: "cd frontend && npm ci && npm run build"\n',
    );
    expect((await repo.init('--json')).stdout).not.toContain('"written"');
  });

  test('--print shows all and writes nothing', async () => {
    using repo = initRepo('test/fixtures/init/django-uwsgi');
    const before = repo.files();
    const { stdout } = await repo.init('--print');
    expect(stdout).toContain('=== sluice.yml (new)');
    expect(stdout).toContain('env-secret: ENV_FILE');
    expect(stdout).toContain('uses: sluice-ci/sluice/.github/workflows/deploy.yml@v1');
    expect(repo.files()).toEqual(before);
  });

  test('a folder in the place of a file is told, and not removed', async () => {
    using repo = initRepo('test/fixtures/init/django-uwsgi');
    repo.git('init', '-q');
    cpSync(join(repo.folder, '.github'), join(repo.folder, 'sluice.yml'), { recursive: true });
    const { code, stderr } = await repo.init();
    expect(code).toBe(1);
    expect(stderr).toMatch(/Cannot write sluice\.yml \(EEXIST\).*\[init\.write\]/);
  });
});

describe('where it runs', () => {
  test('a remote on another forge: no workflows, and the registry is asked for', async () => {
    using repo = initRepo('test/fixtures/init/node-only');
    repo.git('init', '-q');
    repo.git('remote', 'add', 'origin', 'https://oauth2:glpat-example@gitlab.example.com/acme/notes.git');
    const { stdout } = await repo.init();
    expect(stdout).toContain('The remote is gitlab.example.com');
    expect(stdout).not.toContain('glpat');
    expect(existsSync(join(repo.folder, '.github'))).toBe(false);
    expect(repo.text('sluice.yml')).toContain('# registry: registry.example.com/acme/app');
    expect(stdout).toContain('sluice build production --images images.json');
    expect(stdout).not.toContain('gh secret');
  });

  test('an app in a folder of a larger repository, with a name and a branch of their own', async () => {
    using repo = initRepo('test/fixtures/init');
    repo.git('init', '-qb', 'trunk+1');
    const { code } = await repo.init('node-only');
    expect(code).toBe(0);
    expect(repo.callers()).toContain('sluice-node-only-deploy.yml');
    const ci = parse(repo.text('.github/workflows/sluice-node-only-ci.yml')) as {
      on: { push: { branches: string[] } };
      jobs: { ci: { with: { config: string } } };
    };
    expect(ci.jobs.ci.with.config).toBe('node-only/sluice.yml');
    expect(ci.on.push.branches).toEqual(['trunk\\+1']);
  });

  test('without docker and without git it writes what can be told from the files alone, and says so', async () => {
    using repo = initRepo('test/fixtures/init/node-only');
    const env = { PATH: '/nowhere', HOME: repo.folder };
    const { code, stdout } = await runProcess([process.execPath, sluice, 'init'], {
      cwd: repo.folder,
      env: exactEnv(env),
    });
    expect(code).toBe(0);
    expect(stdout).toContain('docker is not on PATH; Sluice needs it');
    expect((await loadConfig(undefined, repo.folder)).targets['production']?.hosts).toHaveLength(1);
  });

  test('variables of files that are included are found, too', async () => {
    using repo = initRepo();
    writeFileSync(
      join(repo.folder, 'compose.yml'),
      'include: [more.yml]\nservices:\n  web: { image: "x:${TAG}", expose: ["80"] }\n',
    );
    writeFileSync(
      join(repo.folder, 'more.yml'),
      'services:\n  api: { image: "y:${API_TAG}", environment: { API_TOKEN: "${API_TOKEN}" } }\n',
    );
    const { code, stderr } = await repo.init();
    expect([code, stderr]).toEqual([0, '']);
    expect(repo.text('.env.example')).toContain('API_TOKEN=CHANGE_ME\n');
    expect(strategiesOf(await repo.services(repo.text('.env.example')))).toEqual({
      api: 'workers',
      web: 'blue-green',
    });
  });

  test('a compose file that docker compose refuses is its own clear error', async () => {
    using repo = initRepo();
    writeFileSync(join(repo.folder, 'compose.yml'), 'services:\n  web:\n    imag: x\n');
    const { code, stderr } = await repo.init();
    expect(code).toBe(2);
    expect(stderr).toContain('[compose.');
    expect(existsSync(join(repo.folder, 'sluice.yml'))).toBe(false);
  });
});
