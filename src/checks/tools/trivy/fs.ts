import type { CheckOutput, Finding } from '../../model.ts';
import { folderOf, type Repo } from '../../repo.ts';
import type { CheckContext, Tool } from '../../tool.ts';
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
export const trivyFs: Tool = {
  name: 'trivy',
  category: 'scan',
  plan(repo, settings) {
    const locks = repo.files.filter(isLockFile);
    if (locks.length === 0) return [];
    return [
      {
        id: 'trivy fs',
        tool: 'trivy',
        category: 'scan',
        folder: '',
        why: locks.length > 3 ? `${locks.length} lock files, ${locks[0]} first` : `${locks.join(', ')}`,
        command: 'trivy fs --scanners vuln .',
        needs: [trivyBinary, vulnerabilityDatabase],
        cost: { cores: 1, memory: 400 * 1024 * 1024, seconds: 2 },
        timeoutMs: settings.timeoutMs,
        run: (context) => scan(context, locks),
      },
    ];
  },
};

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
      why: `trivy could not read ${unread.join(', ')}: the packages there were not looked up`,
      fix: 'Make the file anew with its package manager; a file that is meant to be broken can be left out of git, or of trivy by checks.skip.',
    };
  }
  const findings = vulnerabilityFindings(answer.said, settings.scan, {
    file: (target) => target,
    line: (file, name) => lineOfPackage(repo.read(file) ?? '', name),
  });
  const { version } = context.prepared(trivyBinary);
  const count = `${locks.length} ${locks.length === 1 ? 'lock file' : 'lock files'}`;
  return {
    ran: true,
    findings: [...findings, ...unpinnedNotes(repo, locks)],
    summary: `${count}, database of ${day}`,
    ...(version === undefined ? {} : { version }),
  };
}

/** Trivy passes over a lock file that it can't parse, and says nothing: it is only missing from the results. */
export function unreadLocks(
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

/** What trivy leaves out without a word. Beside a lock of poetry or uv it stands there, too. */
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
        message: `${first}${more} in ${file}: without an exact version nobody can look up its vulnerabilities.`,
        at: { file },
        fix: 'Pin it (`package==1.2.3`), or keep a lock file: uv, poetry, pip-compile.',
        subject: 'unpinned requirements',
      },
    ];
  });
}
