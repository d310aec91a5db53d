import { lstatSync } from 'node:fs';
import { join, relative } from 'node:path';
import { z } from 'zod';
import type { CheckOutput } from '../../model.ts';
import type { CheckContext, Tool } from '../../tool.ts';
import { toolboxTool } from '../../toolbox/toolbox.ts';
import { badExit, type NotRun, readJson } from '../answer.ts';
import { type HistoryRange, historyRange, uncommitted } from './git-history.ts';
import { type FoundSecret, readSecrets, secretFindings } from './secret-report.ts';

const binary = toolboxTool('trufflehog');

/** What TruffleHog exits with when it has findings and `--fail` is given. */
const findingsCode = 183;
/** Characters of file names for one command; Linux takes 128 KiB for a single one, and megabytes in all. */
const longestNames = 100_000;

/** Secrets in the commits of the change, or in the whole history, and in what is not committed yet. */
export const trufflehog: Tool = {
  name: 'trufflehog',
  category: 'scan',
  plan(repo, settings) {
    // A mistyped folder is not clean: nothing has been looked at.
    if (!repo.git && repo.files.length === 0) return [];
    return [
      {
        id: 'trufflehog',
        tool: 'trufflehog',
        category: 'scan',
        folder: '',
        why: repo.git ? 'the history of git' : 'all files: git does not keep this folder',
        command: `trufflehog git file://.${settings.scan.verifySecrets ? '' : ' --no-verification'}`,
        needs: [binary],
        cost: { cores: 1, memory: 500 * 1024 * 1024, seconds: 4 },
        timeoutMs: settings.timeoutMs,
        run: scan,
      },
    ];
  },
};

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
    summary = range?.summary ?? 'no commit yet';
    const differing = await uncommitted(context);
    if (differing === undefined) return notRun('git can’t list what is not committed yet');
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

/** What has a meaning in a URL; blanks and letters of any language have none for it. */
function fileUrl(path: string): string {
  return `file://${path.replace(/[%#?]/g, encodeURIComponent)}`;
}

/** What the program knows differs by its version: Debian's 3.60 has neither of the last two. */
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
 * It runs itself below a supervisor (the Go package overseer, for updates), which hands on every signal it gets, those of its
 * own runtime too. When the scan has just ended, that fails, and the supervisor ends with 1 in place of the scan's own
 * code: seen in one of some fifty runs. The log's last line says then whether everything was printed.
 */
const supervisorCode = 1;

/** Its log on stderr, as far as it is of interest. */
const logShape = z.object({
  msg: z.string(),
  verified_secrets: z.number().optional(),
  unverified_secrets: z.number().optional(),
});
/** What means that it has not seen everything. A damaged archive in the repository, which it logs as an error, does not. */
const troubles = /^(?:error scanning|encountered errors during scan|unable to get file info)/;

/**
 * Runs it quietly, as each line of its output has a secret in it. It ends with 0 when there is no such repository or
 * revision: then its log alone says so, or does not say that it is done. What it leaves in the folder for temporary files
 * when it is ended goes with the check.
 */
async function run(context: CheckContext, args: readonly string[]): Promise<FoundSecret[] | NotRun> {
  const { repo } = context;
  const result = await context.spawn([context.prepared(binary).path, ...args], {
    quiet: true,
    env: { TMPDIR: context.scratch },
  });
  if (result.truncated) return notRun('trufflehog found more than can be read as a whole');
  const log = result.stderr.split('\n').flatMap((line) => readJson(line, logShape) ?? []);
  const trouble = log.find(({ msg }) => troubles.test(msg));
  if (trouble !== undefined) return notRun(`trufflehog met an error: ${trouble.msg.slice(0, 200)}`);
  const known = [0, findingsCode, supervisorCode];
  if (!known.includes(result.code)) return notRun(badExit('trufflehog', result.code));
  const finished = log.find(({ msg }) => msg === 'finished scanning');
  if (finished === undefined) {
    return notRun(
      result.code === supervisorCode
        ? badExit('trufflehog', result.code)
        : 'trufflehog did not say that it has finished',
    );
  }
  const secrets = await readSecrets(result.stdout, {
    read: repo.read,
    path: (printed) => (printed.startsWith(`${repo.root}/`) ? relative(repo.root, printed) : printed),
  });
  if (secrets === undefined) return notRun('trufflehog printed something that is none of its findings');
  if (result.code === supervisorCode) {
    const counted = (finished.verified_secrets ?? Number.NaN) + (finished.unverified_secrets ?? Number.NaN);
    const printed = result.stdout.split('\n').filter((line) => line.trim() !== '').length;
    if (counted !== printed) return notRun(badExit('trufflehog', result.code));
  }
  if (result.code === findingsCode && secrets.length === 0) {
    return notRun(`trufflehog ended with exit code ${findingsCode}, yet it names no finding`);
  }
  return secrets;
}

/** Never with its output, which may hold a secret. */
function notRun(why: string): NotRun {
  return { ran: false, why };
}

/** Links lead to what is looked at anyway, or out of the repository. */
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
