import { quoteWord } from '../../../kernel/quote.ts';
import { type PythonProject, targets } from '../../detect/python.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext, Tool, ToolRun } from '../../tool.ts';
import { filesSeen } from '../../verdict/seen.ts';
import { usesBlack } from './black.ts';
import { formatFinding, readDiffs, unparsable } from './format-diff.ts';
import { didNotRun } from './outcome.ts';
import {
  type ProjectCheck,
  planPython,
  preCommitHook,
  runTool,
  settingsOf,
  shownPath,
  toolCache,
  toolSource,
} from './project-check.ts';
import { ruffVersion } from './ruff.ts';

/** Ruff as a formatter: only where the repository formats with it. */
export const ruffFormat: Tool = {
  name: 'ruff',
  category: 'lint',
  plan: (repo, settings) =>
    planPython(repo, settings, 'ruff format', 'lint', (project) => plan(repo, project)),
};

function plan(repo: Repo, project: PythonProject): ProjectCheck | undefined {
  const why = usedFor(repo, project);
  if (why === undefined) return undefined;
  const source = toolSource(repo, project, 'ruff', ruffVersion);
  const paths = targets(project, project.sources);
  return {
    why,
    command: ['ruff format --check', ...paths.map(quoteWord)].join(' ').replace(/ \.$/, ''),
    needs: [source.from],
    cost: { cores: 1, memory: 150e6, seconds: 1 },
    async run(context) {
      const environment = context.prepared(source.from);
      const args = ['format', '--diff', '--force-exclude', ...paths];
      const run = await runTool(context, environment, 'ruff', args, {
        RUFF_CACHE_DIR: toolCache(context, 'ruff', project.folder),
      });
      return judge(context, project, run, environment.packages.get('ruff'));
    },
  };
}

/** `[tool.ruff.format]`, its pre-commit hook, or a `ruff format` in what people and machines run. */
function usedFor(repo: Repo, project: PythonProject): string | undefined {
  const settings = settingsOf(repo, project, [], {
    'pyproject.toml': ['tool.ruff.format'],
    'ruff.toml': ['format'],
    '.ruff.toml': ['format'],
  });
  if (settings !== undefined) return settings;
  if (preCommitHook(repo, 'ruff')?.ids.includes('ruff-format'))
    return '.pre-commit-config.yaml has ruff-format';
  if (usesBlack(repo, project) !== undefined) return undefined;
  const scripts =
    /(?:^|\/)(?:Makefile|justfile|Taskfile\.ya?ml|noxfile\.py|tox\.ini|[^/]*\.sh|package\.json)$|^\.github\/workflows\//i;
  const file = repo.files.find((path) => scripts.test(path) && /\bruff format\b/.test(repo.read(path) ?? ''));
  return file === undefined ? undefined : `${file} runs \`ruff format\``;
}

/** 0: nothing to do, 1: files would change, 2: a file can't be read as Python, or Ruff failed. */
function judge(
  context: CheckContext,
  project: PythonProject,
  run: ToolRun,
  version: string | undefined,
): CheckOutput {
  if (run.code > 2 || run.truncated) return didNotRun('ruff format', run);
  const pathOf = (path: string) => shownPath(context.repo, project.folder, path);
  const findings: Finding[] = [
    ...[...run.stderr.matchAll(/^error: Failed to parse (.+?):(\d+):(\d+): (.*)$/gm)].map(
      ([, path = '', line, column, why = '']) =>
        unparsable('ruff', pathOf(path), Number(line), Number(column), why),
    ),
    ...readDiffs(run.stdout).map((diff) =>
      formatFinding('ruff', 'format', pathOf(diff.path), diff, 'ruff format'),
    ),
  ];
  const unread = /^error: Failed to read (.+?): (.*)$/m.exec(run.stderr);
  if (unread !== null) {
    return didNotRun('ruff format', run, { why: `could not read ${pathOf(unread[1] ?? '')}: ${unread[2]}` });
  }
  if (run.code > 0 && findings.length === 0) return didNotRun('ruff format', run);
  return {
    ran: true,
    findings,
    ...(version === undefined ? {} : { version }),
    summary: filesSeen(project.sources.length),
  };
}
