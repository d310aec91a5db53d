import { opensByForm } from '../masking/secret-shapes.ts';

type Env = Readonly<Record<string, string | undefined>>;

declare const made: unique symbol;

/** The whole environment of a child. Only the functions of this file make one: nothing hands on ours by accident. */
export type ChildEnv = Env & { readonly [made]: true };

/** Where things are, how to speak, and the way to the network. A proxy's address may hold a password of its own. */
const plain =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|HOSTNAME|PWD|LANG|LANGUAGE|LC_\w+|TZ|TERM|COLORTERM|COLUMNS|NO_COLOR|FORCE_COLOR|CLICOLOR(?:_FORCE)?|TMPDIR|TMP|TEMP|XDG_\w+|CI|(?:https?|no|all|ftp)_proxy|SSL_CERT_(?:FILE|DIR)|NODE_EXTRA_CA_CERTS|(?:REQUESTS|CURL)_CA_BUNDLE|CLOUDSDK_PYTHON)$/i;

/**
 * What GitHub's runner says of the run, without its tokens and without the files by which a step speaks to later ones
 * (GITHUB_ENV, GITHUB_PATH, GITHUB_OUTPUT, GITHUB_STATE, GITHUB_STEP_SUMMARY).
 */
const run =
  /^(?:GITHUB_(?:ACTIONS|ACTOR(?:_ID)?|API_URL|BASE_REF|EVENT_NAME|EVENT_PATH|GRAPHQL_URL|HEAD_REF|JOB|REF(?:_NAME|_PROTECTED|_TYPE)?|REPOSITORY(?:_ID|_OWNER|_OWNER_ID)?|RETENTION_DAYS|RUN_(?:ATTEMPT|ID|NUMBER)|SERVER_URL|SHA|TRIGGERING_ACTOR|WORKFLOW(?:_REF|_SHA)?|WORKSPACE)|RUNNER_(?:ARCH|DEBUG|ENVIRONMENT|NAME|OS|TEMP|TOOL_CACHE|WORKSPACE)|AGENT_TOOLSDIRECTORY|ACTIONS_(?:STEP|RUNNER)_DEBUG)$/;

/** Settings of tools, the places where they keep things, and what frameworks compile into pages for everybody to read. */
const tools =
  /^(?:(?:NPM_CONFIG|YARN|PNPM|COREPACK|NODE|NVM|VOLTA|FNM|BUN|DENO|PIP|PIPX|PIPENV|UV|POETRY|PDM|PYENV|CONDA|RUFF|MYPY|PYTEST|COVERAGE|ESLINT|PRETTIER|BIOME|VITEST|JEST|PLAYWRIGHT|CYPRESS|PUPPETEER|TRIVY|TRUFFLEHOG|HADOLINT|SQUAWK|ACTIONLINT|JAVA|CARGO|RUSTUP|ASDF|MISE|DOCKER|BUILDX|BUILDKIT|COMPOSE|VITE|NEXT_PUBLIC|NUXT_PUBLIC|REACT_APP|EXPO_PUBLIC|PUBLIC)_\w+|PYTHON\w*|MYPYPATH|VIRTUAL_ENV|GO(?:PATH|ROOT|CACHE|MODCACHE|PROXY|FLAGS|TOOLCHAIN)|DJANGO_SETTINGS_MODULE|FLASK_(?:APP|ENV|DEBUG)|PG(?:HOST|PORT|USER|DATABASE|SSLMODE)|LD_LIBRARY_PATH|SLUICE_(?:TOOLS_MIRROR|OSV_URL))$/i;

/** Words in the names of what opens something; `PWD` itself is the shell's folder. */
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

/** For what needs no more than to be found and to reach the network: git, docker's questions. */
export function plainEnv(env: Env, more: Env = {}): ChildEnv {
  return { ...picked(env, isPlain), ...more } as ChildEnv;
}

/**
 * For tools, package managers and tests, which run the code of whoever has made the change: settings and caches, and
 * nothing that opens anything.
 *
 * @param named variables that sluice.yml hands on (`checks.env`).
 */
export function toolEnv(env: Env, named: readonly string[] = []): ChildEnv {
  return picked(
    env,
    (name, value) => isPlain(name) || isSetting(name, value) || named.includes(name),
  ) as ChildEnv;
}

/** How docker's helpers reach a keyring of the desktop, and the login that docker itself reads. */
const keyring =
  /^(?:DOCKER_AUTH_CONFIG|DBUS_SESSION_BUS_ADDRESS|DISPLAY|WAYLAND_DISPLAY|GNUPGHOME|GPG_TTY|PASSWORD_STORE_\w+)$/;

/** For docker and buildx: how to reach the engine and the builder, and what `more` adds (a build's own secrets). */
export function dockerEnv(env: Env, more: Env = {}): ChildEnv {
  const isAddress = (name: string) => name === 'DOCKER_HOST' || name === 'BUILDKIT_HOST';
  const engine = (name: string, value: string) =>
    keyring.test(name) ||
    (/^(?:DOCKER|BUILDX|BUILDKIT)_\w+$/.test(name) &&
      !opens.test(name) &&
      (isAddress(name) || !opensByForm(value)));
  // An engine on another machine is reached as the user's own ssh reaches it.
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

/** Passwords of proxies, as they are written and as they are meant: children get them, and name their proxy in errors. */
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

/** Exactly these variables: put together by the caller, from what is meant for this very program. */
export function exactEnv(env: Env): ChildEnv {
  return env as ChildEnv;
}

/** Whether a variable may stay in the environment that this process itself shows to its children in /proc. */
export function isOpen(name: string, value: string): boolean {
  // The toolkit of GitHub reads the files for outputs and states from the environment; their paths are no secret.
  return (
    isPlain(name) ||
    isSetting(name, value) ||
    /^(?:GITHUB_(?:OUTPUT|STATE|STEP_SUMMARY)|STATE_\w+)$/.test(name)
  );
}
