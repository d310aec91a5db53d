import { z } from 'zod';
import { counted } from '../../../kernel/figures.ts';
import { quoteWord } from '../../../kernel/quote.ts';
import type { ChangedLines, CheckOutput, Finding } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext, ToolRun } from '../../tool.ts';
import { toolboxTool } from '../../toolbox/toolbox.ts';
import { type Answer, jsonAnswer, sentence } from '../answer.ts';
import { repositoryTool } from '../planned.ts';

export const squawkBinary = toolboxTool('squawk');

/** SQL migrations for PostgreSQL: locks and rewrites that block a running application. */
export const squawk = repositoryTool({ name: 'squawk', category: 'lint' }, (repo) => {
  const files = repo.files.filter(isMigration);
  const postgres = files.length === 0 ? undefined : postgresSign(repo);
  if (postgres === undefined) return undefined;
  return {
    why: `${files.length === 1 ? files[0] : `${files.length} SQL migrations`}, and ${postgres}`,
    command: `squawk ${files.length > 3 ? `${quoteWord(files[0] ?? '')} …` : files.map(quoteWord).join(' ')}`,
    needs: [squawkBinary],
    cost: { cores: 1, memory: 100 * 1024 * 1024, seconds: 1 },
    run: (context) => lint(context, files),
  };
});

/** By the usual folders of migration tools, and by Flyway's names. */
export function isMigration(path: string): boolean {
  if (!path.endsWith('.sql') || /(?:^|[._-])(?:down|rollback|undo)\.sql$/i.test(path)) return false;
  return (
    /(?:^|\/)(?:migrations?|migrate)\//i.test(path) || /(?:^|\/)[VR](?:(?!__)[\w.])*__[^/]+\.sql$/.test(path)
  );
}

/** Why the database is PostgreSQL. Squawk parses all SQL as PostgreSQL's and raises false alarms for others. */
export function postgresSign(repo: Repo): string | undefined {
  const config = repo.files.find((path) => /(?:^|\/)\.squawk\.toml$/.test(path));
  if (config !== undefined) return `found ${config}`;
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
    if (found !== undefined) return `${found} uses PostgreSQL`;
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
    summary: counted(files.length, 'migration'),
    ...(version === undefined ? {} : { version }),
  };
}

/** squawk treats names as glob patterns: brackets escape their special characters. */
function asPattern(file: string): string {
  return file.replace(/[[\]*?{}]/g, '[$&]');
}

/** If the change is unknown, all migrations count as applied. */
function inChange(changed: ChangedLines | undefined, file: string, from: number, to: number): boolean {
  const lines = changed?.files.get(file);
  if (lines === undefined) return false;
  for (let line = from; line <= to; line += 1) if (lines.has(line)) return true;
  return false;
}

const shape = z.array(
  z.object({
    file: z.string(),
    /** Counts from 0, as does the column. */
    line: z.number(),
    line_end: z.number().optional(),
    column: z.number(),
    message: z.string(),
    help: z.string().nullish(),
    rule_name: z.string(),
  }),
);
type SquawkFinding = z.infer<typeof shape>[number];

/** squawk exits with 1 for findings and for missing files; then it prints no JSON. */
export function readSquawk(run: ToolRun): Answer<SquawkFinding[]> {
  return jsonAnswer(run, {
    name: 'squawk',
    codes: [0, 1],
    findingsCode: 1,
    shape,
    count: (said) => said.length,
  });
}

/** Rules about style, and about settings that a deploy makes for all migrations (PGOPTIONS): they block no migration. */
const advice =
  /^prefer-|^require-(?:lock|statement)-timeout$|^require-timeout-settings$|^(?:ban-char-field|identifier-too-long|require-table-schema)$/;

/** The place of a finding of squawk in the repository. */
interface SqlPlace {
  readonly file: string;
  /** From 0; for rendered SQL the beginning of its migration. */
  readonly line?: number;
  readonly endLine?: number;
  /** Whether it is in the change: only new migrations can still be rewritten. */
  readonly isNew: boolean;
  /** The statement, for rendered SQL. */
  readonly statement?: string;
}

export function squawkFinding(found: SquawkFinding, place: SqlPlace): Finding {
  const rule = found.rule_name;
  const isAdvice = advice.test(rule);
  const unparsed = rule === 'syntax-error';
  const severity = isAdvice ? 'low' : unparsed ? 'medium' : 'high';
  // Newer syntax than squawk knows may be valid for PostgreSQL.
  const level = !place.isNew || isAdvice ? 'note' : unparsed ? 'review' : 'fail';
  const { file, line, endLine, statement } = place;
  return {
    tool: 'squawk',
    rule,
    severity,
    level,
    message: `${sentence(found.message)}${statement === undefined ? '' : ` In: ${sentence(statement).slice(0, 200)}`}`,
    at: {
      file,
      ...(line === undefined ? {} : { line: line + 1 }),
      ...(line === undefined || statement !== undefined ? {} : { column: found.column + 1 }),
    },
    ...(line !== undefined && endLine !== undefined && endLine > line ? { endLine: endLine + 1 } : {}),
    ...(found.help ? { fix: sentence(found.help) } : {}),
    docs: `https://squawkhq.com/docs/${rule}`,
    ...(statement === undefined ? {} : { subject: statement.replace(/\s+/g, ' ').slice(0, 200) }),
  };
}
