import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { counted } from '../../../kernel/figures.ts';
import { type PythonProject, pythonProjects } from '../../detect/python.ts';
import { pythonEnvironment } from '../../environments/python.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import { folderOf, type Repo } from '../../repo.ts';
import type { CheckContext, PlannedCheck, Tool } from '../../tool.ts';
import { badExit, notRun } from '../answer.ts';
import { postgresSign, readSquawk, squawkBinary, squawkFinding } from '../scan/squawk.ts';

/** An Alembic migration, as its file declares it. */
interface Revision {
  readonly file: string;
  readonly revision: string;
  /** Its predecessors: none for the first, several for a merge. */
  readonly after: readonly string[];
}

/** Lints the SQL that Alembic renders for new migrations. */
export const alembic: Tool = {
  name: 'squawk',
  category: 'lint',
  plan(repo, settings) {
    const postgres = postgresSign(repo);
    if (postgres === undefined) return [];
    const projects = pythonProjects(repo);
    return repo.files.flatMap((ini): PlannedCheck[] => {
      if (!/(?:^|\/)alembic\.ini$/.test(ini)) return [];
      const folder = folderOf(ini);
      const project = projectOf(folder, projects);
      if (project === undefined) return [];
      const environment = pythonEnvironment(project);
      return [
        {
          id: folder === '' ? 'squawk alembic' : `squawk alembic ${folder}`,
          tool: 'squawk',
          category: 'lint',
          folder,
          why: `found ${ini}, and ${postgres}`,
          command: 'alembic upgrade <previous>:<new> --sql | squawk',
          needs: [squawkBinary, environment],
          cost: { cores: 1, memory: 200 * 1024 * 1024, seconds: 3 },
          timeoutMs: settings.timeoutMs,
          run: (context) => lint(context, context.prepared(environment).python),
        },
      ];
    });
  },
};

function projectOf(folder: string, projects: readonly PythonProject[]): PythonProject | undefined {
  return projects
    .filter((project) => project.folder === '' || `${folder}/`.startsWith(`${project.folder}/`))
    .toSorted((a, b) => b.folder.length - a.folder.length)[0];
}

async function lint(context: CheckContext, python: string): Promise<CheckOutput> {
  const { path, version } = context.prepared(squawkBinary);
  const known = version === undefined ? {} : { version };
  const fresh = newRevisions(context.repo, [...(context.changed?.files.keys() ?? [])]);
  if (fresh.length === 0) {
    const summary = context.changed === undefined ? 'unknown change' : 'no new migration';
    return { ran: true, findings: [], summary, ...known };
  }
  const rendered = join(context.scratch, 'sql');
  await mkdir(rendered);
  const findings: Finding[] = [];
  for (const [index, one] of fresh.entries()) {
    const sql = await render(one, context, python);
    if (typeof sql !== 'string') return sql;
    const file = join(rendered, `${index}.sql`);
    await writeFile(file, sql);
    const answer = readSquawk(await context.spawn([path, '--reporter', 'json', file], { quiet: true }));
    if ('notRun' in answer) return answer.notRun;
    for (const found of answer.said) {
      const statement = statementAt(sql, found.line);
      findings.push(squawkFinding(found, { ...placeOf(one, context.repo), isNew: true, statement }));
    }
  }
  const summary = counted(fresh.length, 'new migration');
  return { ran: true, findings, summary, ...known };
}

function placeOf({ file }: Revision, repo: Repo): { file: string; line?: number } {
  const line = (repo.read(file) ?? '').split('\n').findIndex((text) => /^def upgrade\b/.test(text));
  return { file, ...(line < 0 ? {} : { line }) };
}

/** The SQL of this single migration, rendered without a database. */
async function render(one: Revision, context: CheckContext, python: string): Promise<string | CheckOutput> {
  const from = one.after.length === 1 ? one.after[0] : 'base';
  const range = one.after.length === 0 ? one.revision : `${from}:${one.revision}`;
  const run = await context.spawn([python, '-m', 'alembic', 'upgrade', range, '--sql'], {
    quiet: true,
    // Alembic does not connect, but many env.py files require an address.
    env: { DATABASE_URL: context.env['DATABASE_URL'] ?? 'postgresql://nobody@localhost/nothing' },
  });
  if (run.code === 0 && !run.truncated) return run.stdout;
  const fix = `Make \`alembic upgrade ${range} --sql\` in ${folderOf(one.file)} work without a database. Add variables it needs to checks.env of sluice.yml.`;
  return notRun(run, `alembic could not render ${one.file}: ${badExit('it', run.code)}`, fix);
}

/** Migrations among the changed files. A merge of two branches has no SQL. */
export function newRevisions(repo: Repo, changed: readonly string[]): Revision[] {
  return changed
    .filter((file) => /\/[^/]+\.py$/.test(file))
    .flatMap((file) => readRevision(file, repo.read(file) ?? '') ?? [])
    .filter(({ after }) => after.length < 2)
    .sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** @returns undefined if the file is not a migration. */
export function readRevision(file: string, text: string): Revision | undefined {
  const revision = /^revision(?:\s*:[^=\n]{1,200})?\s{0,20}=\s*['"]([\w.-]+)['"]/m.exec(text)?.[1];
  const after =
    /^down_revision(?:\s*:[^=\n]{1,200})?\s{0,20}=\s*(None|['"][\w.-]+['"]|[([][^()[\]]*[)\]])/m.exec(
      text,
    )?.[1];
  if (revision === undefined || after === undefined) return undefined;
  return { file, revision, after: [...after.matchAll(/['"]([\w.-]+)['"]/g)].map(([, name = '']) => name) };
}

/** The statement that a line (from 0) of rendered SQL belongs to. */
function statementAt(sql: string, line: number): string {
  const lines = sql.split('\n').slice(line, line + 5);
  const end = lines.findIndex((text) => /;\s*$/.test(text));
  return lines
    .slice(0, end < 0 ? 1 : end + 1)
    .join(' ')
    .trim();
}
