import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, relative } from 'node:path';
import { UserError } from '../../kernel/errors.ts';
import { exactEnv } from '../../kernel/process/child-env.ts';
import { findPlugin, isProgram } from '../../kernel/process/docker-plugin.ts';
import { type ProcessResult, runProcess } from '../../kernel/process/process.ts';
import type { Config, Env } from '../model.ts';

export interface ComposeEffects {
  /** Sluice's own environment: where docker is found; nothing else of it reaches the compose files. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
  readonly log?: { detail(message: string): void } | undefined;
}

/** Ready to run `docker compose` over the app's files with the target's variables and no others. */
export interface ComposeCli {
  /** Absolute paths of the app's compose files. */
  readonly files: readonly string[];
  run(args: readonly string[], moreFiles?: readonly string[]): Promise<ProcessResult>;
  /** `2.26.1`; undefined if docker does not say. */
  version(): Promise<string | undefined>;
}

/**
 * Names that docker, compose or the dynamic loader read themselves. As variables of the child process they
 * change how it runs, so they are passed by an env file.
 */
const obeyed = /^(?:DOCKER_|BUILDX_|BUILDKIT_|OTEL_|LD_|GODEBUG$|GOGC$|GOMEMLIMIT$|GOTRACEBACK$)/;

/** Reading takes a tenth of a second; only a bomb of aliases takes longer. */
const timeoutMs = 30_000;

/**
 * The variables travel in the child's environment, exact to the byte and never in an argument. The runner's own ones
 * stay out: `${HOME}` of the runner in a compose file would be a wrong path on the host.
 *
 * @param folder private to this call.
 * @param baseEnvFile env file whose values count where the target has none.
 * @throws UserError `compose.missing`, `env.reserved`
 */
export async function composeCli(
  config: Pick<Config, 'app' | 'folder' | 'compose'>,
  env: Env,
  effects: ComposeEffects,
  folder: string,
  baseEnvFile: string | undefined,
): Promise<ComposeCli> {
  const compose = await findCompose(effects.env);
  const files = config.compose.map((path) => (isAbsolute(path) ? path : join(config.folder, path)));
  const { child, aside } = split(env, effects.env);
  const envFiles = baseEnvFile === undefined ? [] : [baseEnvFile];
  if (Object.keys(aside).length > 0) envFiles.push(await privateFile(folder, 'aside.env', dotenvOf(aside)));
  // Without this flag compose would read the .env beside the compose file, which may be a developer's.
  if (envFiles.length === 0) envFiles.push('/dev/null');

  const start = (args: readonly string[]) =>
    runProcess([...compose, ...args], {
      cwd: dirname(files[0] ?? config.folder),
      env: exactEnv(child),
      timeoutMs,
      ...(effects.signal === undefined ? {} : { signal: effects.signal }),
    });
  return {
    files,
    run: (args, moreFiles = []) =>
      start([
        '--project-name',
        config.app,
        ...envFiles.flatMap((file) => ['--env-file', file]),
        '--project-directory',
        dirname(files[0] ?? config.folder),
        ...[...files, ...moreFiles].flatMap((file) => ['--file', file]),
        ...args,
      ]),
    version: async () => {
      const { code, stdout } = await start(['version', '--short']);
      return code === 0 ? /(?<!\d)(\d+\.\d+\.\d+)/.exec(stdout)?.[1] : undefined;
    },
  };
}

function split(env: Env, own: ComposeEffects['env']) {
  if (env.DOCKER_CONFIG !== undefined) {
    throw new UserError({
      code: 'env.reserved',
      message: 'DOCKER_CONFIG cannot be a target variable: docker itself reads it',
      hint: 'Set it in the compose file, under `environment:` of the service that needs it.',
    });
  }
  const entries = Object.entries(env);
  const home = own.HOME;
  const dockerConfig = own.DOCKER_CONFIG ?? (home === undefined ? undefined : join(home, '.docker'));
  return {
    child: {
      PATH: own.PATH,
      ...(dockerConfig === undefined ? {} : { DOCKER_CONFIG: dockerConfig }),
      ...Object.fromEntries(entries.filter(([name]) => !obeyed.test(name))),
    },
    aside: Object.fromEntries(entries.filter(([name]) => obeyed.test(name))),
  };
}

/** The plugin itself where the docker command is a packaged one; another may be a wrapper, which is used as it is. */
async function findCompose(env: ComposeEffects['env']): Promise<readonly [string, ...string[]]> {
  const docker = await findDocker(env.PATH);
  const isPackaged = ['/usr/bin', '/usr/local/bin'].includes(dirname(docker));
  const plugin = isPackaged ? await findPlugin('docker-compose', env) : undefined;
  return plugin === undefined ? [docker, 'compose'] : [plugin];
}

/** By its full path, because the target may set its own PATH. */
async function findDocker(path: string | undefined): Promise<string> {
  for (const folder of (path ?? '').split(delimiter).filter((part) => part !== '')) {
    const file = join(folder, 'docker');
    if (await isProgram(file)) return file;
  }
  throw new UserError({
    code: 'compose.missing',
    message: 'docker is not on PATH; Sluice needs it to read the compose files',
    hint: 'Install the docker CLI and its compose plugin (2.20 or newer) where Sluice runs. No engine is needed.',
  });
}

/** Double quotes hold any text in Compose's dialect: a backslash before `\`, `"` and `$` keeps each as it is. */
export function dotenvOf(values: Env): string {
  const lines = Object.entries(values).map(
    ([name, value]) => `${name}="${value.replaceAll(/[\\"$]/g, '\\$&')}"\n`,
  );
  return lines.join('');
}

/** Texts of the app's compose files; one that cannot be read is empty, for Compose reports it. */
export function textsOf(files: readonly string[]): Promise<string[]> {
  return Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
}

/** Writes a file that only this user can read. */
export async function privateFile(folder: string, name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text, { mode: 0o600, flag: 'wx' });
  return file;
}

/** A private folder (0700), removed when the work is done, has failed or was canceled. */
export async function withPrivateFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-compose-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whether version `a` is at least `b`; an unknown one is taken for a current one. */
export function isAtLeast(a: string | undefined, b: string): boolean {
  if (a === undefined) return true;
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (const [index, part] of (right ?? []).entries()) {
    const other = left?.[index] ?? 0;
    if (other !== part) return other > part;
  }
  return true;
}

/** How messages call a file: from the current folder if it is below it. */
export function shownPath(file: string): string {
  const path = relative(process.cwd(), file);
  return path === '' || path.startsWith('..') ? file : path;
}
