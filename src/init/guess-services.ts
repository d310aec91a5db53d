import type { ComposeModel, ComposeService, ServiceConfig, ServicePlan } from '../config/model.ts';
import { writableVolumes } from '../config/service-facts.ts';
import { planServices } from '../config/strategies.ts';
import { UserErrors } from '../kernel/errors.ts';
import type { ServiceSight } from './study.ts';

/** How a service would be deployed, and what sluice.yml has to say for that. */
export interface ServiceGuess {
  readonly name: string;
  readonly plan: ServicePlan;
  /** Only what the compose files don’t tell; empty: nothing has to be written. */
  readonly own: ServiceConfig;
  /** Where `own` comes from. */
  readonly why: readonly string[];
  /** What may be right, and is written as a comment. */
  readonly maybe: Maybe | undefined;
  /** Variable that its port comes from, where only a target knows the number. */
  readonly portFrom?: string;
}

/** Keys of a service that only a person can decide on. */
export interface Maybe {
  /** When they are right: the beginning of a sentence. */
  readonly when: string;
  readonly own: Readonly<Record<string, string | number | readonly string[]>>;
}

type Draft = { own: ServiceConfig; why: string[] };

/** Strategies as the deploy itself infers them, with what Dockerfiles and sources know added where it makes a difference. */
export function guessServices(
  model: ComposeModel,
  sights: readonly ServiceSight[],
  registry: string | undefined,
): ServiceGuess[] {
  const drafts = new Map<string, Draft>(sights.map(({ name }) => [name, { own: {}, why: [] }]));
  const plain = planWith(model, drafts, registry);
  const fuller = planWith(withDockerfiles(model, sights), new Map(), registry, []);
  for (const sight of sights) {
    const draft = drafts.get(sight.name);
    const here = plain.find(({ name }) => name === sight.name);
    const there = fuller.find(({ name }) => name === sight.name);
    if (draft === undefined || here === undefined || there === undefined) continue;
    if (draft.own.strategy === undefined) addImageFacts(draft, here, there, sight);
  }
  const better = planWith(model, drafts, registry);
  const maybes = new Map(sights.map((sight) => [sight.name, addHealth(sight, drafts, better)]));
  const final = planWith(model, drafts, registry);
  return final.map((plan) => {
    const { own, why } = drafts.get(plan.name) ?? { own: {}, why: [] };
    const sight = sights.find(({ name }) => name === plan.name);
    const maybe = maybes.get(plan.name) ?? maybeShared(plan, model.services[plan.name], sight);
    return { name: plan.name, plan, own, why, maybe };
  });
}

/**
 * What a deploy would make of it. A service that can’t be switched for a reason its compose file gives becomes
 * `recreate`, with that reason.
 */
function planWith(
  model: ComposeModel,
  drafts: Map<string, Draft>,
  registry: string | undefined,
  told: string[] = [],
): ServicePlan[] {
  for (;;) {
    const services = Object.fromEntries([...drafts].map(([name, { own }]) => [name, own]));
    try {
      return planServices(model, { services, registry, migrate: undefined, backup: undefined, places: {} });
    } catch (error) {
      const faults = error instanceof UserErrors ? error.errors.map(({ message }) => message) : [];
      let changed = false;
      for (const name of Object.keys(model.services)) {
        const fault = faults.find((message) =>
          message.startsWith(`services.${name}: it can’t be blue-green`),
        );
        const draft = drafts.get(name) ?? { own: {}, why: [] };
        if (fault === undefined || draft.own.strategy !== undefined) continue;
        drafts.set(name, {
          own: { ...draft.own, strategy: 'recreate' },
          why: [...draft.why, reasonIn(fault)],
        });
        told.push(name);
        changed = true;
      }
      if (!changed) throw error;
    }
  }
}

function reasonIn(fault: string): string {
  return fault.replace(/^services\.[^:]*: it /, 'it ');
}

/** The model as it would be if the compose file repeated what the images say. */
function withDockerfiles(model: ComposeModel, sights: readonly ServiceSight[]): ComposeModel {
  const services = Object.entries(model.services).map(([name, service]): [string, ComposeService] => {
    const image = sights.find((sight) => sight.name === name)?.image;
    return [name, image === undefined ? service : filled(service, image)];
  });
  return { ...model, services: Object.fromEntries(services) };
}

function filled(service: ComposeService, image: NonNullable<ServiceSight['image']>): ComposeService {
  const isOwn = (service.command ?? []).length === 0 && (service.entrypoint ?? []).length === 0;
  const declares = (service.ports ?? []).length + (service.expose ?? []).length > 0;
  const check = image.healthcheck;
  return {
    ...service,
    // EXPOSE is about the image’s own command: a worker of the same image serves nothing.
    ...(isOwn && !declares && image.ports.length > 0 ? { expose: image.ports.map(String) } : {}),
    ...(isOwn && image.command.length > 0 ? { command: image.command } : {}),
    ...(service.healthcheck === undefined && check !== undefined && isOwn
      ? { healthcheck: { test: ['CMD-SHELL', check] } }
      : {}),
  };
}

function addImageFacts(draft: Draft, here: ServicePlan, there: ServicePlan, sight: ServiceSight): void {
  const from = sight.dockerfile ?? 'its Dockerfile';
  const port = there.ports[0]?.port;
  if (there.strategy === 'blue-green' && here.ports[0]?.port !== port && port !== undefined) {
    draft.own = { ...draft.own, port };
    draft.why.push(`port ${port}: ${from}`);
  } else if (there.strategy !== here.strategy && there.strategy !== 'recreate') {
    draft.own = { ...draft.own, strategy: there.strategy };
    draft.why.push(`${there.strategy}: ${there.reason} (${from})`);
  }
  if (there.health !== undefined && here.health === undefined && there.strategy === 'blue-green') {
    draft.own = { ...draft.own, health: there.health };
    draft.why.push(`health: HEALTHCHECK of ${from}`);
  }
}

/** @returns the guess that is not sure enough to be written as more than a comment. */
function addHealth(
  sight: ServiceSight,
  drafts: ReadonlyMap<string, Draft>,
  plans: readonly ServicePlan[],
): Maybe | undefined {
  const plan = plans.find(({ name }) => name === sight.name);
  const draft = drafts.get(sight.name);
  const isHttp = plan?.strategy === 'blue-green' && plan.ports[0]?.mode === 'http';
  if (!isHttp || draft === undefined || plan.health !== undefined || sight.health === undefined)
    return undefined;
  const { path, at, sure } = sight.health;
  if (!sure) {
    return {
      when: `If ${path} (${at}) answers 2xx to a request for the host \`localhost\``,
      own: { health: path },
    };
  }
  draft.own = { ...draft.own, health: path };
  draft.why.push(`health: ${at}`);
  return undefined;
}

/** Uploads are the usual reason for a volume of one's own app, and they bear two writers. */
function maybeShared(
  plan: ServicePlan,
  service: ComposeService | undefined,
  sight: ServiceSight | undefined,
): Maybe | undefined {
  const volumes =
    service?.build === undefined ? [] : writableVolumes(service).flatMap(({ name }) => name ?? []);
  if (plan.strategy !== 'recreate' || !/^it writes to the volume/.test(plan.reason) || volumes.length === 0)
    return undefined;
  const port = sight?.image?.ports[0];
  const names = volumes.join(' and ');
  return {
    when: `If two versions may write to ${names} at once (uploads, for instance), it is switched without an interruption`,
    own: { ...(port === undefined ? {} : { port }), 'shared-volumes': volumes },
  };
}
