import { z } from 'zod';
import { quoteWord } from '../../../kernel/quote.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import type { CheckContext, PlannedCheck, Tool } from '../../tool.ts';
import { toolboxTool } from '../../toolbox/toolbox.ts';
import { filesSeen } from '../../verdict/seen.ts';
import { jsonAnswer, notRun, sentence } from '../answer.ts';

const binary = toolboxTool('hadolint');

const shape = z.array(
  z.object({
    code: z.string(),
    file: z.string(),
    line: z.number(),
    column: z.number(),
    level: z.enum(['error', 'warning', 'info', 'style', 'ignore']),
    message: z.string(),
  }),
);
type Said = z.infer<typeof shape>[number];

/** Errors break builds or images. The rest is advice, which asks nobody to stop: our own rules cover what matters of it. */
const meanings = {
  error: { severity: 'high', level: 'fail' },
  warning: { severity: 'medium', level: 'note' },
  info: { severity: 'low', level: 'note' },
  style: { severity: 'info', level: 'note' },
  ignore: { severity: 'info', level: 'note' },
} as const;

/** Dockerfiles, by hadolint's own settings (.hadolint.yaml, `# hadolint ignore=`). */
export const hadolint: Tool = {
  name: 'hadolint',
  category: 'lint',
  plan(repo, settings) {
    const files = repo.files.filter(isDockerfile);
    if (files.length === 0) return [];
    const check: PlannedCheck = {
      id: 'hadolint',
      tool: 'hadolint',
      category: 'lint',
      folder: '',
      why: files.length === 1 ? `${files[0]} is there` : `${files.length} Dockerfiles, ${files[0]} first`,
      command: `hadolint ${files.map((file) => quoteWord(file.replace(/^-/, './-'))).join(' ')}`,
      needs: [binary],
      cost: { cores: 1, memory: 150 * 1024 * 1024, seconds: 1 },
      timeoutMs: settings.timeoutMs,
      run: (context) => lint(context, files),
    };
    return [check];
  },
};

/** Templates of Dockerfiles are none yet. */
const notYet = /\.(?:dockerignore|j2|jinja2?|tmpl|template|tpl|in|erb|md|txt|swp|orig|bak)$/;

export function isDockerfile(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return /^(?:(?:Dockerfile|Containerfile)(?:\..+)?|.+\.[Dd]ockerfile)$/.test(name) && !notYet.test(name);
}

async function lint(context: CheckContext, files: readonly string[]): Promise<CheckOutput> {
  const { path, version } = context.prepared(binary);
  // Not by `--`, which it does not take for all: a name can't begin with a dash then.
  const names = files.map((file) => `./${file}`);
  const run = await context.spawn([path, '-f', 'json', ...names], { quiet: true });
  const answer = jsonAnswer(run, {
    name: 'hadolint',
    codes: [0, 1],
    findingsCode: 1,
    shape,
    count: (said) => said.length,
  });
  if ('notRun' in answer) return answer.notRun;
  // It goes on with its defaults then, and what the repository wants is lost.
  if (/Error parsing your config file/.test(run.stderr)) {
    return notRun(
      { stdout: '', stderr: run.stderr.replaceAll('\\n', '\n') },
      'hadolint can’t read its settings',
    );
  }
  return {
    ran: true,
    findings: answer.said.map((said) => findingOf(said, context.repo.read(plainPath(said.file)))),
    summary: filesSeen(files.length),
    ...(version === undefined ? {} : { version }),
  };
}

/** It can't parse the file from there on. It knows fewer here-documents than BuildKit does: `COPY --link <<name` ends it. */
const unparsable = 'DL1000';

function findingOf(said: Said, text: string | undefined): Finding {
  const { code, file, line, column, level, message } = said;
  const beyondIt = code === unparsable && /<<-?["']?\w/.test(text ?? '');
  const docs = code.startsWith('SC')
    ? `https://www.shellcheck.net/wiki/${code}`
    : `https://github.com/hadolint/hadolint/wiki/${code}`;
  return {
    tool: 'hadolint',
    rule: code,
    ...meanings[beyondIt ? 'info' : level],
    message: beyondIt
      ? 'hadolint can’t read the here-documents of this file, and has not looked at it; our own rules have.'
      : sentence(message),
    at: { file: plainPath(file), line: Math.max(line, 1), column: Math.max(column, 1) },
    docs,
  };
}

function plainPath(file: string): string {
  return file.replace(/^\.\//, '');
}
