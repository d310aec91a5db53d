import { join, posix } from 'node:path';
import { readJsonWithComments, recordOf } from '../../detect/json-text.ts';
import type { NodeProject } from '../../detect/node.ts';
import { scriptCommand } from '../../detect/node-scripts.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import { folderOf, inFolder, type Repo, repoPath } from '../../repo.ts';
import type { CheckContext, Tool, ToolRun } from '../../tool.ts';
import type { NotRun } from '../answer.ts';
import { brokenRun, foreignText, nodeTool, runProgram } from './project-check.ts';

/** The project's TypeScript; `vue-tsc`, with the same output, if the project has it. */
export const tsc: Tool = nodeTool({
  name: 'tsc',
  category: 'lint',
  cost: { cores: 1, memory: 1000 * 2 ** 20, seconds: 15 },
  why({ configs, packages }, repo) {
    const has = 'typescript' in packages || 'vue-tsc' in packages;
    // A tsconfig.json that only others extend lists no files.
    return configs.tsc !== undefined && has && listsFiles(repo, configs.tsc)
      ? `found ${configs.tsc}`
      : undefined;
  },
  command: (project, repo) =>
    compilations(repo, configOf(project, repo), project.folder)
      .map((args) => [compilerOf(project).name, ...(args[0] === '-b' ? [] : ['--noEmit']), ...args].join(' '))
      .join(' && ')
      .replaceAll(' -p tsconfig.json', ''),
  run: runTsc,
});

const typeScripts = [
  'typecheck',
  'type-check',
  'check-types',
  'check:types',
  'types',
  'tsc',
  'lint:types',
  'test:types',
];

function compilerOf({ packages }: NodeProject) {
  return 'vue-tsc' in packages
    ? { package: 'vue-tsc', name: 'vue-tsc', quiet: true }
    : { package: 'typescript', name: 'tsc', quiet: true };
}

/** The `-p` of the project's own script, else tsconfig.json. */
function configOf(project: NodeProject, repo: Repo): string {
  const words = scriptCommand(project, compilerOf(project).name, typeScripts)?.args ?? [];
  const index = words.findIndex((word) => /^(?:-p|--project)$/.test(word));
  const given = index < 0 ? undefined : words[index + 1];
  return configFile(repo, inFolder(project.folder, posix.normalize(given ?? 'tsconfig.json')));
}

async function runTsc(context: CheckContext, project: NodeProject): Promise<CheckOutput> {
  const { repo } = context;
  const plan = compilations(repo, configOf(project, repo), project.folder);
  const findings: Finding[] = [];
  let version: string | undefined;
  for (const [index, args] of plan.entries()) {
    // Incremental projects write a .tsbuildinfo even with --noEmit: it goes to the scratch folder.
    const aside = [
      '--noEmit',
      '--incremental',
      '--tsBuildInfoFile',
      join(context.scratch, `${index}.tsbuildinfo`),
    ];
    const all = [...args, ...(args[0] === '-b' ? [] : aside), '--pretty', 'false'];
    const result = await runProgram(context, project, compilerOf(project), all);
    if ('missing' in result) return result.missing;
    const judged = judge(result.run, repo.root, project.folder);
    if ('ran' in judged) return judged;
    version = result.program.version;
    findings.push(...judged.findings);
  }
  return { ran: true, findings: unique(findings), ...(version === undefined ? {} : { version }) };
}

/**
 * The runs of tsc that check everything. With a tsconfig.json that only has `references` (as in Vite's templates),
 * `tsc --noEmit` checks nothing and passes. Then each referenced project is checked. If they depend on each other only a
 * real build (`tsc -b`) works: --noEmit fails with TS6310.
 */
export function compilations(repo: Repo, config: string, folder: string): readonly (readonly string[])[] {
  const referenced = references(repo, config);
  const projectOption = (path: string) => ['-p', posix.relative(folder || '.', path)];
  if (referenced.length === 0) return [projectOption(config)];
  const isChained = referenced.some((path) => references(repo, path).length > 0);
  if (isChained || hasFiles(repo, config)) return [['-b', posix.relative(folder || '.', config)]];
  return referenced.map(projectOption);
}

function references(repo: Repo, config: string): readonly string[] {
  const { references: listed } = recordOf(readJsonWithComments(repo.read(config) ?? ''));
  return (Array.isArray(listed) ? listed : []).flatMap((reference) => {
    const { path } = recordOf(reference);
    return typeof path === 'string' ? [configFile(repo, posix.join(folderOf(config), path))] : [];
  });
}

/** A reference may name the folder. */
function configFile(repo: Repo, path: string): string {
  return repo.files.includes(path) || path.endsWith('.json') ? path : posix.join(path, 'tsconfig.json');
}

function listsFiles(repo: Repo, config: string): boolean {
  return hasFiles(repo, config) || references(repo, config).length > 0;
}

function hasFiles(repo: Repo, config: string): boolean {
  const { files, include } = recordOf(readJsonWithComments(repo.read(config) ?? ''));
  const isNone = (value: unknown) => Array.isArray(value) && value.length === 0;
  return !(isNone(files) && (include === undefined || isNone(include)));
}

/** Exit codes 1 and 2 mean errors in the code or in its own options. */
function judge(run: ToolRun, root: string, folder: string): { findings: readonly Finding[] } | NotRun {
  if (![0, 1, 2].includes(run.code) || run.truncated) return brokenRun('tsc', run);
  const findings = parseTsc(run.stdout, root, folder);
  if (run.code === 0) return { findings };
  // TS5xxx and TS6xxx are about options and files of its configuration, TS18003 means no input files.
  const isAboutItself = findings.every(
    ({ rule, at }) => at === undefined && /^TS(?:[56]\d{3}|18\d{3})$/.test(rule),
  );
  return findings.length === 0 || isAboutItself
    ? brokenRun('tsc', run, 'tsc could not check anything, see its output')
    : { findings };
}

/** @param text output of `--pretty false`: a line for each error, and indented lines that explain it. */
export function parseTsc(text: string, root: string, folder: string): readonly Finding[] {
  const findings: Finding[] = [];
  for (const line of text.split(/\r?\n/)) {
    const match = /^(?:(.+?)\((\d+),(\d+)\): )?error (TS\d+): ([\s\S]*)$/.exec(line);
    const last = findings.at(-1);
    if (match === null) {
      if (/^\s+\S/.test(line) && last !== undefined && last.message.length < 1_000) {
        findings[findings.length - 1] = { ...last, message: `${last.message}\n${foreignText(line)}` };
      }
      continue;
    }
    const [, path, row, column, rule = '', message = ''] = match;
    const file = path === undefined ? undefined : repoPath(root, folder, path);
    const at = file === undefined ? {} : { at: { file, line: Number(row), column: Number(column) } };
    findings.push({
      tool: 'tsc',
      rule,
      severity: 'medium',
      level: 'fail',
      message: foreignText(message),
      ...at,
    });
  }
  return findings;
}

/** Projects that share files report the same errors. */
function unique(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}
