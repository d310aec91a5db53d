import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

/** Where Docker's own packages and Debian's put plugins; the user's own folder comes first. */
export const pluginFolders = [
  '/usr/local/lib/docker/cli-plugins',
  '/usr/local/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
  '/usr/libexec/docker/cli-plugins',
] as const;

/**
 * A plugin of the docker command, to be run by itself: the command would start it twice, once to ask what it is, which
 * takes longer than most of what it is asked for.
 *
 * @param name `docker-compose`, `docker-buildx`
 * @returns its path; undefined where the docker command has to find it.
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
