import { describe, expect, test } from 'vitest';
import { onPath } from '../../../../src/checks/toolbox/toolbox.ts';
import { scanTools } from '../../../../src/checks/tools/all.ts';
import { type NpmAudit, npmAudit, npmFindings } from '../../../../src/checks/tools/node/npm-audit.ts';
import { newRevisions, readRevision } from '../../../../src/checks/tools/python/alembic.ts';
import { pipAudit, pipFindings } from '../../../../src/checks/tools/python/pip-audit.ts';
import { isDockerfile } from '../../../../src/checks/tools/scan/hadolint.ts';
import {
  isLockFile,
  lineOfPackage,
  namesPackages,
  unpinned,
} from '../../../../src/checks/tools/scan/lock-files.ts';
import {
  isMigration,
  postgresSign,
  squawk,
  squawkFinding,
} from '../../../../src/checks/tools/scan/squawk.ts';
import { freshness, repositories } from '../../../../src/checks/tools/trivy/database.ts';
import { trivyReport, vulnerabilityFindings } from '../../../../src/checks/tools/trivy/report.ts';
import { defaultCheckSettings } from '../../../../src/config/sluice-yml/normalise.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

const settings = defaultCheckSettings();

describe('the plan', () => {
  const ids = (texts: Record<string, string>, changes: Partial<typeof settings> = {}) =>
    scanTools.flatMap((tool) =>
      tool.plan(memoryRepo(texts), { ...settings, ...changes }).map(({ id }) => id),
    );

  test('has what a repository gives occasion for', () => {
    expect(ids({ 'README.md': '' })).toEqual(['trufflehog']);
    const files = {
      'web/Dockerfile': 'FROM debian:13\n',
      '.github/workflows/ci.yml': 'on: push\n',
      'compose.yml': 'services: { db: { image: "postgres:17" } }\n',
      'db/migrations/1.sql': 'SELECT 1;\n',
      'api/alembic.ini': '[alembic]\n',
      'api/requirements.txt': 'alembic==1.16.5\n',
      'api/app.py': '',
      'web/package-lock.json': '{}',
    };
    const usual = ['hadolint', 'actionlint', 'squawk', 'squawk alembic api', 'trivy fs', 'trivy config'];
    expect(ids(files)).toEqual([...usual, 'trufflehog']);
    expect(ids(files, { scan: { ...settings.scan, images: true } })).toContain('trivy image');
    const skip = { trivy: 'no registry can be reached' };
    expect(ids(files, { skip })).toEqual([...usual, 'npm-audit web', 'pip-audit', 'trufflehog']);
    expect([npmAudit, pipAudit].flatMap((tool) => tool.plan(memoryRepo(files), settings))).toEqual([]);
  });

  test('has squawk for PostgreSQL alone', () => {
    const sql = { 'db/migrations/1.sql': '' };
    expect(squawk.plan(memoryRepo({ ...sql, 'compose.yml': 'image: mysql:8\n' }), settings)).toEqual([]);
    for (const [file, text] of Object.entries({
      'compose.prod.yaml': 'image: "docker.io/pgvector/pgvector:pg17"\n',
      'api/pyproject.toml': 'dependencies = ["psycopg[binary]>=3"]\n',
      'package.json': '{"dependencies": {"pg": "8"}}',
      '.squawk.toml': '',
    })) {
      expect(postgresSign(memoryRepo({ [file]: text })), file).toContain(file);
    }
  });
});

test.each<[string, boolean]>([
  ['db/migrations/0001_init.sql', true],
  ['prisma/migrations/2026_x/migration.sql', true],
  ['migrate/1_init.up.sql', true],
  ['migrate/1_init.down.sql', false],
  ['sql/V1_2__books.sql', true],
  ['sql/R__views.sql', true],
  ['sql/report.sql', false],
  ['immigrations/x.sql', false],
])('%s is a migration: %s', (path, expected) => {
  expect(isMigration(path)).toBe(expected);
});

test.each<[string, boolean]>([
  ['Dockerfile', true],
  ['web/Dockerfile.prod', true],
  ['web/api.Dockerfile', true],
  ['Containerfile', true],
  ['Dockerfile.dockerignore', false],
  ['Dockerfile.j2', false],
  ['docs/Dockerfile.md', false],
  ['MyDockerfile', false],
])('%s is a Dockerfile: %s', (path, expected) => {
  expect(isDockerfile(path)).toBe(expected);
});

describe('lock files', () => {
  test.each<[string, string, boolean]>([
    ['package-lock.json', '{"lockfileVersion":3,"packages":{"":{"name":"f"}}}', false],
    ['package-lock.json', '{"packages":{"node_modules/a":{"version":"1.0.0"}}}', true],
    ['a/package-lock.json', '{ broken', true],
    ['yarn.lock', '# yarn lockfile v1\n\n\n', false],
    ['yarn.lock', 'lodash@4.17.20:\n  version "4.17.20"\n', true],
    ['pnpm-lock.yaml', "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n", false],
    ['pnpm-lock.yaml', 'packages:\n\n  lodash@4.17.20:\n', true],
    ['requirements/base.txt', 'flask\n-r x.txt\n# a==1\ndjango==4.*\ngit+https://x/y@v1==2\n', false],
    ['requirements.prod.txt', 'flask >= 2\nPyYAML[c]==5.3.1 ; python_version < "3.13"\n', true],
    ['requirements.txt', 'django>=1,==4.2 \\\n    --hash=sha256:aa\n', true],
    ['uv.lock', '[[package]]\nname = "self"\n', false],
    ['go.mod', 'module x\n\ngo 1.24\n', false],
    ['go.mod', 'module x\n\nrequire (\n\tgithub.com/a/b v1.2.3\n)\n', true],
  ])('%s: %j names packages: %s', (path, text, expected) => {
    expect(isLockFile(path)).toBe(true);
    expect(namesPackages(path, text)).toBe(expected);
  });

  test('have requirements without an exact version, which nobody can look up', () => {
    const text =
      '# a\n-r b.txt\nflask>=2 # web\ngit+https://x/y\nx @ https://z/x.whl\npyyaml==5.3.1\ndjango ; python_version>"3"\n';
    expect(unpinned(text)).toEqual(['flask>=2', 'django']);
    expect(unpinned('a==1 \\\n    --hash=sha256:00\n')).toEqual([]);
  });

  test('others are none', () => {
    for (const path of ['package.json', 'notes/requirements.md', 'my-package-lock.json', 'robots.txt']) {
      expect(isLockFile(path), path).toBe(false);
    }
  });

  test.each<[string, string, number | undefined]>([
    ['{\n "packages": {\n  "node_modules/a/node_modules/lodash": {\n', 'lodash', 3],
    ['[[package]]\nname = "pyyaml"\n', 'PyYAML', 2],
    ['packages:\n\n  lodash@4.17.20:\n', 'lodash', 3],
    ['lodash-es@1:\n  version "1"\n\nlodash@4:\n', 'lodash', 4],
    ['# cowsay\nCowsay[x]==6.1\n', 'cowsay', 2],
    ['nothing here\n', 'a.*b(', undefined],
  ])('%j has %s in line %s', (text, name, line) => {
    expect(lineOfPackage(text, name)).toBe(line);
  });
});

test('versions of one package in one file are one finding', () => {
  const vulnerability = (version: string) => ({
    VulnerabilityID: 'CVE-2099-1',
    PkgID: `a@${version}`,
    PkgName: 'a',
    InstalledVersion: version,
    FixedVersion: '3.0.0, 2.1.0',
    Severity: 'HIGH',
    PkgIdentifier: { PURL: `pkg:npm/a@${version}` },
  });
  const report = trivyReport.parse({
    SchemaVersion: 2,
    Results: [
      {
        Target: 'yarn.lock',
        Type: 'yarn',
        Vulnerabilities: [vulnerability('1.0.0'), vulnerability('2.0.0')],
      },
    ],
  });
  const where = { file: (target: string) => target, line: () => 7 };
  expect(vulnerabilityFindings(report, settings.scan, where)).toEqual([
    {
      tool: 'trivy',
      rule: 'CVE-2099-1',
      severity: 'high',
      level: 'fail',
      message: 'a 1.0.0, 2.0.0 has CVE-2099-1 (HIGH).',
      at: { file: 'yarn.lock', line: 7 },
      fix: 'Upgrade a to 3.0.0 or 2.1.0.',
      subject: 'npm:a',
    },
  ]);
});

test('trivy’s database is fresh until its next one, and of use for a week', () => {
  const day = 24 * 60 * 60_000;
  const made = Date.parse('2026-11-01T00:00:00Z');
  const metadata = {
    Version: 2 as const,
    UpdatedAt: '2026-11-01T00:00:00Z',
    NextUpdate: '2026-11-02T00:00:00Z',
  };
  expect([0.9, 1.1, 6.9, 7.1].map((days) => freshness(metadata, made + days * day))).toEqual([
    ...['fresh', 'usable', 'usable', 'too old'],
  ]);
  expect(repositories({ TRIVY_DB_REPOSITORY: 'a/db:2, b/db:2' })).toEqual(['a/db:2', 'b/db:2']);
  expect(repositories({ SLUICE_TRIVY_DB: 'c/db:2', TRIVY_DB_REPOSITORY: 'a/db:2' })).toEqual(['c/db:2']);
  expect(repositories({})).toHaveLength(2);
});

test.each<[string, boolean, string, string]>([
  ['require-concurrent-index-creation', true, 'fail', 'high'],
  ['require-concurrent-index-creation', false, 'note', 'high'],
  ['prefer-robust-stmts', true, 'note', 'low'],
  ['require-lock-timeout', true, 'note', 'low'],
  ['syntax-error', true, 'review', 'medium'],
])('squawk’s %s in a new migration (%s) is a %s', (rule_name, isNew, level, severity) => {
  const found = { file: 'm.sql', line: 2, line_end: 3, column: 0, message: 'x', help: null, rule_name };
  expect(squawkFinding(found, { file: 'm.sql', line: 2, endLine: 3, isNew })).toMatchObject({
    level,
    severity,
    at: { file: 'm.sql', line: 3, column: 1 },
    endLine: 4,
  });
});

test('migrations of Alembic are read in all the ways they are written', () => {
  const read = (text: string) => readRevision('v/a.py', text);
  expect(read('revision = "b"\ndown_revision = "a"\n')).toMatchObject({ revision: 'b', after: ['a'] });
  expect(read("revision: str = 'b'\ndown_revision: Union[str, None] = None\n")).toMatchObject({ after: [] });
  expect(read('revision = "c"\ndown_revision = (\n    "a",\n    "b",\n)\n')).toMatchObject({
    after: ['a', 'b'],
  });
  expect(read('import os\n')).toBeUndefined();
  const repo = memoryRepo({
    'v/2.py': 'revision = "2"\ndown_revision = "1"\n',
    'v/1.py': 'revision = "1"\ndown_revision = None\n',
    'v/3.py': 'revision = "3"\ndown_revision = ("1", "2")\n',
    'v/env.py': '',
  });
  const changed = ['v/2.py', 'v/1.py', 'v/3.py', 'v/env.py', 'v/gone.py'];
  expect(newRevisions(repo, changed).map(({ revision }) => revision)).toEqual(['1', '2']);
});

test('advisories weigh what trivy’s would', () => {
  const audit: NpmAudit = {
    auditReportVersion: 2,
    vulnerabilities: {
      lodash: {
        name: 'lodash',
        via: [
          {
            name: 'lodash',
            title: 'Injection',
            url: 'https://x/GHSA-35jh-r3h4-6jhm',
            severity: 'high',
            range: '<4',
          },
        ],
        fixAvailable: { name: 'lodash', version: '4.17.21' },
      },
      app: { name: 'app', via: ['lodash'], fixAvailable: true },
      old: {
        name: 'old',
        via: [
          {
            name: 'old',
            title: 'Slow',
            url: 'https://x/GHSA-aaaa-bbbb-cccc',
            severity: 'moderate',
            range: '*',
          },
        ],
        fixAvailable: false,
      },
    },
  };
  const found = npmFindings(audit, 'package-lock.json', settings.scan, () => undefined);
  expect(found.map(({ level, rule, subject, fix }) => [level, rule, subject, fix])).toEqual([
    ['fail', 'GHSA-35jh-r3h4-6jhm', 'npm:lodash', 'Upgrade lodash to 4.17.21.'],
    ['note', 'GHSA-aaaa-bbbb-cccc', 'npm:old', 'There is no fixed version of old yet.'],
  ]);
  const vulns = (fix_versions: string[]) => [
    { id: 'PYSEC-1', aliases: ['CVE-2020-1'], fix_versions, description: 'x' },
  ];
  const dependencies = [
    { name: 'pyyaml', version: '5.3.1', vulns: vulns(['5.4']) },
    { name: 'cowsay', version: '6.1', vulns: vulns([]) },
  ];
  const pip = pipFindings({ dependencies }, 'requirements.txt', settings.scan, () => 1);
  expect(pip.map(({ level, rule, subject }) => [level, rule, subject])).toEqual([
    ['fail', 'CVE-2020-1', 'pypi:pyyaml'],
    ['review', 'CVE-2020-1', 'pypi:cowsay'],
  ]);
});

test('a program is looked for in the absolute folders of PATH alone', () => {
  expect(onPath('sh', '/nowhere:/bin:/usr/bin')).toBe('/bin/sh');
  expect(onPath('sh', '.:bin:')).toBeUndefined();
  expect(onPath('bin', '/usr:/')).toBeUndefined();
  expect(onPath('sh', undefined)).toBeUndefined();
});
