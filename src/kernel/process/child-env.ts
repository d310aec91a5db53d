import { opensByForm } from '../masking/secret-shapes.ts';

type Env = Readonly<Record<string, string | undefined>>;

declare const made: unique symbol;

/** The whole environment of a child. Only this file creates one, so that no caller passes on Sluice's by accident. */
export type ChildEnv = Env & { readonly [made]: true };

/** Paths, locale and network. A proxy's address may contain a password. */
const plain =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|HOSTNAME|PWD|LANG|LANGUAGE|LC_\w+|TZ|TERM|COLORTERM|COLUMNS|NO_COLOR|FORCE_COLOR|CLICOLOR(?:_FORCE)?|TMPDIR|TMP|TEMP|XDG_\w+|CI|(?:https?|no|all|ftp)_proxy|SSL_CERT_(?:FILE|DIR)|NODE_EXTRA_CA_CERTS|(?:REQUESTS|CURL)_CA_BUNDLE|CLOUDSDK_PYTHON)$/i;

/**
 * The GitHub runner's variables about the run, without its tokens and without the files that pass data to later steps
 * (GITHUB_ENV, GITHUB_PATH, GITHUB_OUTPUT, GITHUB_STATE, GITHUB_STEP_SUMMARY).
 */
const run =
  /^(?:GITHUB_(?:ACTIONS|ACTOR(?:_ID)?|API_URL|BASE_REF|EVENT_NAME|EVENT_PATH|GRAPHQL_URL|HEAD_REF|JOB|REF(?:_NAME|_PROTECTED|_TYPE)?|REPOSITORY(?:_ID|_OWNER|_OWNER_ID)?|RETENTION_DAYS|RUN_(?:ATTEMPT|ID|NUMBER)|SERVER_URL|SHA|TRIGGERING_ACTOR|WORKFLOW(?:_REF|_SHA)?|WORKSPACE)|RUNNER_(?:ARCH|DEBUG|ENVIRONMENT|NAME|OS|TEMP|TOOL_CACHE|WORKSPACE)|AGENT_TOOLSDIRECTORY|ACTIONS_(?:STEP|RUNNER)_DEBUG)$/;

/** Settings of tools, their folders, and variables that frameworks compile into public pages. */
const tools =
  /^(?:(?:NPM_CONFIG|YARN|PNPM|COREPACK|NODE|NVM|VOLTA|FNM|BUN|DENO|PIP|PIPX|PIPENV|UV|POETRY|PDM|PYENV|CONDA|RUFF|MYPY|PYTEST|COVERAGE|ESLINT|PRETTIER|BIOME|VITEST|JEST|PLAYWRIGHT|CYPRESS|PUPPETEER|TRIVY|TRUFFLEHOG|HADOLINT|SQUAWK|ACTIONLINT|JAVA|CARGO|RUSTUP|ASDF|MISE|DOCKER|BUILDX|BUILDKIT|COMPOSE|VITE|NEXT_PUBLIC|NUXT_PUBLIC|REACT_APP|EXPO_PUBLIC|PUBLIC)_\w+|PYTHON\w*|MYPYPATH|VIRTUAL_ENV|GO(?:PATH|ROOT|CACHE|MODCACHE|PROXY|FLAGS|TOOLCHAIN)|DJANGO_SETTINGS_MODULE|FLASK_(?:APP|ENV|DEBUG)|PG(?:HOST|PORT|USER|DATABASE|SSLMODE)|LD_LIBRARY_PATH|SLUICE_(?:TOOLS_MIRROR|OSV_URL))$/i;

/** Words in the names of credentials; `PWD` itself is the shell's folder. */
const opens =
  /TOKEN|SECRET|PASS(?:W|PHRASE|KEY|$|_)|_P(?:WD|SW|W)(?:$|_)|PWD_|AUTH|CREDENTIAL|PRIVATE|SIGNING|KEYS?(?:$|_)|(?:^|_)(?:PAT|DSN|JWT|OTP|CREDS?|WEBHOOK)(?:$|_)/i;

function isPlain(name: string): boolean {
  return plain.test(name) || run.test(name);
}

function isSetting(name: string, value: string): boolean {
  return tools.test(name) && !opens.test(name) && !opensByForm(value);
}

function picked(env: Env, keep: (name: string, value: string) => boolean): Env {
  return Object.fromEntries(
    Object.entries(env).filter(([name, value]) => value !== undefined && keep(name, value)),
  );
}

/** For programs that need only PATH and the network: git, docker's queries. */
export function plainEnv(env: Env, more: Env = {}): ChildEnv {
  return { ...picked(env, isPlain), ...more } as ChildEnv;
}

/**
 * For tools, package managers and tests, which run the code of the change: settings and caches, without credentials.
 *
 * @param named variables that sluice.yml passes on (`checks.env`).
 */
export function toolEnv(env: Env, named: readonly string[] = []): ChildEnv {
  return picked(
    env,
    (name, value) => isPlain(name) || isSetting(name, value) || named.includes(name),
  ) as ChildEnv;
}

/** Variables with which docker's helpers reach a desktop's keyring, and the login that docker itself reads. */
const keyring =
  /^(?:DOCKER_AUTH_CONFIG|DBUS_SESSION_BUS_ADDRESS|DISPLAY|WAYLAND_DISPLAY|GNUPGHOME|GPG_TTY|PASSWORD_STORE_\w+)$/;

/** For docker and buildx: variables for the engine and the builder, and `more` (a build's own secrets). */
export function dockerEnv(env: Env, more: Env = {}): ChildEnv {
  const isAddress = (name: string) => name === 'DOCKER_HOST' || name === 'BUILDKIT_HOST';
  const engine = (name: string, value: string) =>
    keyring.test(name) ||
    (/^(?:DOCKER|BUILDX|BUILDKIT)_\w+$/.test(name) &&
      !opens.test(name) &&
      (isAddress(name) || !opensByForm(value)));
  // A remote engine is reached with the user's own ssh.
  const agent = /^ssh:/.test(env['DOCKER_HOST'] ?? '') ? { SSH_AUTH_SOCK: env['SSH_AUTH_SOCK'] } : {};
  return {
    ...picked(env, (name, value) => isPlain(name) || engine(name, value)),
    ...agent,
    ...more,
  } as ChildEnv;
}

/** Whether tools, or libraries of tests, read a variable by themselves: no source has to name it. */
export function isReadByTools(name: string): boolean {
  return (
    tools.test(name) || /^(?:PG\w+|MYSQL_\w+|TESTCONTAINERS_\w+|GIT_(?:CONFIG|SSH)\w*|LD_PRELOAD)$/.test(name)
  );
}

/** Passwords of proxies, escaped and plain: children get them, and name their proxy in errors. */
export function proxyPasswords(env: Env): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const written = /_proxy$/i.test(name) ? /\/\/[^/?#\s:@]*:([^/?#\s]*)@/.exec(value ?? '')?.[1] : undefined;
    if (written === undefined) return [];
    try {
      return [...new Set([written, decodeURIComponent(written)])];
    } catch {
      return [written];
    }
  });
}

/** Exactly these variables, chosen by the caller for this program. */
export function exactEnv(env: Env): ChildEnv {
  return env as ChildEnv;
}

/** Whether a variable may stay in this process's environment, which children can read in /proc. */
export function isOpen(name: string, value: string): boolean {
  // GitHub's toolkit reads the paths of the files for outputs and states from the environment; they are not secret.
  return (
    isPlain(name) ||
    isSetting(name, value) ||
    /^(?:GITHUB_(?:OUTPUT|STATE|STEP_SUMMARY)|STATE_\w+)$/.test(name)
  );
}
