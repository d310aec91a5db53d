import { quoteWord } from '../../../kernel/quote.ts';
import { type PythonProject, targets } from '../../detect/python.ts';
import { compare, numbers } from '../../detect/python-version.ts';
import { pythonEnvironment } from '../../environments/python.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext, ToolRun } from '../../tool.ts';
import { filesSeen } from '../answer.ts';
import {
  didNotRun,
  type PythonCheck,
  pythonTool,
  runTool,
  settingsOf,
  shownPath,
  toolCache,
  toolSource,
} from './project-check.ts';

const mypyVersion = '2.4.1';
/** `-O json` came with 1.11: https://mypy.readthedocs.io/en/stable/changelog.html */
const jsonSince = [1, 11];

/** mypy, if the repository uses it. */
export const mypy = pythonTool({ name: 'mypy', category: 'lint' }, plan);

const files = ['mypy.ini', '.mypy.ini'];
const sections = { 'pyproject.toml': ['tool.mypy'], 'setup.cfg': ['mypy'] };

function plan(repo: Repo, project: PythonProject): PythonCheck | undefined {
  const source = toolSource(repo, project, 'mypy', mypyVersion);
  const why = settingsOf(repo, project, files, sections) ?? (source.isOwn ? source.words : undefined);
  if (why === undefined) return undefined;
  // mypy reads the packages of the project: it needs them even in a separate environment.
  const packages = pythonEnvironment(project);
  const paths = namesItsFiles(repo, project) ? [] : targets(project, project.sources);
  return {
    why,
    command: ['mypy', ...paths.map(quoteWord)].join(' '),
    needs: source.isOwn ? [packages] : [source.from, packages],
    cost: { cores: 1, memory: 500e6, seconds: 20 },
    async run(context) {
      const environment = context.prepared(source.from);
      const version = environment.packages.get('mypy');
      const hasJson = version === undefined || compare(numbers(version), jsonSince) >= 0;
      const format = hasJson ? ['-O', 'json'] : ['--show-column-numbers', '--no-pretty', '--no-color-output'];
      const python = source.isOwn ? [] : ['--python-executable', context.prepared(packages).python];
      const run = await runTool(context, environment, 'mypy', [...format, ...python, ...paths], {
        MYPY_CACHE_DIR: toolCache(context, 'mypy', project.folder),
        MYPY_FORCE_COLOR: undefined,
      });
      return judge(context, project, run, version);
    },
  };
}

/** mypy reads only the settings file of its working folder. */
function namesItsFiles(repo: Repo, project: PythonProject): boolean {
  const own = (name: string) => repo.read(project.folder === '' ? name : `${project.folder}/${name}`) ?? '';
  const inIni = [...files, 'setup.cfg'].some((name) =>
    /^(?:files|packages|modules)\s*=/m.test(mypySection(own(name))),
  );
  const table =
    own('pyproject.toml')
      .split(/^\[tool\.mypy\]/m)[1]
      ?.split(/^\[/m)[0] ?? '';
  return inIni || /^[ \t]*(?:files|packages|modules)[ \t]*=/m.test(table);
}

function mypySection(text: string): string {
  return text.split(/^\[mypy\]/m)[1]?.split(/^\[/m)[0] ?? '';
}

/** 0: no errors, 1: errors, 2: it stopped: wrong usage, a crash, or a file that is not valid Python. */
function judge(
  context: CheckContext,
  project: PythonProject,
  run: ToolRun,
  version: string | undefined,
): CheckOutput {
  if (run.code > 2 || run.truncated || run.code < 0) return didNotRun('mypy', run);
  const ignored =
    /^(\S+): (File contains (?:no section headers|parsing errors)|.*(?:Invalid statement|Expected '=').*)/m.exec(
      run.stderr,
    );
  if (ignored !== null) {
    const file = shownPath(context.repo, project.folder, ignored[1] ?? '');
    return didNotRun('mypy', run, {
      why: `ignores its settings in ${file}: ${ignored[2]}`,
    });
  }
  const entries = readMypy(run.stdout);
  if (entries === undefined) return didNotRun('mypy', run);
  const errors = entries.filter(({ severity }) => severity === 'error');
  if (run.code > 0 && errors.length === 0) return didNotRun('mypy', run, crash(run));
  const blocker = errors.find(({ code }) => code !== 'syntax');
  if (run.code === 2 && blocker !== undefined) {
    return didNotRun('mypy', run, {
      why: `gave up: ${blocker.file}: ${blocker.message}`,
      ...(blocker.hint === undefined ? {} : { fix: blocker.hint }),
    });
  }
  return {
    ran: true,
    findings: [
      ...mypyFindings(entries, (path) => shownPath(context.repo, project.folder, path)),
      ...settingsNotes(run.stderr),
    ],
    ...(version === undefined ? {} : { version }),
    summary: filesSeen(project.sources.length),
  };
}

function crash({ stderr, stdout }: ToolRun) {
  const said = `${stdout}\n${stderr}`;
  if (/INTERNAL ERROR/.test(said)) return { why: 'crashed (INTERNAL ERROR)' };
  if (/There are no \.pyi? ?files|no \.py\[i\] files/.test(said)) {
    return {
      why: 'found no Python files',
      fix: 'Check `files` and `exclude` in its settings.',
    };
  }
  const usage = /^mypy: error: (.*)$/m.exec(said)?.[1];
  return usage === undefined ? undefined : { why: `rejects its arguments: ${usage}` };
}

/** One line of mypy's output. */
interface MypyEntry {
  readonly file: string;
  /** Both from 1; undefined for a whole file. */
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
  readonly hint?: string;
  /** `arg-type`, `syntax`. */
  readonly code?: string;
  readonly severity: 'error' | 'note';
}

const textLine = /^(.+?):(?:(\d+):(?:(\d+):)?(?:\d+:\d+:)?)? (error|note): ([\s\S]*?)(?: {2}\[([\w-]+)\])?$/;

/**
 * Reads what `mypy -O json`, or an older mypy with `--show-column-numbers`, prints. Other lines, of plugins, are
 * ignored.
 *
 * @returns undefined if a line of JSON is broken.
 */
export function readMypy(stdout: string): MypyEntry[] | undefined {
  const entries: MypyEntry[] = [];
  for (const line of stdout.split('\n')) {
    const entry = line.startsWith('{') ? jsonEntry(line) : textEntry(line);
    if (entry === 'broken') return undefined;
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

function jsonEntry(text: string): MypyEntry | 'broken' {
  try {
    const { file, line, column, message, hint, code, severity } = JSON.parse(text) as Record<string, unknown>;
    if (typeof file !== 'string' || typeof message !== 'string') return 'broken';
    return {
      file,
      // Columns count from 0 in JSON, and -1 means none.
      ...(typeof line === 'number' && line > 0 ? { line } : {}),
      ...(typeof column === 'number' && column >= 0 ? { column: column + 1 } : {}),
      message,
      ...(typeof hint === 'string' && hint !== '' ? { hint } : {}),
      ...(typeof code === 'string' ? { code } : {}),
      severity: severity === 'note' ? 'note' : 'error',
    };
  } catch {
    return 'broken';
  }
}

function textEntry(text: string): MypyEntry | undefined {
  const [, file, line, column, severity, message, code] = textLine.exec(text) ?? [];
  if (file === undefined || message === undefined) return undefined;
  return {
    file,
    ...(line === undefined ? {} : { line: Number(line) }),
    ...(column === undefined ? {} : { column: Number(column) }),
    message,
    ...(code === undefined ? {} : { code }),
    severity: severity === 'note' ? 'note' : 'error',
  };
}

/** A note that follows an error on its line belongs to it; any other is a separate note. */
export function mypyFindings(entries: readonly MypyEntry[], pathOf: (path: string) => string): Finding[] {
  const findings: Finding[] = [];
  for (const entry of entries) {
    const last = findings.at(-1);
    const at = { file: pathOf(entry.file), ...placeOf(entry) };
    const follows = last?.level === 'fail' && last.at?.file === at.file && last.at.line === entry.line;
    if (entry.severity === 'note' && follows) {
      findings[findings.length - 1] = { ...last, fix: joined(last.fix, entry.message) };
    } else {
      findings.push({ ...finding(entry), at });
    }
  }
  return findings;
}

function finding({ code = 'misc', severity, message, hint }: MypyEntry): Finding {
  const isError = severity === 'error';
  return {
    tool: 'mypy',
    rule: code,
    severity: isError ? (code === 'syntax' ? 'high' : 'medium') : 'info',
    level: isError ? 'fail' : 'note',
    message,
    ...(hint === undefined ? {} : { fix: joined(undefined, hint) }),
    ...(isError && code !== 'misc' ? { docs: `https://mypy.rtfd.io/en/stable/_refs.html#code-${code}` } : {}),
  };
}

function placeOf({ line, column }: MypyEntry) {
  return { ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
}

function joined(before: string | undefined, after: string): string {
  const lines = after.split('\n').map((line) => line.trim());
  return [before, ...lines].filter((line) => line !== undefined && line !== '').join(' ');
}

/** mypy's warnings about its settings: `pyproject.toml: [mypy]: Unrecognized option: foo = 1`. */
function settingsNotes(stderr: string): Finding[] {
  const said = stderr.split('\n').filter((line) => /^\S+\.(?:toml|ini|cfg): \[/.test(line));
  return [...new Set(said)].map((message) => ({
    tool: 'mypy',
    rule: 'settings',
    severity: 'info',
    level: 'note',
    message,
    subject: 'settings',
  }));
}
