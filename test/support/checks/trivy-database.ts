import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { exactEnv } from '../../../src/kernel/process/child-env.ts';
import { runProcess } from '../../../src/kernel/process/process.ts';

export type TestSeverity = 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL';

/** A vulnerability of the small database; some are real ones, those of 2099 are made up. */
export interface TestVulnerability {
  readonly id: string;
  readonly ecosystem: 'npm' | 'pip' | 'debian 12' | 'debian 13';
  readonly package: string;
  readonly severity: TestSeverity;
  readonly title: string;
  /** All below it are vulnerable; undefined: every version is, and there is no better one. */
  readonly fixed?: string;
}

/** Packages that exist, are small and need nothing else, so that tests can install them. */
const testVulnerabilities: readonly TestVulnerability[] = [
  vulnerability(
    'CVE-2021-23337',
    'npm',
    'lodash',
    'HIGH',
    'lodash: command injection via template',
    '4.17.21',
  ),
  vulnerability('CVE-2021-44906', 'npm', 'minimist', 'CRITICAL', 'minimist: prototype pollution', '1.2.6'),
  vulnerability('CVE-2017-20162', 'npm', 'ms', 'MEDIUM', 'ms: inefficient regular expression', '2.0.0'),
  vulnerability('CVE-2099-1001', 'npm', 'left-pad', 'HIGH', 'left-pad: pads without mercy'),
  vulnerability('CVE-2020-14343', 'pip', 'pyyaml', 'CRITICAL', 'PyYAML: arbitrary code in full_load', '5.4'),
  vulnerability('CVE-2099-2001', 'pip', 'cowsay', 'HIGH', 'cowsay: says what it should not'),
  vulnerability('CVE-2099-2002', 'pip', 'cowsay', 'LOW', 'cowsay: moos too loud'),
  vulnerability('CVE-2099-3001', 'debian 12', 'zlib', 'HIGH', 'zlib: heap overflow'),
  vulnerability('CVE-2099-3001', 'debian 13', 'zlib', 'HIGH', 'zlib: heap overflow'),
  vulnerability(
    'CVE-2099-3002',
    'debian 12',
    'openssl',
    'CRITICAL',
    'openssl: out of bounds read',
    '9.0.0-1',
  ),
  vulnerability(
    'CVE-2099-3002',
    'debian 13',
    'openssl',
    'CRITICAL',
    'openssl: out of bounds read',
    '9.0.0-1',
  ),
];

function vulnerability(
  id: string,
  ecosystem: TestVulnerability['ecosystem'],
  name: string,
  severity: TestSeverity,
  title: string,
  fixed?: string,
): TestVulnerability {
  return { id, ecosystem, package: name, severity, title, ...(fixed === undefined ? {} : { fixed }) };
}

/**
 * A cache folder of Trivy (`--cache-dir`, TRIVY_CACHE_DIR) with a small database in the real format, kept by its content.
 * It says that it is fresh until 2099.
 */
export async function trivyDatabase(vulnerabilities = testVulnerabilities): Promise<string> {
  const writer = new URL('../../bed/trivy-db/', import.meta.url).pathname;
  const entries = JSON.stringify(vulnerabilities.flatMap(entriesOf));
  const hash = createHash('sha256')
    .update(entries)
    .update(readFileSync(join(writer, 'main.go')));
  const kept = join(homedir(), '.cache/sluice-bed');
  const folder = join(kept, `trivy-db-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;

  mkdirSync(kept, { recursive: true });
  const made = mkdtempSync(`${folder}-`);
  mkdirSync(join(made, 'db'));
  const argv = ['go', '-C', writer, 'run', '.', join(made, 'db/trivy.db')] as const;
  const result = await runProcess(argv, { stdin: entries, env: exactEnv({ ...process.env, GOFLAGS: '' }) });
  if (result.code !== 0) throw new Error(`the database was not written: ${result.stderr}`);
  const metadata = {
    Version: 2,
    NextUpdate: '2099-01-01T00:00:00Z',
    UpdatedAt: '2026-01-01T00:00:00Z',
    DownloadedAt: '2026-01-01T00:00:00Z',
  };
  writeFileSync(join(made, 'db/metadata.json'), JSON.stringify(metadata));
  try {
    renameSync(made, folder);
  } catch {
    // Another test was quicker.
    rmSync(made, { recursive: true });
  }
  return folder;
}

interface Entry {
  readonly Path: readonly string[];
  readonly Key: string;
  readonly Value: unknown;
}

const sources = {
  npm: { ID: 'ghsa', Name: 'GitHub Security Advisory npm', URL: 'https://github.com/advisories?query=npm' },
  pip: { ID: 'ghsa', Name: 'GitHub Security Advisory pip', URL: 'https://github.com/advisories?query=pip' },
  debian: {
    ID: 'debian',
    Name: 'Debian Security Tracker',
    URL: 'https://salsa.debian.org/security-tracker-team',
  },
} as const;

const severityNumbers = { LOW: 1, MEDIUM: 2, HIGH: 3, CRITICAL: 4 } as const;

/** As Trivy's own tests lay it out: internal/dbtest of its sources. */
function entriesOf(one: TestVulnerability): Entry[] {
  const language = one.ecosystem === 'npm' || one.ecosystem === 'pip';
  const source = sources[one.ecosystem === 'npm' || one.ecosystem === 'pip' ? one.ecosystem : 'debian'];
  const bucket = language ? `${one.ecosystem}::${source.Name}` : one.ecosystem;
  const range = one.fixed === undefined ? '>=0' : `<${one.fixed}`;
  const patched = one.fixed === undefined ? {} : { PatchedVersions: [one.fixed] };
  const advisory = language
    ? { VulnerableVersions: [range], ...patched }
    : { FixedVersion: one.fixed ?? '', ...(one.fixed === undefined ? { Status: 2 } : {}) };
  const detail = {
    Title: one.title,
    Description: `${one.title}.`,
    Severity: one.severity,
    VendorSeverity: { [source.ID]: severityNumbers[one.severity] },
    References: [`https://example.com/${one.id}`],
  };
  return [
    { Path: ['vulnerability'], Key: one.id, Value: detail },
    { Path: ['data-source'], Key: bucket, Value: source },
    { Path: [bucket, one.package], Key: one.id, Value: advisory },
  ];
}
