import type { NodeProject } from '../../detect/node.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import { repoPath } from '../../repo.ts';
import type { CheckContext, Tool } from '../../tool.ts';
import { filesSeen } from '../answer.ts';
import { brokenRun, foreignText, isMember, nodeTool, runProgram } from './project-check.ts';

/** `biome ci`: linter, formatter and the order of imports, as far as biome.json enables them. */
export const biome: Tool = nodeTool({
  name: 'biome',
  category: 'lint',
  cost: { cores: 'all', memory: 300 * 2 ** 20, seconds: 2 },
  why(project, _repo, all) {
    const { configs, packages } = project;
    // A run for a workspace reads the configurations of the members, too.
    const isCovered = all.some((other) => other.configs.biome !== undefined && isMember(project, other));
    if (configs.biome === undefined || !('@biomejs/biome' in packages) || isCovered) return undefined;
    return `found ${configs.biome}`;
  },
  command: () => 'biome ci',
  run: runBiome,
});

async function runBiome(context: CheckContext, project: NodeProject): Promise<CheckOutput> {
  // This reporter has been stable since 1.8; the JSON one is still experimental.
  const args = ['ci', '--reporter=github', '--max-diagnostics=none', '--colors=off'];
  const given = { package: '@biomejs/biome', name: 'biome', quiet: true };
  const result = await runProgram(context, project, given, args);
  if ('missing' in result) return result.missing;
  const { run, program } = result;
  if ((run.code !== 0 && run.code !== 1) || run.truncated) return brokenRun('Biome', run);
  const findings = parseBiome(run.stdout, context.repo.root, project.folder);
  if (run.code === 1 && !findings.some(({ level }) => level === 'fail')) {
    return brokenRun('Biome', run, 'Biome could not check anything, see its output');
  }
  const count = /Checked (\d+) files?/.exec(run.stdout + run.stderr)?.[1];
  return {
    ran: true,
    findings,
    ...(program.version === undefined ? {} : { version: program.version }),
    ...(count === undefined ? {} : { summary: filesSeen(Number(count)) }),
  };
}

const command =
  /^::(error|warning|notice) title=([^,]*)(?:,file=(.*),line=(\d+),endLine=(\d+),col=(\d+),endColumn=\d+)?::(.*)$/gm;

/** @param text workflow commands, one for each diagnostic. */
export function parseBiome(text: string, root: string, folder: string): readonly Finding[] {
  return [...text.matchAll(command)].map(
    ([, kind, title = '', path, line, endLine, column, message = '']) => {
      const fails = kind === 'error';
      const rule = decoded(title);
      const file = path === undefined ? undefined : repoPath(root, folder, decoded(path));
      const isFormat = rule === 'format';
      // A format finding is about the file; line and column have no meaning.
      const place = isFormat ? {} : { line: Number(line), column: Number(column) };
      return {
        tool: 'biome',
        rule,
        severity: isFormat ? 'low' : fails ? 'medium' : 'low',
        level: fails ? 'fail' : 'note',
        message:
          isFormat && message.startsWith('File content differs')
            ? 'The file is not formatted.'
            : foreignText(decoded(message)),
        ...(file === undefined ? {} : { at: { file, ...place } }),
        ...(!isFormat && endLine !== line ? { endLine: Number(endLine) } : {}),
        ...(isFormat || rule.startsWith('assist/') ? { fix: 'Run `biome check --write` to fix it.' } : {}),
        ...(rule.startsWith('lint/') ? { docs: docsOf(rule) } : {}),
      };
    },
  );
}

function docsOf(rule: string): string {
  const name = rule.replace(/^.*\//, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `https://biomejs.dev/linter/rules/${name}`;
}

function decoded(text: string): string {
  return text
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%25', '%');
}
