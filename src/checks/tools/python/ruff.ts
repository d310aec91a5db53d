import { quoteWord } from '../../../kernel/quote.ts';
import type { PythonProject } from '../../detect/python.ts';
import { targets } from '../../detect/python.ts';
import { part, texts } from '../../detect/toml.ts';
import type { Finding, Severity } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext, Tool, ToolRun } from '../../tool.ts';
import { filesSeen } from '../../verdict/seen.ts';
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

export const ruffVersion = '0.17.5';

/** Where one of these is asked for, the repository has made its choice. */
const linters = ['flake8', 'pylint', 'pyflakes', 'pycodestyle', 'prospector', 'pylama', 'autoflake'];

export const ruff: Tool = {
  name: 'ruff',
  category: 'lint',
  plan: (repo, settings) => planPython(repo, settings, 'ruff', 'lint', (project) => plan(repo, project)),
};

function plan(repo: Repo, project: PythonProject): ProjectCheck | undefined {
  const source = toolSource(repo, project, 'ruff', ruffVersion);
  const why =
    ruffSettings(repo, project) ?? (source.isOwn || preCommitHook(repo, 'ruff') ? source.words : undefined);
  if (why === undefined && linters.some((name) => project.dependencies.has(name))) return undefined;
  return {
    why: why ?? `it has Python (${project.sources.length} files) and no linter: ${source.words}`,
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

/** What in the repository configures Ruff. */
export function ruffSettings(repo: Repo, project: PythonProject): string | undefined {
  return settingsOf(repo, project, ['ruff.toml', '.ruff.toml'], { 'pyproject.toml': ['tool.ruff'] });
}

/** 0: nothing found, 1: findings, 2: it could not do its work (https://docs.astral.sh/ruff/linter/#exit-codes). */
function judge(context: CheckContext, project: PythonProject, run: ToolRun, version: string | undefined) {
  const { folder } = project;
  const meaning = /Failed to parse (\S+\.toml)/.exec(run.stderr);
  if (run.code === 2 && meaning !== null) {
    return didNotRun('ruff', run, {
      why: `can’t read its settings in ${shownPath(context.repo, folder, meaning[1] ?? '')}`,
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

/** @returns undefined when it is not what `--output-format json` prints. */
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
  // Older versions give syntax errors no code.
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
      return `\`ruff check --fix\` does it${words}.`;
    case 'unsafe':
      return `\`ruff check --fix --unsafe-fixes\` does it, and may change what the code does${words}.`;
    default:
      return what;
  }
}

/** What can't run at all, then what flake8-bandit calls a risk; the rest is style and care. */
function severityOf(rule: string): Severity {
  if (rule === 'invalid-syntax' || /^(?:E9|F82|F7|PLE)/.test(rule)) return 'high';
  return /^(?:S\d|B\d|F|ASYNC)/.test(rule) ? 'medium' : 'low';
}

/** What Ruff says of its settings; it prints the same for every thread that reads them. */
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
