import { builtRegistries, passwordRegistry } from '../../config/images/app-registry.ts';
import type { ComposeModel, Config, HostModel, Target } from '../../config/model.ts';
import type { Host } from '../../host/model.ts';
import type { DeployEffects } from '../context.ts';
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
import { isUnchanged, planHost, uniqueRelease } from './host-plan.ts';
import { notesOf, warningsOf } from './plan-text.ts';

/** A release to plan, for every host of a target. */
export interface PrepareRequest {
  readonly config: Config;
  readonly target: Target;
  /** Wanted name of the release, such as a tag. It gets a number if other content has the name. */
  readonly release: string;
  readonly commit: string | undefined;
  /** The services of each host, in the order of `hosts`. */
  readonly models: readonly HostModel[];
  readonly hosts: readonly Host[];
  /** Replace edges that run another image than the configured one. */
  readonly replaceEdges?: boolean;
  /** Services of strategy `keep` to replace in place (`--replace`). */
  readonly replace?: readonly string[];
}

export interface Prepared {
  readonly plan: DeployPlan;
  /** Files that the release mounts, in the order of the hosts. */
  readonly files: readonly (readonly MountedFile[])[];
}

/** A host with the services it gets and the state it is in. */
interface Subject {
  readonly host: Host;
  readonly model: HostModel;
  readonly state: HostState;
}

/** A subject with the content of its release, which has no name yet. */
interface Draft extends Subject {
  readonly content: string;
  readonly composed: ComposeModel;
  readonly files: readonly MountedFile[];
  readonly presentImages: ReadonlySet<string>;
}

/** The common part of `deploy` and `plan`: images by digest, files, and the plan of every host. */
export async function prepare(
  request: PrepareRequest,
  states: readonly HostState[],
  effects: Pick<DeployEffects, 'env' | 'clock' | 'signal'>,
): Promise<Prepared> {
  const { config, target, hosts, models } = request;
  const subjects = subjectsOf(hosts, models, states);
  const ownRegistry = passwordRegistry(
    config,
    models.flatMap(({ model }) => builtRegistries(model)),
    effects.env,
  );
  const [resolved, engines, present] = await Promise.all([
    resolveAll(request, subjects, registryLogins(effects.env, ownRegistry), effects),
    Promise.all(hosts.map(({ engine }) => platformOfEngine(engine))),
    Promise.all(hosts.map(async (host) => [host, await presentImages(host)] as const)),
  ]);
  const presentOn = new Map(present);
  const drafts = await Promise.all(
    subjects.map((subject) => draftOf(config, subject, resolved, presentOn.get(subject.host) ?? new Set())),
  );
  const release = uniqueRelease(request.release, 'same', drafts.flatMap(knownReleases));
  const plans = drafts.map((draft) => planDraft(request, release, draft, effects));
  const carried = await requireCarried(plans, effects);
  const images = [...resolved.values(), ...carried];
  requirePlatforms(plans, new Map(images.map((image) => [image.reference, image.platforms])), engines);
  const plan = {
    app: config.app,
    target: target.name,
    release,
    unchanged: drafts.every(({ state }, index) => isSame(plans[index], state)),
    hosts: plans,
    primary: primaryHost(config, models),
    passwordRegistry: ownRegistry,
    notes: notesOf(models),
    warnings: warningsOf(models),
  };
  return { plan, files: drafts.map(({ files }) => files) };
}

function subjectsOf(
  hosts: readonly Host[],
  models: readonly HostModel[],
  states: readonly HostState[],
): Subject[] {
  return models.map((model, index) => {
    const [host, state] = [hosts[index], states[index]];
    if (host === undefined || state === undefined) throw new Error(`no state of ${model.host.name}`);
    return { host, model, state };
  });
}

async function draftOf(
  config: Config,
  subject: Subject,
  resolved: ReadonlyMap<string, ResolvedImage>,
  present: ReadonlySet<string>,
): Promise<Draft> {
  const { model, state } = subject;
  const moved = await moveMounts(model, layoutOf(model.host.root, config.app).files);
  const services = Object.entries(moved.model.services).map(([name, service]) => {
    // The build section is not part of the content: two machines make the same release.
    const { build: _build, ...rest } = service;
    const image =
      service.image && (resolved.get(service.image)?.reference ?? keptImage(state, name, service.image));
    return [name, { ...rest, ...(image ? { image } : {}) }] as const;
  });
  const composed = { ...moved.model, services: Object.fromEntries(services) };
  const content = contentHash(composed, model.services);
  return { ...subject, content, composed, files: moved.files, presentImages: present };
}

/** Names that are taken on a host; `same` if the name has the draft's content there. */
function knownReleases({ state, content }: Draft): { release: string; content: string }[] {
  return state.releases.map((record) => ({
    release: record.release,
    content: record.content === content ? 'same' : record.content,
  }));
}

function planDraft(
  { config, target, commit, replace = [], replaceEdges = false }: PrepareRequest,
  release: string,
  { model, state, content, composed, files, presentImages: present }: Draft,
  { clock }: Pick<DeployEffects, 'clock'>,
): HostPlan {
  const record: ReleaseRecord = {
    version: 1,
    release,
    app: config.app,
    target: target.name,
    content,
    createdAt: new Date(clock.now()).toISOString(),
    commit,
    model: composed,
    services: model.services,
    references: referencesOf(model.model),
    envKeys: model.envKeys,
    envVersion: model.envVersion,
    files: [...new Set(files.map((file) => file.hash))],
  };
  return planHost({
    host: model.host.name,
    record,
    state,
    presentImages: present,
    edges: wantedEdges(record, state, config.edge.image),
    edgeImage: config.edge.image,
    replace,
    replaceEdges,
  });
}

function isSame(plan: HostPlan | undefined, state: HostState): boolean {
  return plan !== undefined && isUnchanged(plan, state);
}

/** Backup and migration run on the host of the database; without a database, on the first host. */
function primaryHost(config: Config, models: readonly HostModel[]): string {
  const service = config.backup?.service ?? config.migrate?.service;
  const found = models.find((model) => model.services.some((plan) => plan.name === service));
  return (found ?? models[0])?.host.name ?? '';
}

/** A kept service keeps its digest while its tag in the compose file stays the same. */
function keptImage(state: HostState, service: string, reference: string): string {
  const before = releaseNamed(state, state.current);
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

/** Images to look up. A running store keeps its image, even if its tag has another digest by now. */
function neededReferences(
  { model, state }: Subject,
  { config, replace = [] }: Pick<PrepareRequest, 'config' | 'replace'>,
): string[] {
  const images = model.services.flatMap((plan) => {
    const image = model.model.services[plan.name]?.image;
    const isKept = plan.strategy === 'keep' && !replace.includes(plan.name);
    const runs = state.containers.some((container) => container.service === plan.name && container.running);
    return image === undefined || (isKept && runs) ? [] : [image];
  });
  return images.filter((image) => image !== config.edge.image);
}

/** Each image is looked up from one host, so that all hosts run the same digest. */
async function resolveAll(
  request: Pick<PrepareRequest, 'config' | 'replace'>,
  subjects: readonly Subject[],
  logins: RegistryLogins,
  effects: Pick<DeployEffects, 'signal'>,
): Promise<Map<string, ResolvedImage>> {
  const asked = new Set<string>();
  const wanted = subjects.map((subject) => {
    const references = neededReferences(subject, request).filter((reference) => !asked.has(reference));
    for (const reference of references) asked.add(reference);
    return { host: subject.host, references };
  });
  const maps = await Promise.all(
    wanted.map(({ host, references }) => resolveDigests(host, references, logins, effects.signal)),
  );
  return new Map(maps.flatMap((map) => [...map]));
}
