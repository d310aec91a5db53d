import { counted } from '../../../kernel/figures.ts';
import { quoteWord } from '../../../kernel/quote.ts';
import { type PythonProject, targets } from '../../detect/python.ts';
import { part, texts } from '../../detect/toml.ts';
import type { CheckOutput, Finding, Severity } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext, ToolRun } from '../../tool.ts';
import { filesSeen } from '../answer.ts';
import { usesBlack } from './black.ts';
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

const ruffVersion = '0.17.5';

/** A repository with one of these does not get Ruff. */
const linters = ['flake8', 'pylint', 'pyflakes', 'pycodestyle', 'prospector', 'pylama', 'autoflake'];

export const ruff = pythonTool({ name: 'ruff', category: 'lint' }, plan);

function plan(repo: Repo, project: PythonProject): PythonCheck | undefined {
  const source = toolSource(repo, project, 'ruff', ruffVersion);
  const why =
    ruffSettings(repo, project) ?? (source.isOwn || preCommitHook(repo, 'ruff') ? source.words : undefined);
  if (why === undefined && linters.some((name) => project.dependencies.has(name))) return undefined;
  return {
    why: why ?? `${counted(project.sources.length, 'Python file')} without a linter: ${source.words}`,
    command: ['ruff check', ...targets(project, project.sources).map(quoteWord)]
      .join(' ')
      .replace(/ \.$/, ''),
    needs: [source.from],
    cost: { cores: 1, memory: 150e6, seconds: 1 },
    async run(context) {
      const environment = context.prepared(source.from);
      const options = ['--output-format', 'json', '--no-fix', '--force-exclude'];
      const paths = targets(project, project.sources);
      const run = await runTool(context, environment, 'ruff', ['check', ...options, ...paths], {
        RUFF_CACHE_DIR: toolCache(context, 'ruff', project.folder),
      });
      const version = environment.packages.get('ruff');
      return judge(context, project, run, version);
    },
  };
}

function ruffSettings(repo: Repo, project: PythonProject): string | undefined {
  return settingsOf(repo, project, ['ruff.toml', '.ruff.toml'], { 'pyproject.toml': ['tool.ruff'] });
}

/** 0: no findings, 1: findings, 2: failure (https://docs.astral.sh/ruff/linter/#exit-codes). */
function judge(context: CheckContext, project: PythonProject, run: ToolRun, version: string | undefined) {
  const { folder } = project;
  const meaning = /Failed to parse (\S+\.toml)/.exec(run.stderr);
  if (run.code === 2 && meaning !== null) {
    return didNotRun('ruff', run, {
      why: `cannot read its settings in ${shownPath(context.repo, folder, meaning[1] ?? '')}`,
    });
  }
  if (run.code > 1 || run.truncated) return didNotRun('ruff', run);
  const entries = parseEntries(run.stdout);
  if (entries === undefined || (run.code === 1 && entries.length === 0)) return didNotRun('ruff', run);
  const unread = entries.find((entry) => texts(entry, 'code')[0] === 'E902');
  if (unread !== undefined) {
    const file = shownPath(context.repo, folder, texts(unread, 'filename')[0] ?? '');
    const cause = texts(unread, 'message')[0]
      ?.split('\n')
      .at(-1)
      ?.replace(/^\s*Cause: /, '');
    return didNotRun('ruff', run, { why: `could not read ${file}: ${cause}` });
  }
  const findings = entries.map((entry) => finding(entry, (path) => shownPath(context.repo, folder, path)));
  return {
    ran: true as const,
    findings: [...findings, ...warnings(run.stderr)],
    ...(version === undefined ? {} : { version }),
    summary: filesSeen(project.sources.length),
  };
}

type Entry = Readonly<Record<string, unknown>>;

/** @returns undefined if it is not the format of `--output-format json`. */
function parseEntries(text: string): readonly Entry[] | undefined {
  try {
    const data: unknown = JSON.parse(text);
    if (!Array.isArray(data)) return undefined;
    return data.every(
      (entry) => texts(entry, 'filename').length === 1 && texts(entry, 'message').length === 1,
    )
      ? data
      : undefined;
  } catch {
    return undefined;
  }
}

function finding(entry: Entry, pathOf: (path: string) => string): Finding {
  // Syntax errors have no code in older versions.
  const rule = texts(entry, 'code')[0] ?? 'invalid-syntax';
  const start = part(entry, 'location');
  const end = part(entry, 'end_location');
  const line = Number(start['row'] ?? 1);
  const endLine = Number(end['row'] ?? line);
  const fix = fixOf(entry);
  const docs = texts(entry, 'url')[0];
  return {
    tool: 'ruff',
    rule,
    severity: severityOf(rule),
    level: 'fail',
    message: texts(entry, 'message')[0] ?? '',
    at: { file: pathOf(texts(entry, 'filename')[0] ?? ''), line, column: Number(start['column'] ?? 1) },
    ...(endLine > line ? { endLine } : {}),
    ...(fix === undefined ? {} : { fix }),
    ...(docs === undefined ? {} : { docs }),
  };
}

function fixOf(entry: Entry): string | undefined {
  const fix = part(entry, 'fix');
  const [what] = texts(fix, 'message');
  const words = what === undefined ? '' : `: ${what}`;
  switch (texts(fix, 'applicability')[0]) {
    case 'safe':
      return `Run \`ruff check --fix\`${words}.`;
    case 'unsafe':
      return `Run \`ruff check --fix --unsafe-fixes\`, which may change behavior${words}.`;
    default:
      return what;
  }
}

/** High: broken code; medium: likely bugs and security risks; the rest is style. */
function severityOf(rule: string): Severity {
  if (rule === 'invalid-syntax' || /^(?:E9|F82|F7|PLE)/.test(rule)) return 'high';
  return /^(?:S\d|B\d|F|ASYNC)/.test(rule) ? 'medium' : 'low';
}

/** Ruff's warnings about its settings, which it prints once per thread. */
function warnings(stderr: string): Finding[] {
  const said = stderr.split(/^(?=warning: )/m).filter((text) => text.startsWith('warning: '));
  return [...new Set(said.map((text) => text.trim()))].map((text) => ({
    tool: 'ruff',
    rule: 'settings',
    severity: 'info',
    level: 'note',
    message: text.replace(/^warning: /, ''),
    subject: 'settings',
  }));
}

/** Ruff as a formatter, if the repository formats with it. */
export const ruffFormat = pythonTool({ name: 'ruff', category: 'lint', check: 'ruff format' }, planFormat);

function planFormat(repo: Repo, project: PythonProject): PythonCheck | undefined {
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
      return judgeFormat(context, project, run, environment.packages.get('ruff'));
    },
  };
}

/** `[tool.ruff.format]`, its pre-commit hook, or a `ruff format` in scripts and workflows. */
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

/** 0: nothing to do, 1: files would change, 2: a file is not valid Python, or Ruff failed. */
function judgeFormat(
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
