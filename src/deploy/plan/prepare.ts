import { builtRegistries, passwordRegistry } from '../../config/images/app-registry.ts';
import type { ComposeModel, Config, HostModel } from '../../config/model.ts';
import type { Host } from '../../host/model.ts';
import type { DeployEffects } from '../context.ts';
import type { DeployRequest } from '../deploy.ts';
import { type DeployPlan, type HostPlan, layoutOf, type ReleaseRecord } from '../model.ts';
import { type HostState, releaseNamed } from '../on-host/state.ts';
import { platformOfEngine, requirePlatforms } from '../preflight/platforms.ts';
import { type MountedFile, moveMounts } from '../project/files.ts';
import {
  presentImages,
  type RegistryLogins,
  type ResolvedImage,
  registryLogins,
  resolveDigests,
} from '../project/images.ts';
import { contentHash } from '../project/project.ts';
import { wantedEdges } from '../traffic/edges.ts';
import { requireCarried } from '../transfer/transfer.ts';
import { isUnchanged, planHost, uniqueRelease } from './plan.ts';
import { notesOf, warningsOf } from './plan-text.ts';

export type PrepareRequest = Omit<
  DeployRequest,
  'models' | 'options' | 'force' | 'replaceEdges' | 'replace'
> & {
  readonly models: readonly HostModel[];
  readonly replaceEdges?: boolean;
  readonly replace?: readonly string[];
};

/** What `deploy` and `plan` share: images by digest, files, and the plan for every host. */
export async function prepare(
  request: PrepareRequest,
  states: readonly HostState[],
  effects: Pick<DeployEffects, 'env' | 'clock' | 'signal'>,
): Promise<{ plan: DeployPlan; files: readonly MountedFile[][] }> {
  const { config, target, hosts, models } = request;
  const replace = request.replace ?? [];
  const isKept = (name: string, strategy: string) => strategy === 'keep' && !replace.includes(name);
  const wanted = models.map((model, index) =>
    neededReferences(model, states[index], config.edge.image, isKept),
  );
  const own = passwordRegistry(
    config,
    models.flatMap(({ model }) => builtRegistries(model)),
    effects.env,
  );
  const [resolved, present, engines] = await Promise.all([
    resolveAll(hosts, wanted, registryLogins(effects.env, own), effects),
    Promise.all(hosts.map(presentImages)),
    Promise.all(hosts.map(({ engine }) => platformOfEngine(engine))),
  ]);
  const drafts = await Promise.all(
    models.map(async (host, index) => {
      const state = states[index];
      const layout = layoutOf(host.host.root, config.app);
      const moved = await moveMounts(host, layout.files);
      const services = Object.entries(moved.model.services).map(([name, service]) => {
        // Where it was built is no part of what runs: two machines make the same release.
        const { build: _build, ...rest } = service;
        const image =
          service.image && (resolved.get(service.image)?.reference ?? keptImage(state, name, service.image));
        return [name, { ...rest, ...(image ? { image } : {}) }] as const;
      });
      const model = { ...moved.model, services: Object.fromEntries(services) };
      return { host, state, moved: { ...moved, model }, content: contentHash(model, host.services) };
    }),
  );
  const known = states.flatMap((state, index) =>
    state.releases.map((record) => ({
      release: record.release,
      // The name is taken if on any host it stands for something else than it would now.
      content: record.content === drafts[index]?.content ? 'same' : record.content,
    })),
  );
  const release = uniqueRelease(request.release, 'same', known);
  const plans = drafts.map(({ host, state, moved, content }, index): HostPlan => {
    if (state === undefined) throw new Error(`no state of ${host.host.name}`);
    const record: ReleaseRecord = {
      version: 1,
      release,
      app: config.app,
      target: target.name,
      content,
      createdAt: new Date(effects.clock.now()).toISOString(),
      commit: request.commit,
      model: moved.model,
      services: host.services,
      references: referencesOf(host.model),
      envKeys: host.envKeys,
      envVersion: host.envVersion,
      files: [...new Set(moved.files.map((file) => file.hash))],
    };
    return planHost({
      host: host.host.name,
      record,
      state,
      presentImages: present[index] ?? new Set(),
      edges: wantedEdges(record, state, config.edge.image),
      edgeImage: config.edge.image,
      replace,
      replaceEdges: request.replaceEdges === true,
    });
  });
  const unchanged = plans.every((plan, index) => {
    const state = states[index];
    return state !== undefined && isUnchanged(plan, state);
  });
  const primary = primaryHost(config, models);
  const carried = await requireCarried(plans, effects);
  const images = [...resolved.values(), ...carried];
  requirePlatforms(plans, new Map(images.map((image) => [image.reference, image.platforms])), engines);
  const remarks = { notes: notesOf(models), warnings: warningsOf(models) };
  const plan = {
    app: config.app,
    target: target.name,
    release,
    unchanged,
    hosts: plans,
    primary,
    passwordRegistry: own,
    ...remarks,
  };
  return { plan, files: drafts.map((draft) => [...draft.moved.files]) };
}

/** Backup and migration happen where the database is; without one, on the first host. */
function primaryHost(config: Config, models: readonly HostModel[]): string {
  const service = config.backup?.postgres ?? config.migrate?.service;
  const found = models.find((model) => model.services.some((plan) => plan.name === service));
  return (found ?? models[0])?.host.name ?? '';
}

/** A kept service goes on with the digest it was made from, as long as its tag in the compose file is the same. */
function keptImage(state: HostState | undefined, service: string, reference: string): string {
  const before = state === undefined ? undefined : releaseNamed(state, state.current);
  const same = before?.references?.[service] === reference;
  return (same ? before?.model.services[service]?.image : undefined) ?? reference;
}

function referencesOf(model: ComposeModel): Record<string, string> {
  return Object.fromEntries(
    Object.entries(model.services).flatMap(([name, { image }]) =>
      image === undefined ? [] : [[name, image]],
    ),
  );
}

/** Stateful services that run keep their image, whatever the registry says of its tag. */
function neededReferences(
  model: HostModel,
  state: HostState | undefined,
  edgeImage: string,
  isKept: (name: string, strategy: string) => boolean,
): string[] {
  const images = model.services.flatMap((plan) => {
    const runs = state?.containers.some((container) => container.service === plan.name && container.running);
    const image = model.model.services[plan.name]?.image;
    return image === undefined || (isKept(plan.name, plan.strategy) && runs) ? [] : [image];
  });
  return images.filter((image) => image !== edgeImage);
}

async function resolveAll(
  hosts: readonly Host[],
  wanted: readonly string[][],
  logins: RegistryLogins,
  effects: Pick<DeployEffects, 'signal'>,
): Promise<Map<string, ResolvedImage>> {
  const byHost = new Map<Host, string[]>();
  const asked = new Set<string>();
  for (const [index, references] of wanted.entries()) {
    const host = hosts[index];
    if (host === undefined) continue;
    // One host asks for each image, so that all hosts run the same digest.
    byHost.set(
      host,
      references.filter((reference) => !asked.has(reference)),
    );
    for (const reference of references) asked.add(reference);
  }
  const maps = await Promise.all(
    [...byHost].map(([host, references]) => resolveDigests(host, references, logins, effects.signal)),
  );
  return new Map(maps.flatMap((map) => [...map]));
}
