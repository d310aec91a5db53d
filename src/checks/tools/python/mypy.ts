import { quoteWord } from '../../../kernel/quote.ts';
import { type PythonProject, targets } from '../../detect/python.ts';
import { compare, numbers } from '../../detect/python-version.ts';
import { pythonEnvironment } from '../../environments/python.ts';
import type { CheckOutput } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext, Tool, ToolRun } from '../../tool.ts';
import { filesSeen } from '../../verdict/seen.ts';
import { mypyFindings, readMypy, settingsNotes } from './mypy-output.ts';
import { didNotRun } from './outcome.ts';
import {
  type ProjectCheck,
  planPython,
  runTool,
  settingsOf,
  shownPath,
  toolCache,
  toolSource,
} from './project-check.ts';

const mypyVersion = '2.4.1';
/** `-O json` came with 1.11: https://mypy.readthedocs.io/en/stable/changelog.html */
const jsonSince = [1, 11];

/** mypy, where the repository asks for it. */
export const mypy: Tool = {
  name: 'mypy',
  category: 'lint',
  plan: (repo, settings) => planPython(repo, settings, 'mypy', 'lint', (project) => plan(repo, project)),
};

const files = ['mypy.ini', '.mypy.ini'];
const sections = { 'pyproject.toml': ['tool.mypy'], 'setup.cfg': ['mypy'] };

function plan(repo: Repo, project: PythonProject): ProjectCheck | undefined {
  const source = toolSource(repo, project, 'mypy', mypyVersion);
  const why = settingsOf(repo, project, files, sections) ?? (source.isOwn ? source.words : undefined);
  if (why === undefined) return undefined;
  // mypy reads the packages of the project: it needs them even where it has an environment of its own.
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

/** mypy takes only the settings file of the folder that it runs in. */
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

/** 0: nothing found, 1: errors, 2: it could not go on: wrong usage, a crash, or a file that is no Python. */
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
      why: `can’t read ${file}, and would check without its settings: ${ignored[2]}`,
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
  if (/INTERNAL ERROR/.test(said)) return { why: 'failed by a fault of its own (INTERNAL ERROR)' };
  if (/There are no \.pyi? ?files|no \.py\[i\] files/.test(said)) {
    return {
      why: 'found no Python files',
      fix: 'Do `files` and `exclude` in its settings fit the repository?',
    };
  }
  const usage = /^mypy: error: (.*)$/m.exec(said)?.[1];
  return usage === undefined ? undefined : { why: `does not accept how it is called: ${usage}` };
}
