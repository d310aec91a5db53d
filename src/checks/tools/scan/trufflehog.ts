import { lstatSync } from 'node:fs';
import { join, relative } from 'node:path';
import { z } from 'zod';
import type { CheckOutput } from '../../model.ts';
import type { CheckContext } from '../../tool.ts';
import { toolboxTool } from '../../toolbox/toolbox.ts';
import { badExit, type NotRun, readJson } from '../answer.ts';
import { repositoryTool } from '../planned.ts';
import { type HistoryRange, historyRange, uncommitted } from './git-history.ts';
import { type FoundSecret, readSecrets, secretFindings } from './secret-report.ts';

const binary = toolboxTool('trufflehog');

/** TruffleHog's exit code for findings with `--fail`. */
const findingsCode = 183;
/** Characters of file names for one command; Linux allows 128 KiB for a single argument, and megabytes in all. */
const longestNames = 100_000;

/** Secrets in the commits of the change, or in the whole history, and in uncommitted files. */
export const trufflehog = repositoryTool({ name: 'trufflehog', category: 'scan' }, (repo, settings) => {
  // An empty folder, perhaps a typo, must not pass as clean.
  if (!repo.git && repo.files.length === 0) return undefined;
  return {
    why: repo.git ? 'the git history' : 'all files: this is not a git repository',
    command: `trufflehog git file://.${settings.scan.verifySecrets ? '' : ' --no-verification'}`,
    needs: [binary],
    cost: { cores: 1, memory: 500 * 1024 * 1024, seconds: 4 },
    run: scan,
  };
});

async function scan(context: CheckContext): Promise<CheckOutput> {
  const { repo } = context;
  const flags = await commonFlags(context);
  const secrets: FoundSecret[] = [];
  let summary = `${repo.files.length} files`;
  let loose: readonly string[] = repo.files;
  if (repo.git) {
    const range = await historyRange(context);
    if (range !== undefined && 'ran' in range) return range;
    const found = range === undefined ? [] : await scanHistory(context, range, flags);
    if ('ran' in found) return found;
    secrets.push(...found);
    summary = range?.summary ?? 'no commits yet';
    const differing = await uncommitted(context);
    if (differing === undefined) return notRun('git cannot list uncommitted files');
    loose = differing;
  }
  for (const files of chunks(loose.filter((path) => isFile(join(repo.root, path))))) {
    const found = await run(context, ['filesystem', ...flags, ...files.map((path) => join(repo.root, path))]);
    if ('ran' in found) return found;
    secrets.push(...found);
  }
  const { version } = context.prepared(binary);
  return {
    ran: true,
    findings: secretFindings(secrets),
    summary,
    ...(version === undefined ? {} : { version }),
  };
}

async function scanHistory(
  context: CheckContext,
  { head, since, commits }: HistoryRange,
  flags: readonly string[],
): Promise<FoundSecret[] | NotRun> {
  if (commits?.size === 0) return [];
  const range = ['--branch', head, ...(since === undefined ? [] : ['--since-commit', since])];
  const found = await run(context, ['git', fileUrl(context.repo.root), ...range, ...flags]);
  if ('ran' in found || commits === undefined) return found;
  return found.filter(({ commit }) => commit === undefined || commits.has(commit));
}

/** Escapes only the characters that TruffleHog interprets in a URL. */
function fileUrl(path: string): string {
  return `file://${path.replace(/[%#?]/g, encodeURIComponent)}`;
}

/** Flags differ by version: Debian's 3.60 has neither of the last two. */
async function commonFlags(context: CheckContext): Promise<string[]> {
  const help = await context.spawn([context.prepared(binary).path, '--help'], { quiet: true });
  const knows = (flag: string) =>
    new RegExp(`--(?:\\[no-\\])?${flag}\\b`).test(`${help.stdout}${help.stderr}`);
  return [
    ...['--json', '--fail', '--no-update'],
    ...(context.settings.scan.verifySecrets ? [] : ['--no-verification']),
    ...(knows('results') ? ['--results=verified,unverified,unknown'] : []),
    ...(knows('fail-on-scan-errors') ? ['--fail-on-scan-errors'] : []),
  ];
}

/**
 * TruffleHog runs below a supervisor (the Go package overseer, for updates), which forwards every signal, including those of
 * its own runtime. If the scan has just ended, that fails, and the supervisor exits with 1 instead of the scan's exit code:
 * seen in about one of fifty runs. The last line of the log then shows whether the output is complete.
 */
const supervisorCode = 1;

/** Relevant fields of its log on stderr. */
const logShape = z.object({
  msg: z.string(),
  verified_secrets: z.number().optional(),
  unverified_secrets: z.number().optional(),
});
/** Messages of an incomplete scan. A damaged archive in the repository, logged as an error, is not one. */
const troubles = /^(?:error scanning|encountered errors during scan|unable to get file info)/;

/**
 * Runs quietly, since each line of the output contains a secret. TruffleHog exits with 0 even if the repository or revision
 * does not exist: then only its log shows it, or lacks the final message. Its temporary files are removed with the check.
 */
async function run(context: CheckContext, args: readonly string[]): Promise<FoundSecret[] | NotRun> {
  const { repo } = context;
  const result = await context.spawn([context.prepared(binary).path, ...args], {
    quiet: true,
    env: { TMPDIR: context.scratch },
  });
  if (result.truncated) return notRun('trufflehog printed more output than Sluice can read');
  const log = result.stderr.split('\n').flatMap((line) => readJson(line, logShape) ?? []);
  const trouble = log.find(({ msg }) => troubles.test(msg));
  if (trouble !== undefined) return notRun(`trufflehog logged an error: ${trouble.msg.slice(0, 200)}`);
  const known = [0, findingsCode, supervisorCode];
  if (!known.includes(result.code)) return notRun(badExit('trufflehog', result.code));
  const finished = log.find(({ msg }) => msg === 'finished scanning');
  if (finished === undefined) {
    return notRun(
      result.code === supervisorCode
        ? badExit('trufflehog', result.code)
        : 'trufflehog did not report that it finished',
    );
  }
  const secrets = await readSecrets(result.stdout, {
    read: repo.read,
    path: (printed) => (printed.startsWith(`${repo.root}/`) ? relative(repo.root, printed) : printed),
  });
  if (secrets === undefined) return notRun('trufflehog printed unexpected output');
  if (result.code === supervisorCode) {
    const counted = (finished.verified_secrets ?? Number.NaN) + (finished.unverified_secrets ?? Number.NaN);
    const printed = result.stdout.split('\n').filter((line) => line.trim() !== '').length;
    if (counted !== printed) return notRun(badExit('trufflehog', result.code));
  }
  if (result.code === findingsCode && secrets.length === 0) {
    return notRun(`trufflehog exited with code ${findingsCode} but reported no finding`);
  }
  return secrets;
}

/** Never with its output, which may hold a secret. */
function notRun(why: string): NotRun {
  return { ran: false, why };
}

/** Symbolic links point to files that are scanned anyway, or out of the repository. */
function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function chunks(paths: readonly string[]): string[][] {
  const all: string[][] = [];
  let length = 0;
  for (const path of paths) {
    length += path.length + 100;
    const last = all.at(-1);
    if (last === undefined || length > longestNames) {
      all.push([path]);
      length = path.length + 100;
    } else last.push(path);
  }
  return all;
}
