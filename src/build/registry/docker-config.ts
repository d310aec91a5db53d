import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildEnv, dockerEnv } from '../../kernel/process/child-env.ts';
import { configKey, dockerConfigFolder, helperVariables, readDockerConfig } from './logins.ts';
import type { Login } from './model.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Environment in which docker and buildx are logged in; dispose to delete the logins. */
export interface LoggedIn extends AsyncDisposable {
  readonly env: ChildEnv;
}

/**
 * A private copy (0700) of Docker's configuration with the logins of the environment, deleted on disposal: the user's own
 * stays unchanged. The file has the format of `docker login`, so no password is on a command line.
 *
 * @param logins by registry; without any the user's own configuration is used as it is.
 */
export async function logIn(env: Env, logins: ReadonlyMap<string, Login>): Promise<LoggedIn> {
  const own = dockerConfigFolder(env);
  const config = await readDockerConfig(own);
  const helpers = [config.credsStore ?? '', ...Object.values(config.credHelpers ?? {})];
  const child = dockerEnv(env, helperVariables(helpers, env));
  if (logins.size === 0) return { env: child, [Symbol.asyncDispose]: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'sluice-login-'));
  const dispose = () => rm(folder, { recursive: true, force: true });
  try {
    const entries = [...logins].map(([host, login]) => [configKey(host), authOf(login)] as const);
    const merged = {
      ...config,
      auths: { ...config.auths, ...Object.fromEntries(entries) },
      // A helper takes precedence over the file; an empty name disables it.
      credHelpers: { ...config.credHelpers, ...Object.fromEntries(entries.map(([key]) => [key, ''])) },
    };
    await writeFile(join(folder, 'config.json'), JSON.stringify(merged), { mode: 0o600, flag: 'wx' });
    for (const name of ['contexts', 'cli-plugins']) {
      if (own !== undefined && existsSync(join(own, name)))
        await symlink(join(own, name), join(folder, name));
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  // Keep the user's builders.
  const builders = env.BUILDX_CONFIG ?? (own === undefined ? undefined : join(own, 'buildx'));
  const more = { DOCKER_CONFIG: folder, BUILDX_CONFIG: builders };
  return { env: { ...child, ...more }, [Symbol.asyncDispose]: dispose };
}

function authOf(login: Login): Record<string, string> {
  if (login.kind === 'identity') return { identitytoken: login.token };
  return { auth: Buffer.from(`${login.user}:${login.password}`).toString('base64') };
}
