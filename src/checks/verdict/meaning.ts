import type { Finding } from '../model.ts';
import { folderOf } from '../repo.ts';

/** The meaning of a finding, independent of its tool. */
interface Meaning {
  /** The same for equal findings of different tools. */
  readonly name: string;
  /** The place that two equal findings must share; undefined: only findings of the same tool are equal. */
  readonly scope?: 'line' | 'file' | 'folder';
}

/**
 * Rules of different tools with the same meaning, as `tool rule`. Only rules that are equal in every case belong here: E501
 * and a file that black reformats are not. Trivy's rules are its DS-0001 … (older: DS001, AVD-DS-0001), hadolint's are
 * listed at https://github.com/hadolint/hadolint/wiki.
 */
const onOneLine: Readonly<Record<string, readonly string[]>> = {
  'unused import': ['ruff F401', 'flake8 F401', 'pylint unused-import', 'pylint W0611'],
  'unused variable': ['ruff F841', 'flake8 F841', 'pylint unused-variable', 'pylint W0612'],
  'undefined name': ['ruff F821', 'flake8 F821', 'pylint undefined-variable', 'mypy name-defined'],
  redefinition: ['ruff F811', 'flake8 F811', 'mypy no-redef'],
  'syntax error': ['ruff invalid-syntax', 'ruff E999', 'flake8 E999', 'mypy syntax', 'black invalid-syntax'],
  'line too long': ['ruff E501', 'flake8 E501', 'pylint line-too-long'],
  'unused name': [
    'eslint no-unused-vars',
    'eslint @typescript-eslint/no-unused-vars',
    'eslint unused-imports/no-unused-imports',
    'eslint unused-imports/no-unused-vars',
    'tsc TS6133',
    'tsc TS6192',
    'tsc TS6196',
    'biome lint/correctness/noUnusedVariables',
    'biome lint/correctness/noUnusedImports',
  ],
  'undeclared name': ['eslint no-undef', 'tsc TS2304', 'biome lint/correctness/noUndeclaredVariables'],
  'floating base image': [
    'sluice dockerfile/floating-base',
    'hadolint DL3006',
    'hadolint DL3007',
    'trivy DS-0001',
  ],
  'CMD run by a shell': ['sluice dockerfile/shell-form', 'hadolint DL3025'],
  'COPY --from an unknown stage': ['sluice dockerfile/unknown-stage', 'hadolint DL3022'],
  'apt lists kept': ['sluice dockerfile/apt-clean', 'hadolint DL3009'],
  'secret in an image': ['sluice dockerfile/secret-in-image', 'trivy DS-0031'],
  'ADD instead of COPY': ['hadolint DL3020', 'trivy DS-0005'],
  'COPY --from itself': ['hadolint DL3023', 'trivy DS-0006'],
  'several ENTRYPOINTs': ['hadolint DL4004', 'trivy DS-0007'],
  'port out of range': ['hadolint DL3011', 'trivy DS-0008'],
  'relative WORKDIR': ['hadolint DL3000', 'trivy DS-0009'],
  'sudo in RUN': ['hadolint DL3004', 'trivy DS-0010'],
  'COPY without slash': ['hadolint DL3021', 'trivy DS-0011'],
  'stage name twice': ['hadolint DL3024', 'trivy DS-0012'],
  'cd in RUN': ['hadolint DL3003', 'trivy DS-0013'],
  'yum cache kept': ['hadolint DL3032', 'trivy DS-0015'],
  'several CMDs': ['hadolint DL4003', 'trivy DS-0016'],
  'apt-get without -y': ['hadolint DL3014', 'trivy DS-0021'],
  MAINTAINER: ['hadolint DL4000', 'trivy DS-0022'],
  'several HEALTHCHECKs': ['hadolint DL3012', 'trivy DS-0023'],
  'apk cache kept': ['hadolint DL3019', 'trivy DS-0025'],
  'apt-get recommends': ['hadolint DL3015', 'trivy DS-0029'],
};

/** Tools report these at different lines or without one: a file has each only once. */
const inOneFile: Readonly<Record<string, readonly string[]>> = {
  'runs as root': ['sluice dockerfile/root-user', 'hadolint DL3002', 'trivy DS-0002'],
};

const meanings = new Map<string, Meaning>(
  (
    [
      ['line', onOneLine],
      ['file', inOneFile],
    ] as const
  ).flatMap(([scope, table]) =>
    Object.entries(table).flatMap(([name, rules]) => rules.map((rule) => [rule, { name, scope }] as const)),
  ),
);

const advisory = /\b(CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}|PYSEC-\d{4}-\d+)\b/i;
const cve = /\bCVE-\d{4}-\d{4,}\b/i;

export function meaningOf(finding: Finding): Meaning {
  const { tool, rule } = finding;
  if (advisory.test(rule)) {
    // Databases have their own names for an advisory; its CVE, if mentioned, is the same in all.
    const name =
      cve.exec([rule, finding.message, finding.docs ?? ''].join(' ').slice(0, 10_000))?.[0] ?? rule;
    return { name: name.toUpperCase(), scope: 'folder' };
  }
  return meanings.get(`${tool} ${trivyRule(rule)}`) ?? { name: `${tool} ${rule}` };
}

function trivyRule(rule: string): string {
  const number = /^(?:AVD-)?DS-?0*(\d{1,4})$/.exec(rule)?.[1];
  return number === undefined ? rule : `DS-${number.padStart(4, '0')}`;
}

/** The place that equal findings of different tools share; undefined if they have none. */
export function meetingPlace(finding: Finding, { name, scope }: Meaning): string | undefined {
  const { file, line } = finding.at ?? {};
  if (scope === 'folder') return key(name, folderOf(file ?? ''), finding.subject ?? '');
  if (scope === 'file') return file === undefined ? undefined : key(name, file);
  if (scope === 'line') return line === undefined ? undefined : key(name, file, line);
  return undefined;
}

function key(...parts: readonly unknown[]): string {
  return JSON.stringify(parts);
}
