import { nameOf, type Tree } from '../study/tree.ts';
import type { Sources } from './model.ts';
import type { StartText } from './start-texts.ts';

/** A migration that the app runs by itself, at each start of a container. */
export interface SelfMigration {
  /** `docker/entrypoint.sh:12`, `command of compose.yml` */
  readonly at: string;
  /** The line that does it, shortened. */
  readonly line: string;
}

/** Commands that migrate; scripts of a package manager match by their name. */
const migratesAtStart = new RegExp(
  [
    String.raw`\balembic\s+(?:\S+\s+){0,6}?upgrade\b`,
    String.raw`\bflask\s+(?:\S+\s+){0,6}?db\s+upgrade\b`,
    String.raw`\b(?:manage\.py|django-admin|manage|\bmanage\s)\s*\\?\s*["']?,?\s*["']?(?:migrate(?:_schemas)?|db\s+upgrade)\b`,
    String.raw`\baerich\s+upgrade\b`,
    String.raw`\bprisma\s+(?:migrate\s+deploy|db\s+push)\b`,
    String.raw`\bknex\s+(?:\S+\s+){0,6}?migrate:(?:latest|up)\b`,
    String.raw`\bsequelize(?:-cli)?\s+db:migrate\b`,
    String.raw`\bdrizzle-kit\s+(?:migrate|push)\b`,
    String.raw`\bmigration:run\b`,
    String.raw`\bmikro-orm\s+migration:up\b`,
    String.raw`\bdb:(?:migrate|prepare)\b`,
    String.raw`\bartisan\s+(?:\S+\s+)?migrate\b`,
    String.raw`\bdoctrine:(?:migrations:migrate|schema:update)\b`,
    String.raw`\bcake\s+migrations\s+migrate\b`,
    String.raw`\bphinx\s+migrate\b`,
    String.raw`\byii\s+migrate\b`,
    String.raw`\bspark\s+migrate\b`,
    String.raw`\bflyway\b[^\n]*\smigrate\b`,
    String.raw`\bliquibase\b[^\n]*\supdate\b`,
    String.raw`\bdbmate\b[^\n]*\s(?:up|migrate)\b`,
    String.raw`\bgoose\b[^\n]*\sup\b`,
    String.raw`\bmigrate\s+[^\n]*-(?:path|source|database)\b[^\n]*\sup\b`,
    String.raw`\bsqitch\s+deploy\b`,
    String.raw`\batlas\s+migrate\s+apply\b`,
    String.raw`\becto\.migrate\b|\bRelease\.migrate\b|\bbin/migrate\b`,
    String.raw`\bef\s+database\s+update\b|\befbundle\b`,
    String.raw`\bdiesel\s+migration\s+run\b|\bsqlx\s+migrate\s+run\b`,
    String.raw`\bnode-pg-migrate\s+up\b`,
    String.raw`\bmedusa\s+db:migrate\b`,
    String.raw`\bdirectus\s+(?:bootstrap|database\s+migrate:latest)\b`,
    String.raw`\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:[\w-]+:)?migrat(?:e|ions?)(?::[\w-]+)?(?=\s|$|&|;|")`,
    String.raw`\b(?:node|tsx|ts-node|python3?|php|ruby|bash|sh)\s+(?:-\S+\s+){0,6}\S{0,80}?migrat(?:e|ions?|or)[\w.-]*\.(?:[cm]?[jt]s|py|php|rb|sh)\b`,
  ].join('|'),
);

/** Settings that make a base image migrate: https://serversideup.net/open-source/docker-php/docs/framework-guides/laravel/automations */
const switches: readonly (readonly [RegExp, (value: string) => boolean])[] = [
  [/^AUTORUN_ENABLED$/, (value) => /^(?:true|1|yes)$/i.test(value)],
];

/** The migration in the container's own start, without the comments of scripts. */
export function migrationAtStart(
  texts: readonly StartText[],
  variables: Sources['variables'],
): SelfMigration | undefined {
  const callers = texts.map(({ text }) => text).join('\n');
  for (const { at, text, isFile } of texts) {
    const lines = (isFile ? withoutUncalled(text, callers) : text).split('\n');
    const index = lines.findIndex((line) => !/^\s*(?:#|;|\/\/)/.test(line) && migratesAtStart.test(line));
    const line = lines[index]?.trim();
    if (line !== undefined) return { at: isFile ? `${at}:${index + 1}` : at, line: shortened(line) };
  }
  for (const [name, value] of Object.entries(variables)) {
    if (switches.some(([pattern, isOn]) => pattern.test(name) && isOn(value ?? '')))
      return { at: 'its variables', line: `${name}=${value}` };
  }
  return undefined;
}

/**
 * Empties the uncalled functions of a script: task scripts have many, and a start calls a few. Line numbers do not change.
 *
 * @param callers texts that can name them, such as the command (`./run migrate`).
 */
function withoutUncalled(text: string, callers: string): string {
  const lines = text.split('\n');
  const bodies: { name: string; first: number; last: number }[] = [];
  for (let index = 0; index < lines.length; index++) {
    const [, name] =
      /^(?:function\s+)?([\w:.-]+)\s*\(\)\s*\{?\s*$|^function\s+([\w:.-]+)\s*\{\s*$/
        .exec(lines[index] ?? '')
        ?.filter((part) => part !== undefined) ?? [];
    const end = lines.findIndex((line, at) => at > index && /^\}/.test(line));
    if (name === undefined || end < 0) continue;
    bodies.push({ name, first: index, last: end });
    index = end;
  }
  const isIn = (at: number, { first, last }: (typeof bodies)[number]) => at >= first && at <= last;
  const kept = new Set<(typeof bodies)[number]>();
  const others = callers.replace(text, () => '');
  for (;;) {
    const alive = lines.filter((_, at) => !bodies.some((body) => isIn(at, body) && !kept.has(body)));
    const called = (name: string) => {
      const word = new RegExp(`(?<![\\w:.-])${name.replace(/[.]/g, '\\.')}(?![\\w:.-])`);
      return (
        word.test(others) ||
        alive.some(
          (line) => word.test(line) && !line.startsWith(`${name}(`) && !line.startsWith(`function ${name}`),
        )
      );
    };
    const found = bodies.find((body) => !kept.has(body) && called(body.name));
    if (found === undefined) break;
    kept.add(found);
  }
  return lines
    .map((line, at) => (bodies.some((body) => isIn(at, body) && !kept.has(body)) ? '' : line))
    .join('\n');
}

function shortened(line: string): string {
  const [found = line] = migratesAtStart.exec(line) ?? [];
  return found.trim().slice(0, 60);
}

/** Calls by which an app migrates from its own code, by the kind of the file. */
const inCode: readonly (readonly [files: RegExp, call: RegExp])[] = [
  [
    /\.py$/,
    /\bcommand\.upgrade\(\s*\w+|\bcall_command\(\s*["']migrate["']|^[ \t]*(?:flask_migrate\.)?upgrade\(\s*\)/m,
  ],
  [
    /\.[cm]?[jt]s$/,
    /\bmigrate\.latest\(|\brunMigrations\(|\bmigrationsRun:\s*true|\bgetMigrator\(\)\.up\(|\b(?:umzug|migrations|migrator)\.up\(|\bmigrateToLatest\(|^import \{ migrate \} from ["']drizzle-orm\//m,
  ],
  [
    /\.go$/,
    /\bgoose\.Up(?:Context)?\(|\bm(?:igrat\w*)?\.Up\(\)|\bmigrate\.New(?:With\w+)?\(|\bAutoMigrate\(|\bmigrate\.Exec\(/,
  ],
  [/\.rs$/, /\bsqlx::migrate!|\brun_pending_migrations\(|\bMigrator::up\(|\bembed_migrations!/],
  [/\.cs$/, /\.Database\.Migrate(?:Async)?\(/],
  [
    /(?:^|\/)application\.ex$/,
    /\{\s*Ecto\.Migrator\s*,|\bRelease(?:Tasks)?\.(?:\w*migrat\w*|init|setup)\(|^[ \t]+\w*migrat\w*\(\)\s*$/m,
  ],
  [/\.exs?$/, /\{\s*Ecto\.Migrator\s*,/],
];
/** Programs and scripts beside the app, which its start does not have to call. */
const beside =
  /(?:^|\/)(?:cmd\/\w*migrat\w*|scripts?|tools?|bin|tests?|__tests__|spec|e2e|examples?|docs?)\/|[._-](?:test|spec)s?\.|_test\.go$|(?:^|\/)test_/;
const beginning =
  /(?:^|\/)(?:main|app|server|index|__init__|wsgi|asgi|application|bootstrap|[\w-]+\.module)\.\w+$/;
const maxSources = 600;

/** An app that migrates from its own code, as Spring Boot, .NET and Go apps often do. */
export async function migrationInCode(
  sources: Pick<Sources, 'tree' | 'files'>,
): Promise<SelfMigration | undefined> {
  const { tree, files } = sources;
  const spring = await springBoot(tree, files);
  if (spring !== undefined) return spring;
  const wanted = files
    .filter((file) => !beside.test(file) && inCode.some(([kind]) => kind.test(file)))
    .slice(0, maxSources);
  for (const file of wanted) {
    const call = inCode.find(([kind]) => kind.test(file))?.[1];
    const text = await tree.read(file);
    if (call === undefined || text === undefined || !call.test(text)) continue;
    // A script can be run manually; a module of the app is imported by another, or is its entry point.
    if (/\.(?:py|[cm]?[jt]s)$/.test(file) && !beginning.test(file) && !(await isImported(tree, wanted, file)))
      continue;
    const line = text.split('\n').findIndex((candidate) => call.test(candidate));
    return {
      at: `${file}${line < 0 ? '' : `:${line + 1}`}`,
      line: (call.exec(text)?.[0] ?? '').trim().slice(0, 60),
    };
  }
  return undefined;
}

/** Flyway and Liquibase on the class path of Spring Boot run before the app serves. */
async function springBoot(tree: Tree, files: readonly string[]): Promise<SelfMigration | undefined> {
  for (const at of files.filter((file) => /(?:^|\/)(?:pom\.xml|build\.gradle(?:\.kts)?)$/.test(file))) {
    const text = (await tree.read(at)) ?? '';
    const [, tool] =
      /\b(flyway|liquibase)-(?:core|database-\w+)\b|spring-boot-starter-(?:flyway|liquibase)/.exec(text) ??
      [];
    const isSpring = /org\.springframework\.boot|spring-boot/.test(text);
    if (tool === undefined || !isSpring) continue;
    const settings = files.filter((file) =>
      /(?:^|\/)resources\/application(?:-prod\w*)?\.(?:properties|ya?ml)$/.test(file),
    );
    const texts = await Promise.all(settings.map(async (file) => (await tree.read(file)) ?? ''));
    const off = new RegExp(`spring\\.${tool}\\.enabled\\s*=\\s*false|${tool}:\\s*\\n\\s+enabled:\\s*false`);
    if (texts.some((candidate) => off.test(candidate))) continue;
    return { at, line: `Spring Boot with ${tool === 'flyway' ? 'Flyway' : 'Liquibase'}` };
  }
  return undefined;
}

async function isImported(tree: Tree, files: readonly string[], file: string): Promise<boolean> {
  const name = nameOf(file).replace(/\.\w+$/, '');
  const pattern = new RegExp(
    `(?:from|import|require)\\b[^\\n]*[./'"]${name.replace(/[.+]/g, '\\$&')}(?:\\.[cm]?js)?(?:["']|\\s|$)`,
    'm',
  );
  for (const other of files) {
    if (other !== file && pattern.test((await tree.read(other)) ?? '')) return true;
  }
  return false;
}
