import { quoteWord } from '../../../kernel/quote.ts';
import type { ChangedLines } from '../../change/model.ts';
import type { CheckOutput } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext, Tool } from '../../tool.ts';
import { toolboxTool } from '../../toolbox/toolbox.ts';
import { readSquawk, squawkFinding } from './squawk-report.ts';

export const squawkBinary = toolboxTool('squawk');

/** SQL migrations for PostgreSQL: locks and rewrites that stop an application that is running. */
export const squawk: Tool = {
  name: 'squawk',
  category: 'lint',
  plan(repo, settings) {
    const files = repo.files.filter(isMigration);
    const postgres = files.length === 0 ? undefined : postgresSign(repo);
    if (postgres === undefined) return [];
    return [
      {
        id: 'squawk',
        tool: 'squawk',
        category: 'lint',
        folder: '',
        why: `${files.length === 1 ? files[0] : `${files.length} SQL migrations`}, and ${postgres}`,
        command: `squawk ${files.length > 3 ? `${quoteWord(files[0] ?? '')} …` : files.map(quoteWord).join(' ')}`,
        needs: [squawkBinary],
        cost: { cores: 1, memory: 100 * 1024 * 1024, seconds: 1 },
        timeoutMs: settings.timeoutMs,
        run: (context) => lint(context, files),
      },
    ];
  },
};

/** By the folders of usual tools, and by Flyway's names. */
export function isMigration(path: string): boolean {
  if (!path.endsWith('.sql') || /(?:^|[._-])(?:down|rollback|undo)\.sql$/i.test(path)) return false;
  return (
    /(?:^|\/)(?:migrations?|migrate)\//i.test(path) || /(?:^|\/)[VR](?:(?!__)[\w.])*__[^/]+\.sql$/.test(path)
  );
}

/** Squawk reads all SQL as PostgreSQL's; elsewhere it would raise false alarms. */
export function postgresSign(repo: Repo): string | undefined {
  const config = repo.files.find((path) => /(?:^|\/)\.squawk\.toml$/.test(path));
  if (config !== undefined) return `${config} is there`;
  const signs: readonly (readonly [RegExp, RegExp])[] = [
    [
      /(?:^|\/)(?:docker-)?compose[^/]*\.ya?ml$/,
      /image:\s*['"]?\S{0,300}(?:postgres|postgis|pgvector|timescale|supabase)/,
    ],
    [/(?:^|\/)(?:pyproject\.toml|(?:(?!requirements)[^/])*requirements[^/]*\.txt)$/, /\b(?:psycopg|asyncpg)/],
    [/(?:^|\/)package\.json$/, /"(?:pg|postgres|@prisma\/adapter-pg|pg-promise)":/],
  ];
  for (const [names, sign] of signs) {
    const found = repo.files.find((path) => names.test(path) && sign.test(repo.read(path) ?? ''));
    if (found !== undefined) return `${found} has PostgreSQL`;
  }
  return undefined;
}

async function lint(context: CheckContext, files: readonly string[]): Promise<CheckOutput> {
  const { path, version } = context.prepared(squawkBinary);
  const run = await context.spawn([path, '--reporter', 'json', ...files.map(asPattern)], { quiet: true });
  const answer = readSquawk(run);
  if ('notRun' in answer) return answer.notRun;
  return {
    ran: true,
    findings: answer.said.map((found) => {
      const isNew = inChange(context.changed, found.file, found.line + 1, (found.line_end ?? found.line) + 1);
      const endLine = found.line_end === undefined ? {} : { endLine: found.line_end };
      return squawkFinding(found, { file: found.file, line: found.line, ...endLine, isNew });
    }),
    summary: `${files.length} ${files.length === 1 ? 'migration' : 'migrations'}`,
    ...(version === undefined ? {} : { version }),
  };
}

/** It takes names for glob patterns: what means something in those stands for itself in brackets. */
function asPattern(file: string): string {
  return file.replace(/[[\]*?{}]/g, '[$&]');
}

/** Without a change to look at, everything there is counts as applied. */
function inChange(changed: ChangedLines | undefined, file: string, from: number, to: number): boolean {
  const lines = changed?.files.get(file);
  if (lines === undefined) return false;
  for (let line = from; line <= to; line += 1) if (lines.has(line)) return true;
  return false;
}
