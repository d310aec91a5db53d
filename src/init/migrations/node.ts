import { posix } from 'node:path';
import { folderOf, isIn } from '../study/tree.ts';
import type { Draft, MigrationRule, Sources } from './model.ts';
import { type Packages, packagesAt } from './packages.ts';

/** Tools of Node. Their programs are packages, so whether the image keeps those packages decides. */
export const nodeRules: readonly MigrationRule[] = [
  { marker: /(?:^|\/)(?:schema\.prisma|prisma\/schema\/[^/]+\.prisma)$/, draft: prisma },
  byConfig(/(?:^|\/)knexfile\.[cm]?[jt]s$/, 'Knex', 'knex', 'knex migrate:latest'),
  byConfig(/(?:^|\/)\.sequelizerc$/, 'Sequelize', 'sequelize-cli', 'sequelize-cli db:migrate'),
  byConfig(/(?:^|\/)drizzle\.config\.[cm]?[jt]s$/, 'Drizzle', 'drizzle-kit', 'drizzle-kit migrate'),
  byConfig(/(?:^|\/)mikro-orm\.config\.[cm]?[jt]s$/, 'MikroORM', '@mikro-orm/cli', 'mikro-orm migration:up'),
  { marker: /(?:^|\/)(?:adonisrc\.ts|\.adonisrc\.json)$/, draft: adonis },
  byConfig(/(?:^|\/)medusa-config\.[jt]s$/, 'Medusa', '@medusajs/cli', 'medusa db:migrate'),
  { marker: /(?:^|\/)package\.json$/, draft: byPackage },
];

async function prisma(sources: Sources, at: string): Promise<Draft | undefined> {
  const schema = /\/schema\/[^/]+\.prisma$/.test(at) ? folderOf(at) : at;
  const folder = folderOf(schema);
  const text = (await sources.tree.read(at)) ?? '';
  // Only `db push` knows MongoDB: https://www.prisma.io/docs/orm/overview/databases/mongodb
  if (/provider\s*=\s*"mongodb"/.test(text)) return undefined;
  const inPrisma = folder === 'prisma' || folder.endsWith('/prisma');
  const home = inPrisma ? folderOf(folder) : folder;
  const packages = await packagesAt(sources, home);
  const root = packages === undefined ? home : folderOf(packages.at);
  const isUsual = inPrisma && root === home;
  const option = isUsual ? '' : ` --schema ${posix.relative(root, schema)}`;
  const migrations = sources.files.find((file) =>
    isIn(file, `${folder === '' ? '' : `${folder}/`}migrations`.replace(/^\//, '')),
  );
  const line = `prisma migrate deploy${option}`;
  return {
    tool: 'Prisma',
    at,
    home: root,
    needs: migrations === undefined ? [] : [migrations],
    command: packages?.program(line) ?? `npx ${line}`,
    gap:
      packages?.lack('prisma') ??
      (migrations === undefined
        ? `${folder === '' ? 'The schema' : folder} has no migrations folder: create one with \`prisma migrate dev\`, or use \`prisma db push\`.`
        : undefined),
  };
}

/** A tool that runs in the folder of its configuration file, by the program of a package. */
function byConfig(marker: RegExp, tool: string, name: string, line: string): MigrationRule {
  const draft = async (sources: Sources, at: string): Promise<Draft> => {
    const home = folderOf(at);
    const packages = await packagesAt(sources, home);
    const gap = packages?.lack(name) ?? typeScriptGap(at, packages);
    return { tool, at, home, command: packages?.program(line) ?? `npx ${line}`, gap };
  };
  return { marker, draft };
}

/** drizzle-kit and MikroORM include a TypeScript loader; Knex needs one. */
function typeScriptGap(at: string, packages: Packages | undefined): string | undefined {
  if (!/knexfile\.[cm]?ts$/.test(at)) return undefined;
  const loaders = ['tsx', 'ts-node', '@swc-node/register', 'esbuild-register'];
  return loaders.some((name) => packages?.has(name) === true && packages.lack(name) === undefined)
    ? undefined
    : `${at} is TypeScript, but the image has no loader for it, such as tsx.`;
}

/** The build has an ace.js at its top: https://docs.adonisjs.com/guides/getting-started/deployment */
async function adonis(sources: Sources, at: string): Promise<Draft | undefined> {
  const home = folderOf(at);
  const hasMigrations = sources.files.some((file) => isIn(file, posix.join(home, 'database/migrations')));
  if (!hasMigrations) return undefined;
  return { tool: 'AdonisJS', at, home, command: 'node ace migration:run --force', isBuilt: true };
}

/** Tools without a configuration file: TypeORM, node-pg-migrate, Sequelize by its usual folders. */
async function byPackage(sources: Sources, at: string): Promise<Draft | undefined> {
  const home = folderOf(at);
  const packages = await packagesAt(sources, home);
  if (packages === undefined || packages.at !== at) return undefined;
  const under = (folder: string) => sources.files.some((file) => isIn(file, posix.join(home, folder)));
  if (packages.has('typeorm')) return typeOrm(sources, at, packages.scripts);
  const draft = (tool: string, name: string, line: string): Draft => ({
    tool,
    at,
    home,
    command: packages.program(line),
    gap: packages.lack(name),
  });
  if (packages.has('node-pg-migrate') && under('migrations'))
    return draft('node-pg-migrate', 'node-pg-migrate', 'node-pg-migrate up');
  if (packages.has('sequelize-cli') && under('migrations') && under('models'))
    return draft('Sequelize', 'sequelize-cli', 'sequelize-cli db:migrate');
  return undefined;
}

async function typeOrm(
  sources: Sources,
  at: string,
  scripts: Readonly<Record<string, string>>,
): Promise<Draft | undefined> {
  const home = folderOf(at);
  const own = sources.files.filter((file) => isIn(file, home));
  const source = own.find((file) =>
    /(?:^|\/)(?:data-?source|ormconfig|typeorm\.config|typeorm)\.[jt]s$/i.test(file),
  );
  const hasMigrations = own.some((file) => /(?:^|\/)migrations?\/\d{10,}[^/]*\.[jt]s$/.test(file));
  if (!hasMigrations) return undefined;
  const packages = await packagesAt(sources, home);
  const [script, text = ''] =
    Object.entries(scripts).find(([, line]) => /\bmigration:run\b/.test(line)) ?? [];
  const isForSources = /\b(?:ts-node|tsx|typeorm-ts-node|src\/)/.test(text) || /\bbuild\b/.test(text);
  if (script !== undefined && packages !== undefined && !isForSources)
    return { tool: 'TypeORM', at, home, command: packages.run(script), gap: packages.lack('typeorm') };
  const built =
    source === undefined
      ? undefined
      : posix
          .relative(home, source)
          .replace(/^src\//, 'dist/')
          .replace(/\.ts$/, '.js');
  const line = `typeorm migration:run -d ${built ?? 'dist/data-source.js'}`;
  return {
    tool: 'TypeORM',
    at,
    home,
    command: packages?.program(line) ?? `npx ${line}`,
    gap: packages?.lack('typeorm') ?? 'Check the path of the compiled data source after -d.',
  };
}
