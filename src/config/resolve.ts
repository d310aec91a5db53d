import { UserError, UserErrors, userErrorsOf } from '../kernel/errors.ts';
import type { Mask } from '../kernel/mask.ts';
import { secretValues } from './audit.ts';
import { builtImages } from './built-images.ts';
import { loadComposeModel } from './compose.ts';
import type { ComposeEffects } from './compose-run.ts';
import { type Env, envVersion, loadEnv } from './env.ts';
import { withImages } from './images.ts';
import type { ComposeModel, Config, HostConfig, HostModel, Target } from './model.ts';
import { placeServices } from './placement.ts';
import { withRoutingOfImages } from './routing.ts';
import { planServices } from './strategies.ts';

export interface ResolveEffects extends ComposeEffects {
  /** Told every secret value before anything is done with it. */
  readonly mask?: Pick<Mask, 'add'> | undefined;
}

/** What is needed of a host (host/model.ts) to read `host-env-file`. */
export interface RemoteFiles {
  exec(
    argv: readonly [string, ...string[]],
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
}

/**
 * Everything that a deploy to one host of a target reads: its variables, the compose model with the images of this
 * release, the strategies of the services that it runs. The model has all services of the app, so that names and
 * dependencies can be looked up.
 *
 * @param remote the connected host, for `host-env-file`; undefined where there is no connection.
 * @param images reference by service, from a build or the command line; over those of the compose files.
 * @throws UserError(s) `env.*`, `compose.*`, `config.unknown-service`, `config.migrate-job`, `config.placement`.
 */
export async function resolveHostModel(
  config: Config,
  target: Target,
  host: HostConfig,
  remote: RemoteFiles | undefined,
  images: Readonly<Record<string, string>>,
  effects: ResolveEffects,
): Promise<HostModel> {
  const readHostFile = remote === undefined ? undefined : (path: string) => readRemote(remote, path, host);
  const { values } = await loadEnv(config, target, host, { env: effects.env, readHostFile });
  for (const secret of secretValues(values)) effects.mask?.add(secret);
  const version = envVersion(config.app, values);
  const model = withImages(await sharedModel(config, values, version, effects), images);
  const built = await builtImages(model);
  const plans = planServices(model, config, { images: built });
  const { services } = placeServices(config, target, model, plans);
  return {
    host,
    model: withRoutingOfImages(model, plans, built),
    services: plans.filter(({ name }) => services[host.name]?.includes(name)),
    envKeys: Object.keys(values).sort(),
    envVersion: version,
  };
}

/**
 * All hosts of a target at once. It comes back when the last one is done: nothing goes on behind a failure, and no
 * temporary file stays.
 *
 * @param remotes the connected hosts, in the target's order.
 * @throws what {@link resolveHostModel} throws; mistakes that several hosts share are told once.
 */
export async function resolveHostModels(
  config: Config,
  target: Target,
  remotes: readonly (RemoteFiles | undefined)[],
  images: Readonly<Record<string, string>>,
  effects: ResolveEffects,
): Promise<readonly HostModel[]> {
  const settled = await Promise.allSettled(
    target.hosts.map((host, index) =>
      resolveHostModel(config, target, host, remotes[index], images, effects),
    ),
  );
  const reasons = settled.flatMap((each): unknown[] => (each.status === 'rejected' ? [each.reason] : []));
  const bug = reasons.find((reason) => userErrorsOf(reason).length === 0);
  if (bug !== undefined) throw bug;
  const errors = new Map(
    reasons.flatMap(userErrorsOf).map((error) => [`${error.code} ${error.message}`, error]),
  );
  if (errors.size > 0) throw new UserErrors([...errors.values()]);
  return settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
}

/** Hosts of one run with the same variables have the same model: what is being loaded is not loaded again beside it. */
const loading = new WeakMap<ResolveEffects, Map<string, Promise<ComposeModel>>>();

function sharedModel(
  config: Config,
  values: Env,
  version: string,
  effects: ResolveEffects,
): Promise<ComposeModel> {
  const key = `${config.file}:${version}`;
  const underWay = loading.get(effects) ?? new Map<string, Promise<ComposeModel>>();
  loading.set(effects, underWay);
  const known = underWay.get(key);
  if (known !== undefined) return known;
  const model = loadComposeModel(config, values, effects).finally(() => underWay.delete(key));
  underWay.set(key, model);
  return model;
}

async function readRemote(remote: RemoteFiles, path: string, host: HostConfig): Promise<string | undefined> {
  const { code, stdout, stderr } = await remote.exec(['cat', '--', path]);
  if (code === 0) return stdout;
  if (/no such file/i.test(stderr)) return undefined;
  throw new UserError({
    code: 'env.file-missing',
    message: `${host.name}: host-env-file ${path} cannot be read`,
    hint: 'It must be a file that the deploy user may read.',
    output: stderr.trim(),
  });
}
