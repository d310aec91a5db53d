import { quoteWord } from '../../../kernel/quote.ts';
import { type PythonProject, targets } from '../../detect/python.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext, ToolRun } from '../../tool.ts';
import { filesSeen } from '../answer.ts';
import { formatFinding, readDiffs, unparsable } from './format-diff.ts';
import {
  didNotRun,
  type PythonCheck,
  preCommitHook,
  pythonTool,
  runTool,
  settingsOf,
  shownPath,
  toolCache,
  toolSource,
} from './project-check.ts';

const blackVersion = '26.10.1';
/** Files. */
const largeProject = 200;

/** Black, if the repository formats with it. */
export const black = pythonTool({ name: 'black', category: 'lint' }, plan);

function plan(repo: Repo, project: PythonProject): PythonCheck | undefined {
  const why = usesBlack(repo, project);
  if (why === undefined) return undefined;
  const source = toolSource(repo, project, 'black', blackVersion);
  const paths = targets(project, project.sources);
  const isLarge = project.sources.length > largeProject;
  return {
    why,
    command: ['black --check', ...paths.map(quoteWord)].join(' '),
    needs: [source.from],
    // For few files most of the time is its start-up; by default it starts a process per core.
    cost: { cores: isLarge ? 'any' : 1, memory: 300e6, seconds: isLarge ? 20 : 3 },
    async run(context) {
      const environment = context.prepared(source.from);
      const args = [
        '--check',
        '--diff',
        '--no-color',
        '--workers',
        isLarge ? String(context.cores) : '1',
        ...paths,
      ];
      const run = await runTool(context, environment, 'black', args, {
        BLACK_CACHE_DIR: toolCache(context, 'black', project.folder),
      });
      return judge(context, project, run, environment.packages.get('black'));
    },
  };
}

/** Why the repository uses Black; undefined if it does not. */
export function usesBlack(repo: Repo, project: PythonProject): string | undefined {
  const { isOwn, words } = toolSource(repo, project, 'black', blackVersion);
  const isUsed = isOwn || preCommitHook(repo, 'black') !== undefined;
  return settingsOf(repo, project, [], { 'pyproject.toml': ['tool.black'] }) ?? (isUsed ? words : undefined);
}

/** 0: nothing to do, 1: files would change, 123: a file is not valid Python, or Black failed; 2: wrong usage. */
function judge(
  context: CheckContext,
  project: PythonProject,
  run: ToolRun,
  version: string | undefined,
): CheckOutput {
  if (![0, 1, 123].includes(run.code) || run.truncated) return didNotRun('black', run);
  if (run.code === 0 && /^No Python files are present/m.test(run.stderr)) {
    return didNotRun('black', run, {
      why: `found none of the ${project.sources.length} Python files`,
      fix: 'Check `exclude` and `force-exclude` in its settings.',
    });
  }
  const pathOf = (path: string) => shownPath(context.repo, project.folder, path);
  const diffs = readDiffs(run.stdout).map((diff) =>
    formatFinding('black', 'format', pathOf(diff.path), diff, 'black .'),
  );
  const broken = /^error: cannot format (.+?): (INTERNAL ERROR: .*)$/m.exec(run.stderr);
  if (broken !== null) {
    return didNotRun('black', run, { why: `failed on ${pathOf(broken[1] ?? '')}: ${broken[2]}` });
  }
  const findings = [...unreadable(run.stderr, pathOf), ...diffs];
  // All files that it counts must have been parsed.
  const counts = [...run.stderr.matchAll(/(?<!\d)(\d+) files? would (?:be reformatted|fail to reformat)/g)];
  const expected = counts.reduce((sum, [, count]) => sum + Number(count), 0);
  if ((run.code > 0 && findings.length === 0) || findings.length < expected) return didNotRun('black', run);
  return {
    ran: true,
    findings,
    ...(version === undefined ? {} : { version }),
    summary: filesSeen(project.sources.length),
  };
}

/** Files that are not valid Python, in the format of newer and older versions; columns count from 0. */
function unreadable(stderr: string, pathOf: (path: string) => string): Finding[] {
  const newer = [
    ...stderr.matchAll(
      /^error: cannot parse(?: for target version [^:]+)?: (.+):(\d+):(\d+)\n(?:[ \t].*\n)*(.*)$/gm,
    ),
  ];
  const older = [
    ...stderr.matchAll(/^error: cannot format (.+?): (?:Cannot parse[^:]*: (\d+):(\d+): )?(.*)$/gm),
  ];
  return [...newer, ...older].map(([, path = '', line = '1', column = '0', why = '']) =>
    unparsable('black', pathOf(path), Number(line), Number(column) + 1, `Not valid Python: ${why}`),
  );
}
