import { type Env, loadEnv } from '../../config/env/env.ts';
import type { Config } from '../../config/model.ts';
import { whyReserved } from '../../config/secrets/reserved.ts';
import type { Effects } from '../../kernel/run.ts';
import { chooseTarget } from '../choose-target.ts';

/** Names that configure docker itself, or that have no meaning in a compose file. */
const left = /^(?:DOCKER_|BUILDX_|BUILDKIT_|OTEL_|LD_|GODEBUG$|GOGC$|GOMEMLIMIT$|GOTRACEBACK$|PATH$|_$)/;

/**
 * Variables for the compose files in a build: those of the given target, without files on its hosts; otherwise, those of
 * the environment Sluice runs in, as `docker compose build` sees them, without the credentials of the job.
 */
export async function buildVariables(
  config: Config,
  name: string | undefined,
  effects: Effects,
): Promise<Env> {
  const own = Object.fromEntries(
    Object.entries(effects.env).filter((entry): entry is [string, string] => {
      const [variable, value] = entry;
      return value !== undefined && !left.test(variable) && whyReserved(variable, config) === undefined;
    }),
  );
  if (name === undefined) return own;
  const target = chooseTarget(config, name);
  const [host] = target.hosts;
  if (host === undefined) return own;
  const sources = target.env.filter(({ kind }) => kind !== 'host-file');
  const { values } = await loadEnv(
    config,
    { ...target, env: sources },
    { ...host, env: {} },
    { env: effects.env, mask: effects.mask },
  );
  return values;
}
