import { z } from 'zod';
import { quoteWord } from '../../../kernel/quote.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import type { CheckContext } from '../../tool.ts';
import { toolboxTool } from '../../toolbox/toolbox.ts';
import { filesSeen, jsonAnswer, notRun, sentence } from '../answer.ts';
import { repositoryTool } from '../planned.ts';

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

/** Errors break builds or images. The rest is advice; Sluice's own rules cover its important part. */
const meanings = {
  error: { severity: 'high', level: 'fail' },
  warning: { severity: 'medium', level: 'note' },
  info: { severity: 'low', level: 'note' },
  style: { severity: 'info', level: 'note' },
  ignore: { severity: 'info', level: 'note' },
} as const;

/** Dockerfiles, with hadolint's own settings (.hadolint.yaml, `# hadolint ignore=`). */
export const hadolint = repositoryTool({ name: 'hadolint', category: 'lint' }, (repo) => {
  const files = repo.files.filter(isDockerfile);
  if (files.length === 0) return undefined;
  return {
    why: files.length === 1 ? `found ${files[0]}` : `${files.length} Dockerfiles, ${files[0]} first`,
    command: `hadolint ${files.map((file) => quoteWord(file.replace(/^-/, './-'))).join(' ')}`,
    needs: [binary],
    cost: { cores: 1, memory: 150 * 1024 * 1024, seconds: 1 },
    run: (context) => lint(context, files),
  };
});

/** Templates of Dockerfiles, and notes about them. */
const notYet = /\.(?:dockerignore|j2|jinja2?|tmpl|template|tpl|in|erb|md|txt|swp|orig|bak)$/;

export function isDockerfile(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return /^(?:(?:Dockerfile|Containerfile)(?:\..+)?|.+\.[Dd]ockerfile)$/.test(name) && !notYet.test(name);
}

async function lint(context: CheckContext, files: readonly string[]): Promise<CheckOutput> {
  const { path, version } = context.prepared(binary);
  // `./` instead of `--`, which hadolint does not support: no name may begin with a dash.
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
  // hadolint continues with its defaults then, and ignores the repository's settings.
  if (/Error parsing your config file/.test(run.stderr)) {
    return notRun(
      { stdout: '', stderr: run.stderr.replaceAll('\\n', '\n') },
      'hadolint cannot read its settings',
    );
  }
  return {
    ran: true,
    findings: answer.said.map((said) => findingOf(said, context.repo.read(plainPath(said.file)))),
    summary: filesSeen(files.length),
    ...(version === undefined ? {} : { version }),
  };
}

/** A parse error. hadolint supports fewer here-documents than BuildKit: it fails on `COPY --link <<name`. */
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
      ? 'hadolint cannot parse the here-documents of this file and did not check it. Sluice’s own rules did.'
      : sentence(message),
    at: { file: plainPath(file), line: Math.max(line, 1), column: Math.max(column, 1) },
    docs,
  };
}

function plainPath(file: string): string {
  return file.replace(/^\.\//, '');
}
