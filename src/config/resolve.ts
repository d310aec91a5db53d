import { UserError, UserErrors, userErrorsOf } from '../kernel/errors.ts';
import type { Mask } from '../kernel/masking/mask.ts';
import type { ComposeEffects } from './compose/cli.ts';
import { loadCompose } from './compose/load.ts';
import type { WrittenCompose } from './compose/written.ts';
import { type EnvEffects, envVersion, loadEnv } from './env/env.ts';
import { textsIn, usesIn } from './env/interpolate.ts';
import { unpassedVariables } from './env/unpassed.ts';
import { healthWithVariables } from './health/request.ts';
import { builtImages } from './images/built-images.ts';
import { askedImages, type ImageAnswers, withImages } from './images/service-images.ts';
import type { ComposeModel, Config, Env, HostConfig, HostModel, Target } from './model.ts';
import { filesOfVariables } from './mounts/carried-files.ts';
import { dataFolderNotes, dataRoot, withDataFolders, withPlaces } from './mounts/data-folder.ts';
import { type MountPlan, type PlannedMount, planMounts, strategyView } from './mounts/plan.ts';
import { portFaults } from './ports/clash.ts';
import { withRoutingOfImages } from './routing/routing.ts';
import { placeServices } from './services/placement.ts';
import { planServices } from './services/strategies.ts';

export interface ResolveEffects extends ComposeEffects {
  /**
   * Reads the configuration of images from engines and registries; default: not read, and without a note.
   *
   * @param references by service.
   */
  readonly askImages?:
    | ((
        references: Readonly<Record<string, string>>,
        remote: RemoteFiles | undefined,
      ) => Promise<ImageAnswers>)
    | undefined;
  /** Told every secret value before anything is done with it. */
  readonly mask?: (Pick<Mask, 'add'> & Partial<Pick<Mask, 'keep'>>) | undefined;
}

/** The part of a host (host/model.ts) that reads `host-env-file`. */
export interface RemoteFiles {
  exec(
    argv: readonly [string, ...string[]],
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
}

export interface ResolveOptions {
  /** Reference by service, from a build or the command line; over those of the compose files. */
  readonly images?: Readonly<Record<string, string>>;
  /** The connected host, for `host-env-file`; undefined where there is no connection. */
  readonly remote?: RemoteFiles | undefined;
  /** Sources to skip: see {@link EnvEffects.unread}. */
  readonly unread?: EnvEffects['unread'];
}

/** A host's model with what `sluice config` says of it besides. */
export interface ResolvedHost extends HostModel {
  /** Where each variable comes from. */
  readonly origins: Env;
  /** Sources of variables that were not read. */
  readonly unread: readonly string[];
  readonly mounts: readonly PlannedMount[];
  readonly written: WrittenCompose;
  /** Reasons for a deploy to refuse. */
  readonly faults: readonly UserError[];
}

/**
 * Everything that a deploy to one host of a target reads: its variables, the compose model with the images of this
 * release and without development mounts, the strategies of the services that it runs. The model has all services of
 * the app, so that names and dependencies can be looked up.
 *
 * @throws UserError(s) `env.*`, `compose.*`, `config.unknown-service`, `config.migrate-job`, `config.placement`: all
 * mistakes in the model at once.
 */
export async function resolveHostModel(
  config: Config,
  target: Target,
  host: HostConfig,
  effects: ResolveEffects,
  options: ResolveOptions = {},
): Promise<HostModel> {
  const resolved = await describeHost(config, target, host, effects, options);
  if (resolved.faults.length > 0) throw new UserErrors(resolved.faults);
  return resolved;
}

/**
 * {@link resolveHostModel} that returns the mistakes it finds in the model instead of throwing them.
 *
 * @throws UserError(s) `env.*`, and `compose.*` for files that docker compose does not accept.
 */
export async function describeHost(
  config: Config,
  target: Target,
  host: HostConfig,
  effects: ResolveEffects,
  { images = {}, remote, unread }: ResolveOptions = {},
): Promise<ResolvedHost> {
  const readHostFile = remote === undefined ? undefined : (path: string) => readRemote(remote, path, host);
  const { env: own, mask } = effects;
  const env = await loadEnv(config, target, host, { env: own, readHostFile, unread, mask });
  const { values } = env;
  const version = envVersion(config.app, values);
  const isPartial = env.unread.length > 0;
  const loaded = await sharedModel(config, values, isPartial, version, effects);
  const { written, mounts } = loaded;
  const faults: UserError[] = [...mounts.faults];
  const collect = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      const known = userErrorsOf(error);
      if (known.length === 0) throw error;
      faults.push(...known);
      return undefined;
    }
  };
  const model = collect(() => withImages(mounts.model, images)) ?? mounts.model;
  const built = await builtImages(model);
  const { images: answered, unread: unasked } = await answersFor(
    askedImages(model, config, built),
    effects,
    remote,
  );
  const known = { images: { ...answered, ...built }, unread: unasked };
  const seen = strategyView(model, mounts);
  const plans = collect(() => planServices(seen, config, known)) ?? [];
  const placed = plans.length === 0 ? undefined : collect(() => placeServices(config, target, seen, plans));
  const asked = healthWithVariables(
    plans.filter(({ name }) => placed?.services[host.name]?.includes(name)),
    values,
  );
  // Without all of the target's variables nothing is said of those that are missing.
  if (!isPartial) faults.push(...asked.faults);
  const services = asked.plans;
  const names = host.services ?? Object.keys(model.services);
  faults.push(...portFaults(model, { names, written }));
  const root = dataRoot(host.root, config.app);
  const routed = withRoutingOfImages(model, plans, known.images);
  return {
    host,
    model: withDataFolders(routed, mounts.folders, root),
    services,
    envKeys: Object.keys(values).sort(),
    envVersion: version,
    carried: { ...mounts.carried, ...filesOfVariables(model, values) },
    notes: [...dataFolderNotes(mounts, root, known.images), ...mounts.notes],
    warnings: [
      ...switchedOff(model),
      ...unpassedVariables(written, Object.keys(model.services), values, own, target.name),
      ...mounts.warnings,
    ],
    origins: env.origins,
    unread: env.unread,
    mounts: withPlaces(mounts.mounts, mounts.folders, root),
    written,
    faults,
  };
}

function switchedOff(model: ComposeModel): string[] {
  return Object.entries(model.services).flatMap(([name, { deploy, scale }]) =>
    (deploy?.replicas ?? scale) === 0 ? [`${name} has 0 replicas, so it is not deployed`] : [],
  );
}

async function answersFor(
  references: Readonly<Record<string, string>>,
  effects: ResolveEffects,
  remote: RemoteFiles | undefined,
): Promise<ImageAnswers> {
  if (effects.askImages === undefined || Object.keys(references).length === 0)
    return { images: {}, unread: {} };
  return await effects.askImages(references, remote);
}

/**
 * All hosts of a target at once. It comes back when the last one is done: nothing goes on behind a failure, and no
 * temporary file stays.
 *
 * @param remotes the connected hosts, in the target's order.
 * @throws what {@link resolveHostModel} throws; mistakes that several hosts share are reported once.
 */
export async function resolveHostModels(
  config: Config,
  target: Target,
  remotes: readonly (RemoteFiles | undefined)[],
  images: Readonly<Record<string, string>>,
  effects: ResolveEffects,
): Promise<readonly HostModel[]> {
  return await onAll(
    target.hosts.map((host, index) =>
      resolveHostModel(config, target, host, effects, { images, remote: remotes[index] }),
    ),
  );
}

/**
 * Everything that can be known of a target's hosts before one of them is connected.
 *
 * @returns undefined where a `host-env-file` may decide: the compose files without it prove nothing.
 * @throws what {@link resolveHostModel} throws.
 */
export async function resolveOffline(
  config: Config,
  target: Target,
  images: Readonly<Record<string, string>>,
  effects: ResolveEffects,
): Promise<readonly HostModel[] | undefined> {
  if (!readsHosts(target)) return await resolveHostModels(config, target, [], images, effects);
  await onAll(
    target.hosts.map(async (host) => {
      const resolved = await describeHost(config, target, host, effects, {
        images,
        unread: 'host-files',
      }).catch((error: unknown) => {
        // A variable that the server has: asked again when it is connected.
        if (userErrorsOf(error).every(({ code }) => code === 'compose.variable')) return undefined;
        throw error;
      });
      if (resolved === undefined || resolved.faults.length === 0) return;
      const known = new Set([...resolved.envKeys, ...resolved.written.envFile]);
      const isWhole = resolved.written.files
        .flatMap(({ data }) => [...textsIn(data)])
        .every(({ text }) => usesIn(text).every(({ name }) => known.has(name)));
      if (isWhole) throw new UserErrors(resolved.faults);
    }),
  );
  return undefined;
}

function readsHosts(target: Target): boolean {
  return target.env.some(({ kind }) => kind === 'host-file');
}

/** Waits for all, then throws what went wrong: a bug first, else each mistake once. */
async function onAll<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  const settled = await Promise.allSettled(work);
  const reasons = settled.flatMap((result): unknown[] =>
    result.status === 'rejected' ? [result.reason] : [],
  );
  const bug = reasons.find((reason) => userErrorsOf(reason).length === 0);
  if (bug !== undefined) throw bug;
  const errors = new Map(
    reasons.flatMap(userErrorsOf).map((error) => [`${error.code} ${error.message}`, error]),
  );
  if (errors.size > 0) throw new UserErrors([...errors.values()]);
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

interface SharedModel {
  readonly written: WrittenCompose;
  readonly mounts: MountPlan;
}

/** Hosts of one run with the same variables have the same model: what is being loaded is not loaded again beside it. */
const loading = new WeakMap<ResolveEffects, Map<string, Promise<SharedModel>>>();

function sharedModel(
  config: Config,
  values: Env,
  unknownVariables: boolean,
  version: string,
  effects: ResolveEffects,
): Promise<SharedModel> {
  const key = `${config.file}:${version}:${unknownVariables}`;
  const underWay = loading.get(effects) ?? new Map<string, Promise<SharedModel>>();
  loading.set(effects, underWay);
  const known = underWay.get(key);
  if (known !== undefined) return known;
  const load = async (): Promise<SharedModel> => {
    const { model, written } = await loadCompose(config, values, effects, {
      unknownVariables,
      refuseReserved: config,
    });
    return { written, mounts: await planMounts(model, config.folder, effects, { written }) };
  };
  const model = load().finally(() => underWay.delete(key));
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
    hint: 'It must be a file that the deploy user can read.',
    output: stderr.trim(),
  });
}
