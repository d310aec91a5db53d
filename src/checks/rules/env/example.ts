import { assignmentsOf } from '../../../config/dockerfile/parse.ts';
import { imageRole } from '../../../config/services/stores.ts';
import type { App } from '../app.ts';
import { references } from '../compose/variables.ts';
import type { Hit, Rule } from '../rule.ts';
import { documentedIn } from './example-files.ts';
import { valueFiles } from './files.ts';
import { envUses, wordsOf } from './uses.ts';

/** Variables that the machine, the engine, the CI and tools set. */
const given =
  /^(?:PATH|HOME|USER|PWD|SHELL|HOSTNAME|TERM|TZ|LANG|LC_\w+|TMPDIR|UID|GID|PORT|HOST|CI|NODE_ENV|NO_COLOR|FORCE_COLOR|MODE|DEV|PROD|SSR|BASE_URL|PUBLIC_URL|PIDFILE|PYTHON\w*|VIRTUAL_ENV|DJANGO_SETTINGS_MODULE|FLASK_APP|RAILS_ENV|RACK_ENV|APP_ENV|GITHUB_\w+|RUNNER_\w+|GITLAB_\w+|CI_\w+|COMPOSE_\w+|DOCKER_\w+|BUILDKIT_\w+|npm_\w+|NODE_OPTIONS|HTTPS?_PROXY|NO_PROXY|https?_proxy|no_proxy|PYTEST_\w+|VITEST\w*|JEST_\w+|KUBERNETES_\w+|VERCEL\w*|NEXT_RUNTIME|NUXT_\w+|MIX_\w+|PROCESSOR_\w+|APPDATA|LOCALAPPDATA|XDG_\w+)$/;
/** Variables that images and libraries read when a service gets the whole file. */
const readByOthers =
  /^(?:POSTGRES|PG|MYSQL|MARIADB|MONGO|RABBITMQ|REDIS|MINIO|GF|KEYCLOAK|KC|AWS|SENTRY|OTEL|DD|NEW_RELIC|GUNICORN|UVICORN|CELERY|FLOWER|FLASK|DJANGO|NODE|NEXT|NUXT|VITE|PGADMIN|ELASTIC|MEILI|TRAEFIK|CADDY|ACME|LETSENCRYPT|VIRTUAL|WEB_CONCURRENCY|MALLOC|PYTHON|TZ|PUID|PGID|SLUICE)(?:_|$)/;

export const undocumented: Rule<App> = {
  id: 'env/undocumented',
  severity: 'medium',
  level: 'fail',
  title: '.env.example contains every variable that the app needs.',
  why: 'People copy that file to set up a server. A variable that is missing there is missing in production, until the first request that needs it fails.',
  fix: 'Add it to .env.example, with a value that works or a placeholder.',
  source: { name: 'The Twelve-Factor App: config', url: 'https://12factor.net/config' },
  example: {
    file: '.env.example',
    beside: { 'app.py': 'import os\nkey = os.environ["SECRET_KEY"]\nhost = os.environ["DB_HOST"]\n' },
    bad: 'DB_HOST=db\n',
    good: 'DB_HOST=db\nSECRET_KEY=CHANGE_ME\n',
  },
  check: (app) => {
    if (app.example === undefined) return [];
    const known = documented(app);
    const set = namesThatAreSet(app);
    const uses = envUses(app.repo);
    // A default or a check for presence in one place makes it optional elsewhere, unless a place requires it.
    const provided = new Set(uses.filter(({ need }) => need === 'optional').map(({ name }) => name));
    const hits = new Map<string, Hit>();
    for (const { name, file, line, optional } of composeUses(app)) {
      if (optional || known.has(name) || given.test(name) || hits.has(name)) continue;
      const message = `${name} is required here but missing in ${app.example.path}.`;
      hits.set(name, { file, line, message, subject: name });
    }
    for (const { name, need, file, line } of uses) {
      if (need === 'optional' || (need === 'open' && provided.has(name))) continue;
      if (need === 'open' && isOffered(file)) continue;
      if (known.has(name) || set.has(name) || given.test(name) || hits.has(name)) continue;
      const message = `${name} is read here but missing in ${app.example.path}.`;
      const weight = need === 'open' ? ({ severity: 'low', level: 'note' } as const) : {};
      hits.set(name, { file, line, message, subject: name, ...weight });
    }
    return shortened([...hits.values()], app.example.path);
  },
};

/** More notes of one kind than this become a single one. */
const maxNotes = 10;

function shortened(hits: readonly Hit[], example: string): Hit[] {
  const notes = hits.filter(({ level }) => level === 'note');
  const [first] = notes;
  if (first === undefined || notes.length <= maxNotes) return [...hits];
  const names = notes.map(({ subject }) => subject ?? '').sort();
  const message = `${names.length} variables without a default are missing in ${example}: ${names.slice(0, 8).join(', ')} and ${names.length - 8} more.`;
  const { subject: _subject, ...rest } = first;
  return [...hits.filter((hit) => !notes.includes(hit)), { ...rest, message }];
}

/** Variables of all examples: each part of a monorepo may have its own. */
function documented({ repo, examples }: App): ReadonlySet<string> {
  return new Set(
    examples.flatMap(({ path, entries }) => [
      ...entries.map(({ name }) => name),
      ...documentedIn(repo.read(path) ?? ''),
    ]),
  );
}

/**
 * Laravel's own files in `config/` read dozens of variables for drivers that an app may or may not use; without a value they
 * are null. Source: https://laravel.com/docs/configuration#environment-configuration
 */
function isOffered(file: string): boolean {
  return /(?:^|\/)config\/[\w-]+\.php$/i.test(file);
}

export const unused: Rule<App> = {
  id: 'env/unused',
  severity: 'low',
  level: 'note',
  title: 'Every variable of .env.example is used.',
  why: 'People set it on each server and expect an effect, which costs time when there is none.',
  fix: 'Remove it, or correct its name.',
  source: { name: 'The Twelve-Factor App: config', url: 'https://12factor.net/config' },
  example: {
    file: '.env.example',
    beside: { 'app.py': 'import os\nhost = os.environ["DB_HOST"]\n' },
    bad: 'DB_HOST=db\nDB_HSOT=db\n',
    good: 'DB_HOST=db\n',
  },
  check: (app) => {
    if (app.example === undefined) return [];
    const words = new Set(wordsOf(app.repo));
    const prefixes = [...words].filter((word) => word.endsWith('*')).map((word) => word.slice(0, -1));
    const isUsed = (name: string) =>
      words.has(name) ||
      prefixes.some((prefix) => name.startsWith(prefix) && words.has(name.slice(prefix.length)));
    const passing = app.services.filter(({ name }) => app.project?.raw(name)['env_file'] !== undefined);
    // No code and no compose file: the example is for something else.
    if (app.project === undefined && envUses(app.repo).length === 0) return [];
    // An image with its source elsewhere gets the whole file: the variables it reads are unknown here.
    if (passing.some(({ isOwn, service }) => !isOwn && imageRole(service) === undefined)) return [];
    const passesAll = passing.length > 0;
    const { path, entries } = app.example;
    // DATABASE_URL=postgres://${DB_USER}@db: one line of the file uses another.
    for (const { value } of entries) for (const { name } of references(value)) words.add(name.toUpperCase());
    return entries
      .filter(
        ({ name }) =>
          !isUsed(name.toUpperCase()) && !given.test(name) && !(passesAll && readByOthers.test(name)),
      )
      .map(({ name, line }) => ({ file: path, line, message: `${name} is not used.`, subject: name }));
  },
};

export const noExample: Rule<App> = {
  id: 'env/no-example',
  severity: 'low',
  level: 'note',
  title: 'A repository whose compose files need variables has a .env.example.',
  why: 'Without it, finding the variables of a server means reading all of the code, and no tool can compare them with those of the server.',
  fix: 'Write a .env.example in sections, with a placeholder for each secret. `sluice init` generates one.',
  source: { name: 'The Twelve-Factor App: config', url: 'https://12factor.net/config' },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  api:\n    image: ghcr.io/acme/api:1.4\n    environment:\n      SECRET_KEY: ${SECRET_KEY}\n',
    good: 'services:\n  api:\n    image: ghcr.io/acme/api:1.4\n    environment:\n      LOG_LEVEL: ${LOG_LEVEL:-info}\n',
  },
  check: (app) => {
    if (app.example !== undefined) return [];
    // A committed env file with values documents them as well.
    const documentedNames = new Set(
      valueFiles(app).flatMap(({ entries }) => entries.map(({ name }) => name)),
    );
    const needed = composeUses(app).filter(
      ({ name, optional }) => !optional && !given.test(name) && !documentedNames.has(name),
    );
    const [first] = needed;
    if (first === undefined) return [];
    const names = [...new Set(needed.map(({ name }) => name))];
    const shown = `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
    return [
      {
        file: first.file,
        line: first.line,
        message: `No .env.example documents the required variables: ${shown}.`,
      },
    ];
  },
};

/** Variables of the compose files, with their places. */
export function composeUses({ project }: App) {
  return (project?.all ?? []).flatMap((document) =>
    document.variables().map((use) => ({ ...use, file: document.path })),
  );
}

/** Variables that compose files, Dockerfiles and committed env files set: the target need not set them. */
function namesThatAreSet(app: App): ReadonlySet<string> {
  const { project, services, images } = app;
  const inCompose = services.flatMap(({ name }) => Object.keys(project?.written(name) ?? {}));
  const inImages = images.flatMap(({ stages }) =>
    stages
      .flatMap(({ instructions }) => instructions)
      .filter(({ keyword }) => keyword === 'ENV' || keyword === 'ARG')
      .flatMap(assignmentsOf)
      .map(([name]) => name),
  );
  const inFiles = valueFiles(app).flatMap(({ entries }) => entries.map(({ name }) => name));
  return new Set([...inCompose, ...inImages, ...inFiles]);
}
