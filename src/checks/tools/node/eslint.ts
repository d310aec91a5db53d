import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { NodeProject } from '../../detect/node.ts';
import { scriptCommand, withoutOptions } from '../../detect/node-scripts.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import { type Repo, repoPath } from '../../repo.ts';
import type { CheckContext, Tool, ToolRun } from '../../tool.ts';
import { filesSeen } from '../answer.ts';
import {
  brokenRun,
  foreignText,
  innerPath,
  isBelow,
  nodeTool,
  parseReport,
  runProgram,
} from './project-check.ts';

/** ESLint of the project, 8 to 10. Folders and options come from its `lint` script, if that is plain. */
export const eslint: Tool = nodeTool({
  name: 'eslint',
  category: 'lint',
  cost: { cores: 1, memory: 1200 * 2 ** 20, seconds: 15 },
  why: ({ configs }) => (configs.eslint === undefined ? undefined : `found ${configs.eslint}`),
  command: (project) => ['eslint', ...chosen(project)].join(' '),
  run: runEslint,
});

const lintScripts = ['lint', 'lint:js', 'lint:ts', 'lint:eslint', 'eslint', 'lint:check'];
/** Options that Sluice sets, that change files, or that leave a cache behind. */
const ours = {
  '--fix': 0,
  '--fix-dry-run': 0,
  '-f': 1,
  '--format': 1,
  '-o': 1,
  '--output-file': 1,
  '--cache': 0,
  '--cache-location': 1,
  '--cache-file': 1,
  '--cache-strategy': 1,
  '--color': 0,
  '--no-color': 0,
} as const;

function chosen(project: NodeProject): readonly string[] {
  const given = withoutOptions(scriptCommand(project, 'eslint', lintScripts)?.args ?? [], ours);
  if (given.length > 0) return given;
  // With the older configuration ESLint checks only .js by default.
  const isLegacy = !/eslint\.config\.\w+$/.test(project.configs.eslint ?? '');
  return isLegacy ? ['.', '--ext', '.js,.jsx,.cjs,.mjs,.ts,.tsx,.cts,.mts,.vue'] : ['.'];
}

/** Largest report that is read; it holds the text of every file with a finding. */
const reportLimit = 256 * 2 ** 20;

async function runEslint(
  context: CheckContext,
  project: NodeProject,
  all: readonly NodeProject[],
): Promise<CheckOutput> {
  const file = join(context.scratch, 'eslint.json');
  const nested = all.filter(
    (other) => other.configs.eslint !== undefined && isBelow(project.folder, other.folder),
  );
  const ignored = nested.flatMap(({ folder }) => [
    '--ignore-pattern',
    `${innerPath(project.folder, folder)}/**`,
  ]);
  const args = [...chosen(project), '-f', 'json', '-o', file, ...ignored];
  const result = await runProgram(context, project, { package: 'eslint', name: 'eslint' }, args);
  if ('missing' in result) return result.missing;
  const { run, program } = result;
  if (run.code === 2) return brokenRun('ESLint', run, 'ESLint could not start, see its output');
  if (run.code !== 0 && run.code !== 1) return brokenRun('ESLint', run);
  const read = parseReport(() => {
    if (statSync(file).size > reportLimit) throw new Error('it is larger than 256 MiB');
    return reportShape.parse(JSON.parse(readFileSync(file, 'utf8')));
  });
  if ('fault' in read) return brokenRun('ESLint', run, 'ESLint wrote no readable report');
  const where = { root: context.repo.root, folder: project.folder };
  const output = judge(read.report, run, where);
  if (!output.ran) return output;
  const linted = read.report.flatMap(({ filePath }) => repoPath(where.root, where.folder, filePath) ?? []);
  return {
    ...output,
    // A lint script with folders leaves out others on purpose.
    findings: [
      ...output.findings,
      ...(chosen(project)[0] === '.' ? unlinted(context.repo, project, nested, linted) : []),
    ],
    ...(program.version === undefined ? {} : { version: program.version }),
  };
}

const reportShape = z.array(
  z.looseObject({
    filePath: z.string(),
    messages: z.array(
      z.looseObject({
        ruleId: z.string().nullish(),
        severity: z.number(),
        fatal: z.boolean().optional(),
        message: z.string(),
        line: z.number().nullish(),
        column: z.number().nullish(),
        endLine: z.number().nullish(),
        fix: z.unknown().optional(),
      }),
    ),
  }),
);
type Report = z.infer<typeof reportShape>;
type Message = Report[number]['messages'][number];

interface Where {
  readonly root: string;
  readonly folder: string;
}

/** @param where folder the paths of the report are from, and the top of the repository. */
export function parseEslint(text: string, run: ToolRun, where: Where): CheckOutput | undefined {
  const read = parseReport(() => reportShape.parse(JSON.parse(text)));
  return 'fault' in read ? undefined : judge(read.report, run, where);
}

function judge(files: Report, run: ToolRun, where: Where): CheckOutput {
  const messages = files.flatMap(({ messages: list }) => list);
  // --max-warnings of the project: this number of warnings fails.
  const warningsFail = run.code === 1 && !messages.some(({ severity }) => severity === 2);
  if (run.code === 1 && messages.length === 0)
    return brokenRun('ESLint', run, 'ESLint failed without reporting a problem');
  const findings = files.flatMap(({ filePath, messages: list }) => {
    const file = repoPath(where.root, where.folder, filePath);
    return list.map((message) => finding(message, file, warningsFail));
  });
  return { ran: true, findings, summary: filesSeen(files.length) };
}

function finding(message: Message, file: string | undefined, warningsFail: boolean): Finding {
  const { ruleId, line, column, endLine, fix } = message;
  const fails = message.severity === 2 || warningsFail;
  const rule = ruleId ?? (message.fatal === true ? 'parse' : 'eslint');
  const docs = docsOf(rule);
  return {
    tool: 'eslint',
    rule,
    severity: fails ? 'medium' : 'low',
    level: fails ? 'fail' : 'note',
    message: foreignText(message.message),
    ...(file === undefined ? {} : { at: { file, ...place(line, column) } }),
    ...(typeof endLine === 'number' && endLine > (line ?? 0) ? { endLine } : {}),
    ...(fix === undefined ? {} : { fix: 'Run `eslint --fix` to fix it.' }),
    ...(docs === undefined ? {} : { docs }),
  };
}

function place(line: number | null | undefined, column: number | null | undefined) {
  if (typeof line !== 'number' || line < 1) return {};
  return typeof column === 'number' && column >= 1 ? { line, column } : { line };
}

function docsOf(rule: string): string | undefined {
  const typed = /^@typescript-eslint\/([\w-]+)$/.exec(rule)?.[1];
  if (typed !== undefined) return `https://typescript-eslint.io/rules/${typed}`;
  const isCore = /^[a-z]+(?:-[a-z]+)*$/.test(rule) && rule !== 'parse' && rule !== 'eslint';
  return isCore ? `https://eslint.org/docs/latest/rules/${rule}` : undefined;
}

const source = /\.(ts|tsx|js|jsx|vue|svelte)$/;
/** Settings of tools and declarations, often left out on purpose. */
const aside = /(?:^|[./])(?:[\w-]+\.config\.\w+|[\w-]+\.d\.ts|\.[\w-]+rc\.\w+)$/;

/**
 * Notes about kinds of sources of which ESLint has checked no file: if its settings match no .ts file, ESLint passes all of
 * them silently.
 *
 * @param linted files of its report, from the top of the repository.
 */
export function unlinted(
  repo: Repo,
  project: NodeProject,
  nested: readonly NodeProject[],
  linted: readonly string[],
): Finding[] {
  const own = repo.files.filter(
    (path) =>
      isBelow(project.folder, path) &&
      !aside.test(path) &&
      !nested.some((other) => isBelow(other.folder, path)),
  );
  const seen = new Set(linted.map(kindOf));
  const kinds = [...Map.groupBy(own, kindOf)];
  return kinds.flatMap(([kind, files]): Finding[] => {
    if (kind === undefined || seen.has(kind)) return [];
    const count = files.length === 1 ? 'the only' : `any of the ${files.length}`;
    return [
      {
        ...{ tool: 'eslint', rule: 'not-linted', severity: 'low', level: 'note', subject: `.${kind}` },
        message: `ESLint did not check ${count} .${kind} ${files.length === 1 ? 'file' : 'files'} here, such as ${files[0]}: its settings do not match them.`,
        ...(project.configs.eslint === undefined ? {} : { at: { file: project.configs.eslint } }),
        fix: `To lint them, add files: ['**/*.${kind}'] to its settings.`,
      },
    ];
  });
}

function kindOf(path: string): string | undefined {
  return source.exec(path)?.[1];
}
