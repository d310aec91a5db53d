import { counted } from '../../../kernel/figures.ts';
import type { PythonProject } from '../../detect/python.ts';
import { pythonEnvironment } from '../../environments/python.ts';
import type { CheckOutput, Finding, TestTotals } from '../../model.ts';
import { inFolder, type Repo, repoPath } from '../../repo.ts';
import type { CheckContext, ToolRun } from '../../tool.ts';
import { didNotRun, type PythonCheck, pythonTool, toolVariables } from './project-check.ts';
import { pytestUse } from './pytest.ts';

/** Python's own test runner, or Django's, if tests are written for it and pytest is not used. */
export const unittest = pythonTool({ name: 'unittest', category: 'test' }, plan);

function plan(repo: Repo, project: PythonProject): PythonCheck | undefined {
  if (pytestUse(repo, project) !== undefined) return undefined;
  const first = project.tests.find((file) => /\bTestCase\b/.test(repo.read(file) ?? ''));
  if (first === undefined) return undefined;
  const isDjango = repo.files.includes(inFolder(project.folder, 'manage.py'));
  const args = isDjango ? ['manage.py', 'test', '--noinput'] : ['-m', 'unittest', 'discover'];
  const environment = pythonEnvironment(project);
  return {
    why: `${first} has unittest tests`,
    command: ['python', ...args].join(' '),
    needs: [environment],
    cost: { cores: 1, memory: 500e6, seconds: 30 },
    run: async (context) => {
      const { python } = context.prepared(environment);
      const env = toolVariables(context, context.prepared(environment));
      return outputOf(context, project, await context.spawn([python, ...args], { env }));
    },
  };
}

/** Parses stderr, the only output format; exit code 5 means no tests, since Python 3.12. */
function outputOf({ repo }: CheckContext, { folder }: PythonProject, run: ToolRun): CheckOutput {
  const ran = [...run.stderr.matchAll(/^Ran (\d+) tests? in ([\d.]+)s$/gm)].at(-1);
  const verdict = [...run.stderr.matchAll(/^(OK|FAILED)(?: \((.*)\))?$/gm)].at(-1);
  const total = Number(ran?.[1] ?? 0);
  if (run.code === 5 || (ran !== undefined && total === 0)) {
    const fix =
      'unittest finds files named test*.py in packages: add an __init__.py to each folder of tests.';
    return didNotRun('unittest', run, { why: 'found no tests', fix });
  }
  const fits = verdict !== undefined && (verdict[1] === 'OK') === (run.code === 0) && run.code <= 1;
  if (ran === undefined || !fits || run.truncated) return didNotRun('unittest', run);
  const findings = failures(run.stderr, (path) => repoPath(repo.root, folder, path));
  if (run.code === 1 && findings.length === 0) {
    return didNotRun('unittest', run, { why: 'failed but reported no failed test' });
  }
  const count = (name: string) => Number(new RegExp(`\\b${name}=(\\d+)`).exec(verdict[2] ?? '')?.[1] ?? 0);
  const failed = count('failures') + count('errors') + count('unexpected successes');
  const skipped = count('skipped');
  const tests: TestTotals = {
    ...{ passed: Math.max(0, total - failed - skipped), failed, skipped, flaky: 0 },
    ...{ seconds: Number(ran[2]), slowest: [], flakyTests: [] },
  };
  return { ran: true, findings, summary: counted(total, 'test'), tests };
}

/** Blocks between double rules: the test's name, a rule, the traceback. */
function failures(text: string, pathOf: (path: string) => string | undefined): Finding[] {
  return text
    .split(/^={70}\n/m)
    .slice(1)
    .map((block): Finding => {
      const [head = '', ...rest] = block.split('\n');
      const test = head.replace(/^(?:FAIL|ERROR|UNEXPECTED SUCCESS): /, '').trim();
      const body = rest.join('\n').split(/^-{70}\n/m)[1] ?? '';
      const places = [...body.matchAll(/^ {2}File "(.+)", line (\d+)/gm)].flatMap(([, path = '', line]) => {
        const file = pathOf(path);
        return file === undefined ? [] : [{ file, line: Number(line) }];
      });
      const raised =
        body
          .trim()
          .split('\n')
          .filter((line) => /^\S/.test(line))
          .at(-1) ?? head;
      const at = places.at(-1);
      return {
        ...{ tool: 'unittest', rule: test, severity: 'high', level: 'fail', subject: test },
        message: `${test} failed: ${raised}`,
        ...(at === undefined ? {} : { at }),
      };
    });
}
