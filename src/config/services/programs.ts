import { splitWords } from '../compose/command-words.ts';
import type { ComposeService } from '../model.ts';
import type { SeenService } from './stores.ts';
import { imageKind } from './stores.ts';

/** The kind of program that a container runs, by its command, its image and its name. */

/** Entrypoint and command as one line; `sh -c "…"` gives what is in the quotes. */
export function commandLine(service: Pick<ComposeService, 'command' | 'entrypoint'>): string {
  // Whole scripts may be given; what a program is called is at their beginning.
  return [...words(service.entrypoint), ...words(service.command)]
    .join(' ')
    .replaceAll('$$', '$')
    .slice(0, 4096);
}

function words(value: unknown): readonly string[] {
  if (typeof value === 'string') return splitWords(value);
  return Array.isArray(value) ? value.map(String) : [];
}

export interface Program {
  readonly kind: 'scheduler' | 'worker' | 'migration';
  readonly what: string;
}

const patterns: readonly (readonly [Program['kind'], string, RegExp])[] = [
  ['scheduler', 'celery beat', /\bcelery\b.{0,200}(?:\sbeat\b|\sworker\b.{0,100}\s(?:-B|--beat)\b)/],
  [
    'scheduler',
    'a scheduler',
    /\b(?:rqscheduler|rq-scheduler|apscheduler|celery-beat|dramatiq-crontab|periodiq|clockwork)\b/,
  ],
  ['scheduler', 'cron', /(?:^|[\s/])(?:cron|crond|supercronic|ofelia|go-cron|yacron|anacron)(?:\s|$)/],
  [
    'scheduler',
    'a scheduler',
    /\b(?:schedule:(?:work|run)|schedule_tasks|run_?scheduler|scheduler\.(?:py|js|ts|rb)|-m\s+\S*\bscheduler)\b/,
  ],
  ['worker', 'a celery worker', /\bcelery\b.{0,300}\sworker\b/],
  [
    'worker',
    'a queue’s worker',
    /\b(?:rq\s+worker|rqworker|dramatiq|sidekiq|huey_consumer(?:\.py)?|run_huey|arq|taskiq\s+worker|procrastinate\s+worker|faktory|resque|good_job|solid_queue|rake\s+(?:\S+\s+){0,10}\w+:(?:work|run|start|listen|consume)|queue:(?:work|listen)|horizon|bullmq|messenger:consume|db_worker|qcluster|faust\b.{0,300}\bworker)\b/,
  ],
  [
    'migration',
    'a migration',
    /\b(?:alembic\s+(?:-\S+\s+){0,10}upgrade|manage\.py\s+migrate|flask\s+db\s+upgrade|aerich\s+upgrade|db:migrate|db:prepare|prisma\s+(?:migrate\s+deploy|db\s+push)|typeorm\b.{0,300}migration:run|knex\s+migrate|sequelize(?:-cli)?\s+db:migrate|drizzle-kit\s+(?:migrate|push)|artisan\s+migrate|doctrine:migrations:migrate|flyway\b.{0,300}\bmigrate|liquibase\b.{0,300}\bupdate|dbmate\s+(?:up|migrate)|goose\b.{0,300}\bup|migrate\s.{0,300}\bup|sqitch\s+deploy|atlas\s+migrate\s+apply|dotnet\s+ef\s+database\s+update)\b/,
  ],
];

/** A server that migrates before it starts (`alembic upgrade head && exec gunicorn …`) is a server. */
const server =
  /\b(?:uvicorn|gunicorn|hypercorn|granian|daphne|waitress|runserver|fastapi\s+run|puma|unicorn|thin|rails\s+s(?:erver)?|next\s+start|nuxt|node\s+(?!\S{0,300}\b(?:migrate|migrations?|seed)\.[cm]?[jt]s\b)\S+|php-fpm|frankenphp|octane:start|artisan\s+serve|apachectl|nginx|caddy\s+run|npm\s+(?:run\s+)?start|yarn\s+start|pnpm\s+start|java\s.{0,300}-jar|dotnet\s+\S{1,300}\.dll)\b/;

/** The kind of program that a command runs, if known. */
export function programKind(line: string): Program | undefined {
  for (const [kind, what, pattern] of patterns) {
    if (kind === 'migration' && server.test(line)) continue;
    if (pattern.test(line)) return { kind, what };
  }
  return undefined;
}

/** Images of programs that do one thing and end. */
const oneShotImages = new Set(
  'mc wp-cli flyway liquibase migrate dbmate wait-for-it dockerize aws-cli curl keycloak-config-cli'.split(
    ' ',
  ),
);

/** Programs that end by themselves, by the first word of a command. */
const ending = new Set(
  'true false echo printf mc mkdir chown chmod cp mv rm touch ln install test sleep curl wget psql mysql mysqladmin mongosh mongoimport pg_isready pg_restore redis-cli openssl kafka-topics kafka-topics.sh rabbitmqadmin aws flyway liquibase migrate dbmate createdb initdb wait-for-it wait-for-it.sh dockerize'.split(
    ' ',
  ),
);

/** `npm run seed`, `manage.py collectstatic`: tasks of frameworks that end. */
const task =
  /\b(?:(?:npm|yarn|pnpm|bun)\s+(?:run\s+)?(?:build|seed|db:\w+|migrat\w+|migration\w*|generate|setup|bootstrap)\b|manage\.py\s+(?:migrate|collectstatic|loaddata|createsuperuser|createcachetable|compilemessages|init\w*|setup\w*|load\w*|seed\w*|import\w*)\b|db:seed\b|prisma\s+(?:migrate|db)\b|artisan\s+(?:migrate|db:seed|key:generate|storage:link)\b|flask\s+db\b|rake\s+\S+|(?:node|tsx|ts-node|bun|python3?|ruby|php)\s+(?:-\S+\s+){0,10}\S{0,300}\b(?:migrate|migrations?|seed)\.(?:[cm]?[jt]s|py|rb|php)\b)/;

/**
 * Why a container of this service does its work and exits, as the end of a sentence.
 *
 * @returns undefined if it may keep running.
 */
export function endsBecause(name: string, service: SeenService): string | undefined {
  const line = commandLine(service);
  const script = /^(?:\/\w+)*\/?(?:ba|da|a)?sh\s+-\w*c\s+(.*)$/s.exec(line)?.[1] ?? line;
  if (server.test(script) || staysForEver(script)) return undefined;
  const program = programKind(script);
  if (program !== undefined && program.kind !== 'migration') return undefined;
  // The last command decides whether a script exits: `alembic upgrade head && python bot.py` is a bot.
  const last = lastCommand(script) ?? '';
  if (programKind(last)?.kind === 'migration') return 'it runs a migration and exits';
  const found = task.exec(last)?.[0];
  if (found !== undefined) return `\`${found.trim()}\` exits by itself`;
  const first = programOf(last);
  if (first !== undefined && ending.has(first))
    return program === undefined ? `\`${first}\` exits by itself` : 'it runs a migration and exits';
  const kind = imageKind(service) ?? '';
  if (isIdleShell(kind, line, service)) return `${kind} without a command exits at once`;
  if (oneShotImages.has(kind)) return `${kind} does its work and exits`;
  // `wordpress:cli`: a command line, which ends with its command, or without a terminal.
  const tag = /:(cli)(?:-[\w.-]+)?$/.exec(service.image ?? '')?.[1];
  // The command of a language image (`php:cli`) decides.
  if (tag !== undefined && (kind === 'wordpress' || line === ''))
    return `${kind}:${tag} is a command-line tool, which exits`;
  const word = nameParts(name).find((part) =>
    /^(?:init|initializer|setup|migrate|migrations?|migrator|seed|seeder|bootstrap|provision|createbuckets?|mkbucket|installer)$/.test(
      part,
    ),
  );
  return word === undefined ? undefined : `it is called ${word}, and nothing restarts it`;
}

/** Images of operating systems, whose own command is a shell: without a terminal it ends at once. */
const systems = new Set(
  'busybox alpine debian ubuntu centos fedora rockylinux almalinux amazonlinux archlinux'.split(' '),
);

function isIdleShell(kind: string, line: string, service: SeenService): boolean {
  if (service.build !== undefined || !systems.has(kind)) return false;
  const isHeld = service['tty'] === true || service['stdin_open'] === true;
  return !isHeld && /^(?:(?:\/usr)?(?:\/bin\/)?(?:ba|a|da)?sh)?$/.test(line);
}

/** Loops that wait for something end; those that go on do not, nor does what watches or follows. */
function staysForEver(script: string): boolean {
  return /\bwhile\s+(?:true|:|!\s*false|\[+\s*(?:1|true)\b|sleep)|\buntil\s+false\b|\bfor\s*\(\(\s*;;|\btail\s+-[fF]\b|\bsleep\s+infinity\b|\bexec\s+tini\b|\s--(?:watch|follow|daemon)\b/.test(
    script,
  );
}

/** The command that a script ends with: `a && b; c d` → `c d`. */
function lastCommand(script: string): string | undefined {
  return script
    .split(/&&|\|\||;|\n/)
    .map((text) => text.trim().replace(/^(?:exec|exit|then|do|else)\s+/, ''))
    .filter((text) => text !== '' && !/^(?:done|fi|esac|exit\b.*|\d+|#.*)$/.test(text))
    .at(-1);
}

function programOf(command: string): string | undefined {
  const word = command.split(/\s+/).find((part) => !/^\w+=/.test(part));
  return word?.split('/').at(-1);
}

/**
 * Whether a command runs a file of which its name says that it is a server or a worker, or no mere file of a runtime:
 * `node server.js` and `gunicorn app`, not `node report.js`.
 */
export function runsNamedServer(line: string): boolean {
  if (!server.test(line)) return false;
  const file = /\b(?:node|java|dotnet)\s.{0,150}?(?<![\w.-])([\w.-]{1,60})\.(?:[cm]?js|jar|dll)\b/.exec(
    line,
  )?.[1];
  return file === undefined || /(?:server|app|index|main|www|start|worker|bot|web|api)/i.test(file);
}

/** A service's name as its parts: `celery-beat` → celery, beat. */
export function nameParts(name: string): string[] {
  return name.toLowerCase().split(/[-_.]/);
}
