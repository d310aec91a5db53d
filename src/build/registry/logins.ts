import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dockerEnv } from '../../kernel/process/child-env.ts';
import { runProcess } from '../../kernel/process/process.ts';
import type { Login } from './model.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface LoginEffects {
  readonly env: Env;
  readonly signal: AbortSignal;
  readonly mask: { add(value: string): void };
}

/** Docker's configuration file, as far as it is about logins. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/**
 * Logins that the environment gives: GITHUB_TOKEN for ghcr.io, SLUICE_REGISTRY_USER and SLUICE_REGISTRY_PASSWORD for one
 * registry. No other registry gets them.
 *
 * @param own the registry that the password is for (config/app-registry.ts); undefined: none.
 */
export function environmentLogins(env: Env, own: string | undefined): ReadonlyMap<string, Login> {
  const logins = new Map<string, Login>();
  const { GITHUB_TOKEN: token, SLUICE_REGISTRY_USER: user, SLUICE_REGISTRY_PASSWORD: password } = env;
  if (token) {
    // Any user name will do with a token; the actor's is the usual one.
    logins.set('ghcr.io', { kind: 'password', user: env.GITHUB_ACTOR || 'token', password: token });
  }
  if (own !== undefined && user && password) logins.set(own, { kind: 'password', user, password });
  return logins;
}

/** Where Docker keeps its configuration. */
export function dockerConfigFolder(env: Env): string | undefined {
  return env.DOCKER_CONFIG ?? (env.HOME === undefined ? undefined : join(env.HOME, '.docker'));
}

export async function readDockerConfig(folder: string | undefined): Promise<DockerConfig> {
  if (folder === undefined) return {};
  try {
    return JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as DockerConfig;
  } catch {
    return {};
  }
}

/** The login for one registry: from the environment, else the one `docker login` made. */
export async function findLogin(
  host: string,
  logins: ReadonlyMap<string, Login>,
  effects: LoginEffects,
): Promise<Login | undefined> {
  const login = logins.get(host) ?? (await dockerLogin(host, effects));
  if (login !== undefined) effects.mask.add(login.kind === 'password' ? login.password : login.token);
  return login;
}

async function dockerLogin(host: string, effects: LoginEffects): Promise<Login | undefined> {
  const config = await readDockerConfig(dockerConfigFolder(effects.env));
  const key = configKey(host);
  const helper = config.credHelpers?.[key] ?? config.credsStore;
  if (helper !== undefined && helper !== '') return await askHelper(helper, key, effects);
  const entry = config.auths?.[key] ?? config.auths?.[`https://${key}`];
  if (entry === undefined) return undefined;
  if (entry.identitytoken) return { kind: 'identity', token: entry.identitytoken };
  const plain = Buffer.from(entry.auth ?? '', 'base64').toString('utf8');
  const colon = plain.indexOf(':');
  if (colon < 1) return undefined;
  return { kind: 'password', user: plain.slice(0, colon), password: plain.slice(colon + 1) };
}

/** Docker Hub's logins are stored under the address of its first API. */
export function configKey(host: string): string {
  return host === 'docker.io' ? 'https://index.docker.io/v1/' : host;
}

/** Helpers that create a registry login from cloud credentials, and the variables with these credentials. */
const cloudHelpers: readonly (readonly [helper: RegExp, variables: RegExp])[] = [
  [/^ecr-login$/, /^AWS_/],
  [/^(?:gcr|gcloud)$/, /^(?:GOOGLE|CLOUDSDK)_/],
  [/^acr/, /^(?:AZURE|MSI)_/],
];

/** Variables that these helpers of the user's configuration need; no other child process gets them. */
export function helperVariables(helpers: readonly string[], env: Env): Env {
  const needed = cloudHelpers.filter(([helper]) => helpers.some((name) => helper.test(name)));
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => needed.some(([, variables]) => variables.test(name))),
  );
}

/** https://github.com/docker/docker-credential-helpers: the server's name on stdin, JSON on stdout. */
async function askHelper(name: string, key: string, effects: LoginEffects): Promise<Login | undefined> {
  if (!/^[\w.-]+$/.test(name)) return undefined;
  const result = await runProcess([`docker-credential-${name}`, 'get'], {
    stdin: key,
    env: dockerEnv(effects.env, helperVariables([name], effects.env)),
    signal: effects.signal,
    timeoutMs: 20_000,
  }).catch(() => undefined);
  effects.signal.throwIfAborted();
  if (result?.code !== 0) return undefined;
  try {
    const { Username: user, Secret: secret } = JSON.parse(result.stdout) as {
      Username: string;
      Secret: string;
    };
    return user === '<token>'
      ? { kind: 'identity', token: secret }
      : { kind: 'password', user, password: secret };
  } catch {
    return undefined;
  }
}
