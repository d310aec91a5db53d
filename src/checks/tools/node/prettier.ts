import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeProject } from '../../detect/node.ts';
import { scriptCommand, scriptsUse, withoutOptions } from '../../detect/node-scripts.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import { repoPath } from '../../repo.ts';
import type { CheckContext, Tool } from '../../tool.ts';
import { brokenRun, foreignText, innerPath, isBelow, nodeTool, runProgram } from './project-check.ts';

/** Prettier if it is configured or a script checks with it. As a mere dependency it is for editors. */
export const prettier: Tool = nodeTool({
  name: 'prettier',
  category: 'lint',
  cost: { cores: 1, memory: 400 * 2 ** 20, seconds: 5 },
  why: whyPrettier,
  command: (project) => ['prettier', '--check', ...chosen(project)].join(' '),
  run: runPrettier,
});

const checkScripts = [
  'format:check',
  'check:format',
  'prettier:check',
  'check:prettier',
  'lint:format',
  'lint:prettier',
  'prettier',
  'format',
];
const ours = {
  '--check': 0,
  '-c': 0,
  '--write': 0,
  '-w': 0,
  '-l': 0,
  '--list-different': 0,
  '--log-level': 1,
  '--color': 0,
  '--cache': 0,
  '-u': 0,
} as const;

function whyPrettier(project: NodeProject): string | undefined {
  const { configs, packages, file } = project;
  if (!('prettier' in packages)) return undefined;
  if (configs.prettier !== undefined) return `${configs.prettier} configures it`;
  const checks = scriptsUse(project, /\bprettier\b.{0,300}\s(?:--check|-c|-l|--list-different)\b/);
  return checks ? `a script of ${file} checks with it` : undefined;
}

function chosen(project: NodeProject): readonly string[] {
  const given = withoutOptions(scriptCommand(project, 'prettier', checkScripts)?.args ?? [], ours);
  return given.some((word) => !word.startsWith('-')) ? given : ['.'];
}

async function runPrettier(
  context: CheckContext,
  project: NodeProject,
  all: readonly NodeProject[],
): Promise<CheckOutput> {
  const nested = all
    .filter((other) => isBelow(project.folder, other.folder) && whyPrettier(other) !== undefined)
    .map(({ folder }) => `!${innerPath(project.folder, folder)}/**`);
  const args = ['--list-different', '--no-color', ...chosen(project), ...nested];
  const result = await runProgram(
    context,
    project,
    { package: 'prettier', name: 'prettier', quiet: true },
    args,
  );
  if ('missing' in result) return result.missing;
  const { run, program } = result;
  if (![0, 1, 2].includes(run.code) || run.truncated) return brokenRun('Prettier', run);
  // It ignores unknown options, and may then check something else.
  const unknown = /Ignored unknown option .*/.exec(run.stderr)?.[0];
  if (unknown !== undefined) return brokenRun('Prettier', run, `Prettier: ${foreignText(unknown, 100)}`);
  const findings = parsePrettier(run, context.repo.root, project.folder);
  const stranger = findings.find(
    ({ at }) => at !== undefined && !existsSync(join(context.repo.root, at.file)),
  );
  if (stranger !== undefined) return brokenRun('Prettier', run, 'Prettier lists files that do not exist');
  const isExplained =
    run.code === 0 || findings.some(({ rule }) => rule === (run.code === 2 ? 'parse' : 'format'));
  if (!isExplained) return brokenRun('Prettier', run, 'Prettier could not check anything, see its output');
  return { ran: true, findings, ...(program.version === undefined ? {} : { version: program.version }) };
}

/** @param run output of `prettier --list-different`: files that differ on stdout, files it cannot parse on stderr. */
export function parsePrettier(
  run: { readonly stdout: string; readonly stderr: string },
  root: string,
  folder: string,
): readonly Finding[] {
  const differ = run.stdout.split('\n').flatMap((line): Finding[] => {
    const file = line.trim() === '' ? undefined : repoPath(root, folder, line);
    if (file === undefined) return [];
    const fix = 'Run `prettier --write` to fix it.';
    return [
      {
        tool: 'prettier',
        rule: 'format',
        severity: 'low',
        level: 'fail',
        message: 'The file is not formatted.',
        at: { file },
        fix,
      },
    ];
  });
  const broken = [
    ...run.stderr.matchAll(/^\[error\] (.{1,1000}?): (\w{0,100}Error: .{0,2000}) \((\d+):(\d+)\)$/gm),
  ];
  const unread = broken.map(([, path = '', message = '', line, column]): Finding => {
    const file = repoPath(root, folder, path);
    const at = file === undefined ? {} : { at: { file, line: Number(line), column: Number(column) } };
    return {
      tool: 'prettier',
      rule: 'parse',
      severity: 'medium',
      level: 'fail',
      message: foreignText(message),
      ...at,
    };
  });
  return [...differ, ...unread];
}
