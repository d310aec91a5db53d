import type { Config, HostModel, Target } from '../../config/model.ts';
import {
  type RemoteFiles,
  type ResolveEffects,
  resolveHostModels,
  resolveOffline,
} from '../../config/resolve.ts';
import { loadConfig } from '../../config/sluice-yml/load.ts';
import type { DeployEffects } from '../../deploy/context.ts';
import { connectAll } from '../../deploy/lease/held-hosts.ts';
import { layoutOf } from '../../deploy/model.ts';
import { askerOf, refuseOthersOn } from '../../deploy/preflight/owner.ts';
import { refuseNameClashes } from '../../deploy/project/project.ts';
import type { Host } from '../../host/model.ts';
import { connectHost } from '../../host/ssh/connect.ts';
import { secretVariables } from '../../host/ssh/credentials.ts';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import type { OperationContext } from '../context.ts';
import { chooseTarget, reachedAt } from '../target.ts';
import { imageAsker } from './image-answers.ts';

/** A target as sluice.yml describes it. */
export interface LoadedTarget {
  readonly config: Config;
  readonly target: Target;
  readonly effects: DeployEffects;
}

/** A target with open connections to its hosts. */
export interface OpenTarget extends LoadedTarget, AsyncDisposable {
  readonly hosts: readonly Host[];
}

/**
 * Loads sluice.yml and connects to every host of a target. An app of this name on the hosts must belong to the target.
 *
 * @param name optional if there is only one target.
 */
export async function openTarget(context: OperationContext, name: string | undefined): Promise<OpenTarget> {
  return await connectTarget(await loadTarget(context, name));
}

/** @param name optional if there is only one target. */
export async function loadTarget(context: OperationContext, name: string | undefined): Promise<LoadedTarget> {
  const { effects } = context;
  for (const variable of [...secretVariables, 'SLUICE_REGISTRY_PASSWORD', 'GITHUB_TOKEN']) {
    effects.mask.add(effects.env[variable] ?? '');
  }
  const config = await loadConfig(context.config);
  effects.mask.add(context.webhook ?? effects.env[config.notify.slack ?? ''] ?? '');
  const target = reachedAt(chooseTarget(config, name), context.server);
  return { config, target, effects: { ...effects, connect: (host) => connectHost(host.config, effects) } };
}

/**
 * Connects to every host of a target in parallel, and refuses a host whose app of this name belongs to another target:
 * every operation on hosts passes this check first.
 *
 * @throws UserError `target.other`, `target.elsewhere`, `target.repository`; UserErrors of hosts that cannot be reached.
 */
export async function connectTarget(loaded: LoadedTarget): Promise<OpenTarget> {
  const { config, target, effects } = loaded;
  const hosts = await connectAll(target.hosts, (host) => connectHost(host, effects));
  const close = async () => {
    await Promise.all(hosts.map((host) => host.close().catch(() => {})));
  };
  try {
    const asker = askerOf(config, target, effects.env);
    await Promise.all(
      hosts.map((host) => refuseOthersOn(host, layoutOf(host.config.root, config.app), asker)),
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { ...loaded, hosts, [Symbol.asyncDispose]: close };
}

/**
 * The target and the name (of a release, a backup) of a command that has both arguments. If there is only one target,
 * its name is optional: `sluice rollback v1.2.3`.
 */
export async function targetAndName(
  context: OperationContext,
  first: string | undefined,
  second: string | undefined,
): Promise<{ target: string | undefined; name: string | undefined }> {
  const { targets } = await loadConfig(context.config);
  const isName = first !== undefined && second === undefined && !Object.hasOwn(targets, first);
  if (isName && Object.keys(targets).length === 1) return { target: undefined, name: first };
  return { target: first, name: second };
}

/** The services of each host of the target, with the target's environment. */
export async function resolveModels(
  open: OpenTarget,
  images: Readonly<Record<string, string>>,
): Promise<readonly HostModel[]> {
  return await resolveBeside(open, Promise.resolve(open), images);
}

/**
 * The services of each host as far as they are known without a connection: mistakes in files of this machine are
 * reported before any server is contacted.
 *
 * @returns undefined where a `host-env-file` is needed first.
 */
export async function resolveBefore(
  { config, target, effects }: LoadedTarget,
  images: Readonly<Record<string, string>>,
): Promise<readonly HostModel[] | undefined> {
  return await resolveOffline(config, target, images, asking(config, effects));
}

/**
 * Checks that every service has an image, and that its names are unique.
 *
 * @throws UserErrors `image.missing`, all at once; UserError `compose.name-clash`.
 */
export function requireDeployable(models: readonly HostModel[]): void {
  for (const { services } of models) refuseNameClashes(services);
  const lacking = models.flatMap(({ services, model }) =>
    services.filter(({ name }) => model.services[name]?.image === undefined).map(({ name }) => name),
  );
  const errors = [...new Set(lacking)].map(
    (name) =>
      new UserError({
        code: 'image.missing',
        message: `services.${name} has no image for this release`,
        hint: 'Build first: `sluice build --images images.json`, then `sluice deploy --images images.json`. Or name one: --image SERVICE=REFERENCE.',
      }),
  );
  if (errors.length > 0) throw new UserErrors(errors);
}

/** {@link resolveModels} while connecting: docker compose takes as long as the hosts for their lease. */
export async function resolveBeside(
  loaded: LoadedTarget,
  opening: Promise<OpenTarget>,
  images: Readonly<Record<string, string>>,
): Promise<readonly HostModel[]> {
  const { config, target, effects } = loaded;
  const remotes = target.hosts.map(
    (_, index): RemoteFiles => ({
      exec: async (argv) => {
        const host = (await opening).hosts[index];
        if (host === undefined) throw new Error('a host of the target is not connected');
        return await host.exec(argv);
      },
    }),
  );
  return await resolveHostModels(config, target, remotes, images, asking(config, effects));
}

/** With the configurations of images that are not built here. */
export function asking(config: Config, effects: DeployEffects): ResolveEffects {
  return { ...effects, askImages: imageAsker(config, effects) };
}
