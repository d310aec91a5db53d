import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { CheckOutput, Finding } from '../../../src/checks/model.ts';
import type { Tool } from '../../../src/checks/tool.ts';
import { npmAudit } from '../../../src/checks/tools/node/npm-audit.ts';
import { alembic } from '../../../src/checks/tools/python/alembic.ts';
import { actionlint } from '../../../src/checks/tools/scan/actionlint.ts';
import { hadolint } from '../../../src/checks/tools/scan/hadolint.ts';
import { squawk } from '../../../src/checks/tools/scan/squawk.ts';
import { trivyConfig } from '../../../src/checks/tools/trivy/config.ts';
import { trivyFs } from '../../../src/checks/tools/trivy/fs.ts';
import {
  type ContextOptions,
  checkBench,
  checkedRepo,
  defaultSettings,
} from '../../support/checks/context.ts';
import { trivyDatabase } from '../../support/checks/trivy-database.ts';

const database = await trivyDatabase();
const env = { TRIVY_CACHE_DIR: database };
const scratch = mkdtempSync(join(tmpdir(), 'checks-scan-'));
afterAll(() => rmSync(scratch, { recursive: true }));

async function run(tool: Tool, files: Record<string, string>, options: ContextOptions = {}) {
  using repo = checkedRepo(files);
  using bench = checkBench(await repo.open(), { env, ...options });
  return await bench.runOnly(tool);
}

function findings(output: CheckOutput): readonly Finding[] {
  if (!output.ran) throw new Error(`it did not run: ${output.why}\n${output.output}`);
  return output.findings;
}

/** `fail CVE-2021-23337 frontend/package-lock.json:9`, as many as there are. */
function brief(output: CheckOutput): string[] {
  return findings(output).map(
    ({ level, rule, at }) => `${level} ${rule} ${at?.file}${at?.line === undefined ? '' : `:${at.line}`}`,
  );
}

const packageLock = (packages: Record<string, object>) =>
  JSON.stringify({ name: 'f', lockfileVersion: 3, packages: { '': { name: 'f' }, ...packages } }, null, 2);
const lodash = { 'node_modules/lodash': { version: '4.17.20' } };

describe('trivy fs', () => {
  test('weighs each vulnerability of each lock file by its severity and by whether there is a fix', async () => {
    const output = await run(trivyFs, {
      'frontend/package-lock.json': packageLock({
        ...lodash,
        'node_modules/left-pad': { version: '1.3.0' },
        'node_modules/ms': { version: '1.0.0' },
        'node_modules/minimist': { version: '1.2.5', dev: true },
        'node_modules/abbrev': { version: '2.0.0' },
      }),
      'backend/requirements.txt': 'flask>=2\npyyaml==5.3.1\n',
      'backend/requirements-dev.txt': 'cowsay==6.1\n',
      'node_modules/x/package-lock.json': packageLock(lodash),
      '.gitignore': 'node_modules\n',
    });
    expect(brief(output).sort()).toEqual([
      'fail CVE-2020-14343 backend/requirements.txt:2',
      'fail CVE-2021-23337 frontend/package-lock.json:8',
      'note CVE-2017-20162 frontend/package-lock.json:14',
      'note CVE-2021-44906 frontend/package-lock.json:17',
      'note CVE-2099-2002 backend/requirements-dev.txt:1',
      'note unpinned-requirements backend/requirements.txt',
      'review CVE-2099-1001 frontend/package-lock.json:11',
      'review CVE-2099-2001 backend/requirements-dev.txt:1',
    ]);
    expect(findings(output).find(({ rule }) => rule === 'CVE-2021-23337')).toEqual({
      tool: 'trivy',
      rule: 'CVE-2021-23337',
      severity: 'high',
      level: 'fail',
      message: 'lodash 4.17.20 has CVE-2021-23337 (HIGH): lodash: command injection via template.',
      at: { file: 'frontend/package-lock.json', line: 8 },
      fix: 'Upgrade the package that depends on lodash to one with lodash 4.17.21.',
      docs: 'https://avd.aquasec.com/nvd/cve-2021-23337',
      subject: 'npm:lodash',
    });
    expect(output).toMatchObject({ summary: '3 lock files, database of 2026-01-01' });
  });

  test('weighs them as sluice.yml says', async () => {
    const scan = { ...defaultSettings.scan, failOn: 'CRITICAL', unfixed: 'fail' } as const;
    const files = { 'requirements.txt': 'pyyaml==5.3.1\ncowsay==6.1\n' };
    const critical = await run(trivyFs, files, { settings: { ...defaultSettings, scan } });
    expect(brief(critical).filter((line) => !line.startsWith('note'))).toEqual([
      'fail CVE-2020-14343 requirements.txt:1',
    ]);
    const low = { ...defaultSettings, scan: { ...scan, failOn: 'LOW' } } as const;
    expect(brief(await run(trivyFs, files, { settings: low }))).toEqual([
      'fail CVE-2099-2001 requirements.txt:2',
      'fail CVE-2099-2002 requirements.txt:2',
      'fail CVE-2020-14343 requirements.txt:1',
    ]);
  });

  test('respects .trivyignore of the repository', async () => {
    const files = { 'requirements.txt': 'pyyaml==5.3.1\n', '.trivyignore': 'CVE-2020-14343\n' };
    expect(brief(await run(trivyFs, files))).toEqual([]);
  });

  test('did not run when it passes over a lock file', async () => {
    const broken = packageLock(lodash).replace('"packages": {', '"packages": {{');
    const output = await run(trivyFs, {
      'a/package-lock.json': packageLock(lodash),
      'package-lock.json': broken,
    });
    expect(output).toMatchObject({
      ran: false,
      why: 'trivy could not read package-lock.json: its packages were not checked',
    });
  });

  test('finds nothing in lock files without packages, which trivy does not list either', async () => {
    const output = await run(trivyFs, {
      'package-lock.json': packageLock({}),
      'requirements.txt': '# none\n-r other.txt\nflask>=2\n',
      'uv.lock': 'version = 1\n\n[[package]]\nname = "x"\nversion = "0.1.0"\nsource = { virtual = "." }\n',
      'poetry.lock': '[metadata]\nlock-version = "2.0"\npython-versions = "*"\ncontent-hash = "x"\n',
    });
    expect(brief(output)).toEqual([]);
  });

  test('did not run without a database and without a registry to fetch one from', async () => {
    using repo = checkedRepo({ 'package-lock.json': packageLock(lodash) });
    const settings = {
      env: { TRIVY_CACHE_DIR: '', SLUICE_TRIVY_DB: '127.0.0.1:9/db:2' },
      cache: join(scratch, 'c'),
    };
    using bench = checkBench(await repo.open(), settings);
    await expect(bench.runOnly(trivyFs)).rejects.toMatchObject({
      code: 'checks.vulnerability-data',
      message: 'There is no vulnerability database, and the download from 127.0.0.1:9/db:2 failed',
    });
    expect(readdirSync(join(scratch, 'c/trivy'))).toEqual([]);
  });
});

test('trivy config notes what its built-in checks find', async () => {
  const pod =
    'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n  - {name: a, image: "x:1"}\n';
  const output = await run(trivyConfig, {
    'web/Dockerfile': 'FROM debian:13\nADD . /app\nUSER app\n',
    'good/Dockerfile': 'FROM debian:13\nUSER app\nHEALTHCHECK CMD true\n',
    'k8s/pod.yaml': pod,
  });
  const said = findings(output);
  expect(new Set(said.map(({ level }) => level))).toEqual(new Set(['note']));
  expect(brief(output)).toContain('note DS-0005 web/Dockerfile:2');
  expect(said.some(({ at }) => at?.file === 'k8s/pod.yaml')).toBe(true);
});

describe('hadolint', () => {
  test('fails for errors alone', async () => {
    const output = await run(hadolint, {
      Dockerfile: 'FROM debian:latest\nMAINTAINER me\n',
      'web/Dockerfile.prod': 'FROM debian:13\nRUN cd /x && make\n',
    });
    expect(brief(output)).toEqual([
      'note DL3007 Dockerfile:1',
      'fail DL4000 Dockerfile:2',
      'note DL3003 web/Dockerfile.prod:2',
    ]);
    expect(output).toMatchObject({ version: '2.15.1', summary: '2 files' });
  });

  test('respects its settings and comments, and did not run when they are broken', async () => {
    const Dockerfile = 'FROM debian:latest\n# hadolint ignore=DL4000\nMAINTAINER me\n';
    expect(brief(await run(hadolint, { Dockerfile, '.hadolint.yaml': 'ignored: [DL3007]\n' }))).toEqual([]);
    expect(await run(hadolint, { Dockerfile, '.hadolint.yaml': 'ignored: [\n' })).toMatchObject({
      ran: false,
      why: 'hadolint cannot read its settings',
    });
  });
});

test('actionlint fails for faults, and for input of strangers in a script', async () => {
  const steps = '    steps:\n      - run: echo ${{ github.event.issue.title }}\n';
  const output = await run(actionlint, {
    '.github/workflows/a.yml': `on: push\njobs:\n  a:\n    runs-on: our-own\n${steps}`,
    '.github/workflows/b.yaml': 'on: push\njobs: [\n',
    '.github/workflows/c.yml':
      'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: "true"\n',
  });
  expect(brief(output)).toEqual([
    'note runner-label .github/workflows/a.yml:4',
    'fail untrusted-input .github/workflows/a.yml:6',
    'fail syntax-check .github/workflows/b.yaml:2',
  ]);
});

describe('squawk', () => {
  const compose = { 'compose.yml': 'services:\n  db:\n    image: postgres:17\n' };
  const index = 'SET lock_timeout = 1000;\nCREATE INDEX IF NOT EXISTS i ON books (title);\n';

  test('fails for what the change adds, and notes what was there', async () => {
    const files = { ...compose, 'db/migrations/1_old.sql': index, 'db/migrations/2_new[1].sql': index };
    const changed = { base: 'HEAD', files: new Map([['db/migrations/2_new[1].sql', new Set([1, 2])]]) };
    const rule = 'require-concurrent-index-creation';
    const output = await run(squawk, files, { changed });
    expect(brief(output).filter((line) => line.includes(rule))).toEqual([
      `note ${rule} db/migrations/1_old.sql:2`,
      `fail ${rule} db/migrations/2_new[1].sql:2`,
    ]);
    expect(brief(output)).toContain('note require-statement-timeout db/migrations/2_new[1].sql:2');
  });

  test('reads what Alembic makes of the new migrations', async () => {
    const header = (revision: string, down: string) =>
      `import sqlalchemy as sa\nfrom alembic import op\n\nrevision = "${revision}"\ndown_revision: str | None = ${down}\n\n\ndef upgrade() -> None:\n`;
    const files = {
      ...compose,
      'app/requirements.txt': 'alembic==1.16.5\nsqlalchemy==2.0.43\n',
      'app/alembic.ini': '[alembic]\nscript_location = %(here)s/migrations\n',
      'app/migrations/env.py':
        'import os\nfrom alembic import context\ncontext.configure(url=os.environ["DATABASE_URL"], literal_binds=True)\nwith context.begin_transaction():\n    context.run_migrations()\n',
      'app/migrations/versions/0001.py': `${header('0001', 'None')}    op.execute("DROP TABLE nothing")\n`,
      'app/migrations/versions/0002.py': `${header('0002', '"0001"')}    op.create_index("i", "books", ["title"])\n`,
    };
    const changed = { base: 'HEAD', files: new Map([['app/migrations/versions/0002.py', new Set([1])]]) };
    const output = await run(alembic, files, { changed });
    expect(brief(output)).toContain(
      'fail require-concurrent-index-creation app/migrations/versions/0002.py:8',
    );
    expect(brief(output).every((line) => line.includes('0002.py'))).toBe(true);
    expect(findings(output)[0]?.message).toContain('CREATE INDEX i ON books (title);');
    expect(output).toMatchObject({ summary: '1 new migration' });

    const broken = {
      ...files,
      'app/migrations/versions/0002.py': `${header('0002', '"0001"')}    nonsense()\n`,
    };
    expect(await run(alembic, broken, { changed })).toMatchObject({
      ran: false,
      why: 'alembic could not render app/migrations/versions/0002.py: it exited with code 1',
      output: expect.stringContaining("name 'nonsense' is not defined"),
    });
  });
});

describe('npm audit', () => {
  const settings = { ...defaultSettings, skip: { trivy: 'no database here' } };
  const files = { 'package.json': '{"name":"f"}', 'package-lock.json': packageLock(lodash) };

  test('stands in for trivy, and did not run where the registry gives no advisories', async () => {
    const advisory = {
      id: 1,
      severity: 'high',
      vulnerable_versions: '<4.17.21',
      cwe: [],
      cvss: { score: 7 },
    };
    const url = 'https://github.com/advisories/GHSA-35jh-r3h4-6jhm';
    let offers = true;
    const server = createServer((request, response) => {
      request.resume();
      if (request.method === 'POST' && !offers) return response.writeHead(405).end();
      const versions = Object.fromEntries(
        ['4.17.20', '4.17.21'].map((version) => [version, { name: 'lodash', version }]),
      );
      const answer =
        request.method === 'POST'
          ? { lodash: [{ ...advisory, url, title: 'Command injection' }] }
          : { name: 'lodash', versions, 'dist-tags': { latest: '4.17.21' } };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const options = {
        settings,
        env: { npm_config_registry: registry, npm_config_cache: join(scratch, 'npm') },
      };
      expect(brief(await run(npmAudit, files, options))).toEqual([
        'fail GHSA-35jh-r3h4-6jhm package-lock.json:8',
      ]);
      offers = false;
      expect(await run(npmAudit, files, options)).toMatchObject({
        ran: false,
        why: 'the npm registry returned no advisories',
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
