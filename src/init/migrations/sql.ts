import { posix } from 'node:path';
import { folderOf, isIn, nameOf } from '../study/tree.ts';
import type { Draft, MigrationRule, Sources } from './model.ts';

/** Separate programs that run SQL files: the image must contain the program. */
export const sqlRules: readonly MigrationRule[] = [
  { marker: /(?:^|\/)\d+_[\w.-]+\.up\.sql$/, draft: golangMigrate },
  { marker: /(?:^|\/)[\w-]*migrations?\/(?:\w+\/)?\d{3,}[\w.-]*\.sql$/, draft: byContent },
  { marker: /(?:^|\/)(?:flyway\.conf|flyway\.toml|conf\/flyway\.conf)$/, draft: flyway },
  { marker: /(?:^|\/)liquibase\.properties$/, draft: liquibase },
  { marker: /(?:^|\/)sqitch\.plan$/, draft: sqitch },
  { marker: /(?:^|\/)(?:atlas\.hcl|atlas\.sum)$/, draft: atlas },
];

const urlName = /^(?:(?:\w+_)?(?:DATABASE|DB|POSTGRES(?:QL)?|PG|MYSQL|PSQL)_?(?:URL|URI|DSN)|(?:\w+_)?DSN)$/;

/** `"$DATABASE_URL"`: the shell in the container expands it. */
function databaseUrl({ variables }: Sources): string | undefined {
  const names = Object.keys(variables).filter((name) => urlName.test(name));
  const name = names.find((candidate) => candidate === 'DATABASE_URL') ?? names[0];
  return name === undefined ? undefined : `"$${name}"`;
}

const noUrl = 'No variable of the service holds the database URL: use the name of one that does.';

/** @param also other names of the program where the image installs it. */
function lack(
  { runs, copied, from = '', start }: Sources,
  name: string,
  also: RegExp = /$^/,
): string | undefined {
  const word = new RegExp(`(?<![\\w-])${name}(?![\\w-])`);
  const isThere =
    runs.some(({ text }) =>
      text
        .split(/&&|[;\n|]/)
        .some(
          (line) =>
            /\b(?:install|add|curl|wget|get|ADD|mv|cp|build)\b/.test(line) &&
            (word.test(line) || also.test(line)),
        ),
    ) ||
    copied.some((source) => nameOf(source) === name || also.test(source)) ||
    new RegExp(`(?:^|/)${name}(?::|@|$)`).test(from) ||
    new RegExp(`(?<![\\w/-])${name}\\s`).test(start);
  return isThere
    ? undefined
    : `The image does not contain ${name}: install it in the Dockerfile, or run it in a separate one-off service.`;
}

function withUrl(sources: Sources, gap: string | undefined): { url: string; gap: string | undefined } {
  const url = databaseUrl(sources);
  return { url: url ?? '"$DATABASE_URL"', gap: gap ?? (url === undefined ? noUrl : undefined) };
}

async function golangMigrate(sources: Sources, at: string): Promise<Draft | undefined> {
  const folder = folderOf(at);
  // SQLx has the same names: https://docs.rs/sqlx-cli
  if (sources.files.some((file) => nameOf(file) === 'Cargo.toml')) return sqlx(sources, at);
  const home = folderOf(folder);
  const { url, gap } = withUrl(sources, lack(sources, 'migrate', /golang-migrate|migrate\/migrate/));
  const command = `migrate -path ${nameOf(folder) || '.'} -database ${url} up`;
  return { tool: 'golang-migrate', at, home, command, gap };
}

async function sqlx(sources: Sources, at: string): Promise<Draft | undefined> {
  const folder = folderOf(at);
  const home = folderOf(folder);
  return {
    tool: 'SQLx',
    at,
    home,
    command: `sqlx migrate run --source ${nameOf(folder)}`,
    gap: lack(sources, 'sqlx', /sqlx-cli/),
  };
}

/** dbmate and goose mark their files: https://github.com/amacneil/dbmate, https://github.com/pressly/goose */
async function byContent(sources: Sources, at: string): Promise<Draft | undefined> {
  const text = (await sources.tree.read(at)) ?? '';
  const folder = folderOf(at);
  if (/^--\s*migrate:up\b/m.test(text)) {
    const isUsual = folder.endsWith('db/migrations');
    const home = isUsual ? folderOf(folderOf(folder)) : folderOf(folder);
    const option = isUsual ? '' : ` --migrations-dir ${nameOf(folder)}`;
    const url = databaseUrl(sources);
    // dbmate reads DATABASE_URL by default.
    const env = url === undefined || url === '"$DATABASE_URL"' ? '' : ` --env ${url.slice(2, -1)}`;
    const gap = lack(sources, 'dbmate') ?? (url === undefined ? noUrl : undefined);
    return { tool: 'dbmate', at, home, command: `dbmate${env}${option} --no-dump-schema up`, gap };
  }
  if (/^--\s*\+goose Up\b/im.test(text)) {
    const { url, gap } = withUrl(sources, lack(sources, 'goose', /pressly\/goose/));
    const isByVariables = Object.hasOwn(sources.variables, 'GOOSE_DRIVER');
    const target = isByVariables ? '' : ` postgres ${url}`;
    return {
      tool: 'goose',
      at,
      home: folderOf(folder),
      command: `goose -dir ${nameOf(folder)}${target} up`,
      gap: isByVariables ? lack(sources, 'goose', /pressly\/goose/) : gap,
    };
  }
  return undefined;
}

async function flyway(sources: Sources, at: string): Promise<Draft | undefined> {
  const folder = folderOf(at);
  const home = nameOf(folder) === 'conf' ? folderOf(folder) : folder;
  return { tool: 'Flyway', at, home, command: 'flyway migrate', gap: lack(sources, 'flyway') };
}

async function liquibase(sources: Sources, at: string): Promise<Draft | undefined> {
  return {
    tool: 'Liquibase',
    at,
    home: folderOf(at),
    command: 'liquibase update',
    gap: lack(sources, 'liquibase'),
  };
}

async function sqitch(sources: Sources, at: string): Promise<Draft | undefined> {
  const home = folderOf(at);
  const config = (await sources.tree.read(posix.join(home, 'sqitch.conf'))) ?? '';
  const isNamed = /^[ \t]*target\s*=/m.test(config);
  const { url, gap } = withUrl(sources, lack(sources, 'sqitch'));
  return isNamed
    ? { tool: 'Sqitch', at, home, command: 'sqitch deploy --verify', gap: lack(sources, 'sqitch') }
    : {
        tool: 'Sqitch',
        at,
        home,
        command: `sqitch deploy --verify ${url}`,
        gap: gap ?? 'Sqitch takes URLs such as db:pg://user:password@host/name: check the variable.',
      };
}

async function atlas(sources: Sources, at: string): Promise<Draft | undefined> {
  const gap = lack(sources, 'atlas', /ariga(?:\.io|\/atlas)|atlasgo/);
  const home = folderOf(at);
  if (nameOf(at) === 'atlas.sum') {
    const isBeside = sources.files.some((file) => isIn(file, folderOf(home)) && nameOf(file) === 'atlas.hcl');
    if (isBeside) return undefined;
    const { url, gap: fault } = withUrl(sources, gap);
    const command = `atlas migrate apply --dir file://${nameOf(home)} --url ${url}`;
    return { tool: 'Atlas', at, home: folderOf(home), command, gap: fault };
  }
  const text = (await sources.tree.read(at)) ?? '';
  const envs = [...text.matchAll(/^[ \t]*env\s+"([^"]+)"/gm)].map(([, name = '']) => name);
  const [only] = envs;
  const name = envs.find((env) => /^prod/.test(env)) ?? only;
  const isClear = name !== undefined && (envs.length === 1 || /^prod/.test(name));
  return {
    tool: 'Atlas',
    at,
    home,
    command: `atlas migrate apply --env ${name ?? 'NAME'}`,
    gap:
      gap ??
      (isClear
        ? undefined
        : `${at} has ${envs.length === 0 ? 'no env' : `the envs ${envs.join(', ')}`}: use the one for production.`),
  };
}
