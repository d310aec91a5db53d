import { z } from 'zod';
import type { CheckOutput, Finding } from '../../model.ts';
import type { CheckContext } from '../../tool.ts';
import { toolboxTool } from '../../toolbox/toolbox.ts';
import { filesSeen, jsonAnswer, sentence } from '../answer.ts';
import { repositoryTool } from '../planned.ts';

const binary = toolboxTool('actionlint');

const shape = z.array(
  z.object({
    message: z.string(),
    filepath: z.string(),
    line: z.number(),
    column: z.number(),
    kind: z.string(),
  }),
);
type Said = z.infer<typeof shape>[number];

/** GitHub workflows, with actionlint's own settings (.github/actionlint.yaml). */
export const actionlint = repositoryTool({ name: 'actionlint', category: 'lint' }, (repo) => {
  const files = repo.files.filter((path) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(path));
  if (files.length === 0) return undefined;
  return {
    why: `.github/workflows has ${files.length === 1 ? 'a workflow' : `${files.length} workflows`}`,
    command: 'actionlint',
    needs: [binary],
    cost: { cores: 1, memory: 100 * 1024 * 1024, seconds: 1 },
    run: (context) => lint(context, files),
  };
});

async function lint(context: CheckContext, files: readonly string[]): Promise<CheckOutput> {
  const { path, version } = context.prepared(binary);
  // Without shellcheck and pyflakes: findings must not depend on the machine.
  const flags = ['-format', '{{json .}}', '-shellcheck=', '-pyflakes=', '-no-color'];
  const run = await context.spawn([path, ...flags, ...files], { quiet: true });
  const count = (said: readonly Said[]) => said.length;
  const answer = jsonAnswer(run, { name: 'actionlint', codes: [0, 1], findingsCode: 1, shape, count });
  if ('notRun' in answer) return answer.notRun;
  return {
    ran: true,
    findings: answer.said.map(findingOf),
    summary: filesSeen(files.length),
    ...(version === undefined ? {} : { version }),
  };
}

function findingOf({ message, filepath, line, column, kind }: Said): Finding {
  const untrusted = kind === 'expression' && message.includes('potentially untrusted');
  // GitHub adds runners and teams have their own labels: the list of an actionlint version is never complete.
  const aged = kind === 'runner-label';
  return {
    tool: 'actionlint',
    rule: untrusted ? 'untrusted-input' : kind,
    severity: untrusted ? 'high' : aged ? 'low' : 'medium',
    level: aged ? 'note' : 'fail',
    message: sentence(message),
    at: { file: filepath, line: Math.max(line, 1), column: Math.max(column, 1) },
    docs: 'https://github.com/rhysd/actionlint/blob/main/docs/checks.md',
  };
}
