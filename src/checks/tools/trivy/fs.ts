import { counted } from '../../../kernel/figures.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import { folderOf, type Repo } from '../../repo.ts';
import type { CheckContext } from '../../tool.ts';
import { repositoryTool } from '../planned.ts';
import {
  isBeside,
  isLockFile,
  isRequirements,
  lineOfPackage,
  namesPackages,
  requirementsPattern,
  unpinned,
} from '../scan/lock-files.ts';
import { vulnerabilityDatabase } from './database.ts';
import { type TrivyReport, vulnerabilityFindings } from './report.ts';
import { databaseFlags, excerpt, runTrivy, trivyBinary } from './run.ts';

/** Known vulnerabilities of the packages that lock files name, all of them in one run. */
export const trivyFs = repositoryTool({ name: 'trivy', category: 'scan', check: 'trivy fs' }, (repo) => {
  const locks = repo.files.filter(isLockFile);
  if (locks.length === 0) return undefined;
  return {
    why: locks.length > 3 ? `${locks.length} lock files, ${locks[0]} first` : `${locks.join(', ')}`,
    command: 'trivy fs --scanners vuln .',
    needs: [trivyBinary, vulnerabilityDatabase],
    cost: { cores: 1, memory: 400 * 1024 * 1024, seconds: 2 },
    run: (context) => scan(context, locks),
  };
});

async function scan(context: CheckContext, locks: readonly string[]): Promise<CheckOutput> {
  const { repo, settings } = context;
  const { folder, day } = context.prepared(vulnerabilityDatabase);
  const folders = new Set(locks.map(folderOf));
  const beside = repo.files.filter((path) => isBeside(path) && folders.has(folderOf(path)));
  const files = await excerpt(context, [...locks, ...beside]);
  const flags = ['--include-dev-deps', `--file-patterns=pip:${requirementsPattern}`];
  const answer = await runTrivy(context, ['fs', '--cache-dir', folder, ...databaseFlags, ...flags], files);
  if ('notRun' in answer) return answer.notRun;

  const unread = unreadLocks(answer.said, locks, (path) => repo.read(path));
  if (unread.length > 0) {
    return {
      ran: false,
      why: `trivy could not read ${unread.join(', ')}: its packages were not checked`,
      fix: 'Regenerate the file with its package manager. If it is broken on purpose, remove it from git, or skip trivy with checks.skip.',
    };
  }
  const findings = vulnerabilityFindings(answer.said, settings.scan, {
    file: (target) => target,
    line: (file, name) => lineOfPackage(repo.read(file) ?? '', name),
  });
  const { version } = context.prepared(trivyBinary);
  return {
    ran: true,
    findings: [...findings, ...unpinnedNotes(repo, locks)],
    summary: `${counted(locks.length, 'lock file')}, database of ${day}`,
    ...(version === undefined ? {} : { version }),
  };
}

/** Trivy silently ignores a lock file that it cannot parse: the file is missing in the results. */
function unreadLocks(
  report: TrivyReport,
  locks: readonly string[],
  read: (path: string) => string | undefined,
): string[] {
  const listed = new Set((report.Results ?? []).map(({ Target }) => Target));
  return locks.filter((path) => {
    const text = read(path);
    return !listed.has(path) && (text === undefined || namesPackages(path, text));
  });
}

/** Requirements that trivy silently ignores, unless a lock of poetry or uv beside them has their versions. */
function unpinnedNotes(repo: Repo, locks: readonly string[]): Finding[] {
  const locked = new Set(locks.filter((path) => !isRequirements(path)).map(folderOf));
  return locks.flatMap((file): Finding[] => {
    if (!isRequirements(file) || locked.has(folderOf(file))) return [];
    const names = unpinned(repo.read(file) ?? '');
    const [first] = names;
    if (first === undefined) return [];
    const more = names.length === 1 ? '' : ` and ${names.length - 1} more`;
    return [
      {
        tool: 'trivy',
        rule: 'unpinned-requirements',
        severity: 'low',
        level: 'note',
        message: `${first}${more} in ${file}: vulnerabilities cannot be looked up without an exact version.`,
        at: { file },
        fix: 'Pin it (`package==1.2.3`), or commit a lock file: uv, poetry, pip-compile.',
        subject: 'unpinned requirements',
      },
    ];
  });
}
