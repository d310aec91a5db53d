import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

/** Plugin folders of Docker's and Debian's packages; the user's own folder takes precedence. */
export const pluginFolders = [
  '/usr/local/lib/docker/cli-plugins',
  '/usr/local/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
  '/usr/libexec/docker/cli-plugins',
] as const;

/**
 * A plugin of the docker command, to be started directly: the command starts it twice, once for its metadata, which takes
 * longer than most requests.
 *
 * @param name `docker-compose`, `docker-buildx`
 * @returns its path; undefined if only the docker command can find it.
 */
export async function findPlugin(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const own = env.DOCKER_CONFIG ?? (env.HOME === undefined ? undefined : join(env.HOME, '.docker'));
  for (const folder of [...(own === undefined ? [] : [join(own, 'cli-plugins')]), ...pluginFolders]) {
    if (await isProgram(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

export async function isProgram(file: string): Promise<boolean> {
  return await access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
