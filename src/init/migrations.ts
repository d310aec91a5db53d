import { folderOf, isIn, nameOf, type Tree } from './tree.ts';

/** A way to bring the database up to date that the repository has. */
export interface MigrationTool {
  readonly tool: string;
  /** The file that tells. */
  readonly at: string;
  /** What to run in the folder of `at`. */
  readonly command: string;
}

const tools: readonly (readonly [string, RegExp, string])[] = [
  ['Alembic', /(?:^|\/)alembic\.ini$/, 'alembic upgrade head'],
  ['Django', /(?:^|\/)manage\.py$/, 'python manage.py migrate --noinput'],
  ['Prisma', /(?:^|\/)prisma\/schema\.prisma$/, 'npx prisma migrate deploy'],
  ['Knex', /(?:^|\/)knexfile\.[cm]?[jt]s$/, 'npx knex migrate:latest'],
  ['Sequelize', /(?:^|\/)\.sequelizerc$/, 'npx sequelize-cli db:migrate'],
  ['Drizzle', /(?:^|\/)drizzle\.config\.[cm]?[jt]s$/, 'npx drizzle-kit migrate'],
  ['Rails', /(?:^|\/)db\/migrate\/\d+_\w+\.rb$/, 'bin/rails db:migrate'],
  ['Laravel', /(?:^|\/)artisan$/, 'php artisan migrate --force'],
];

/** Migration tools in a folder, the one nearest to its top first. */
export async function findMigrations(tree: Tree, folder: string): Promise<MigrationTool[]> {
  const files = tree.files.filter((file) => isIn(file, folder));
  const found = tools.flatMap(([tool, pattern, command]): MigrationTool[] => {
    const at = files.filter((file) => pattern.test(file)).sort(byDepth)[0];
    return at === undefined ? [] : [{ tool, at, command }];
  });
  const real: MigrationTool[] = [];
  for (const each of found) if (await isReal(tree, each)) real.push(each);
  return real.sort((a, b) => byDepth(a.at, b.at));
}

/** Where the tool has to be run: the folder that its file names. */
export function runsIn({ at, tool }: MigrationTool): string {
  const folder = folderOf(at);
  if (tool === 'Prisma') return folderOf(folder);
  return tool === 'Rails' ? folderOf(folderOf(folder)) : folder;
}

/** Other frameworks have a manage.py, too. */
async function isReal(tree: Tree, { at, tool }: MigrationTool): Promise<boolean> {
  if (nameOf(at) !== 'manage.py') return true;
  return tool === 'Django' && /\bdjango\b/i.test((await tree.read(at)) ?? '');
}

function byDepth(a: string, b: string): number {
  return a.split('/').length - b.split('/').length || (a < b ? -1 : 1);
}

/** Commands that migrate whenever a container starts. */
export const migratesAtStart =
  /\b(?:alembic\s+(?:-\S+\s+)*upgrade|manage\.py\s+migrate|prisma\s+migrate\s+deploy|knex\s+migrate|sequelize(?:-cli)?\s+db:migrate|drizzle-kit\s+migrate|db:(?:migrate|prepare)|artisan\s+migrate)\b/;
