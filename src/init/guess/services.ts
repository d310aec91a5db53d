import type { Images } from '../../config/images/built-images.ts';
import type { ImageAnswers } from '../../config/images/service-images.ts';
import type { ComposeModel, ComposeService, ServiceConfig, ServicePlan } from '../../config/model.ts';
import { dataOf, writableVolumes } from '../../config/services/stores.ts';
import { planServices } from '../../config/services/strategies.ts';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import type { ServiceSight } from '../study/services.ts';

/** How a service is deployed, and the keys that sluice.yml needs for that. */
export interface ServiceGuess {
  readonly name: string;
  readonly plan: ServicePlan;
  /** Only keys that the compose files do not imply; empty: sluice.yml needs none. */
  readonly own: ServiceConfig;
  readonly why: readonly string[];
  /** Keys that may be right, written as a comment. */
  readonly maybe: Maybe | undefined;
  /** Variable that its port comes from, where only a target knows the number. */
  readonly portFrom?: string;
}

/** Keys of a service that the user has to decide on. */
export interface Maybe {
  /** When they are right: the beginning of a sentence. */
  readonly when: string;
  readonly own: Readonly<Record<string, string | number | readonly string[]>>;
}

type Draft = { own: ServiceConfig; why: string[] };

/**
 * Strategies as the deploy itself infers them, with what only the sources know added where it makes a difference.
 *
 * @param present `services:` of the existing sluice.yml, which is not changed; undefined: the file has none.
 */
export function guessServices(
  model: ComposeModel,
  sights: readonly ServiceSight[],
  registry: string | undefined,
  answers: Pick<ImageAnswers, 'images'> = { images: {} },
  present?: Readonly<Record<string, ServiceConfig>>,
): ServiceGuess[] {
  try {
    return guessesFrom(model, sights, registry, answers, present);
  } catch (error) {
    if (present === undefined || !(error instanceof UserError || error instanceof UserErrors)) throw error;
    // `sluice plan` reports the faults of an existing section.
    return guessesFrom(model, sights, registry, answers, undefined);
  }
}

function guessesFrom(
  model: ComposeModel,
  sights: readonly ServiceSight[],
  registry: string | undefined,
  answers: Pick<ImageAnswers, 'images'>,
  present: Readonly<Record<string, ServiceConfig>> | undefined,
): ServiceGuess[] {
  const built = sights.flatMap(({ name, image }) => (image === undefined ? [] : [[name, image] as const]));
  const images = { ...answers.images, ...Object.fromEntries(built) };
  const drafts = new Map<string, Draft>(
    sights.map(({ name }) => [name, { own: present?.[name] ?? {}, why: [] }]),
  );
  const better = planWith(model, images, drafts, registry);
  const maybes = new Map(
    sights.map((sight) => [sight.name, addHealth(sight, drafts, better, present !== undefined)]),
  );
  const final = planWith(model, images, drafts, registry);
  return final.map((plan) => {
    const { own, why } = drafts.get(plan.name) ?? { own: {}, why: [] };
    const sight = sights.find(({ name }) => name === plan.name);
    const maybe = maybes.get(plan.name) ?? maybeShared(plan, model.services[plan.name], sight);
    return { name: plan.name, plan, own, why, maybe };
  });
}

/**
 * Plans the services as a deploy does. A service that cannot be switched for a reason its compose file gives becomes `recreate`,
 * with that reason.
 */
function planWith(
  model: ComposeModel,
  images: Images,
  drafts: Map<string, Draft>,
  registry: string | undefined,
): ServicePlan[] {
  for (;;) {
    const services = Object.fromEntries([...drafts].map(([name, { own }]) => [name, own]));
    try {
      const config = { services, registry, migrate: undefined, backup: undefined, places: {} };
      return planServices(model, config, { images });
    } catch (error) {
      const faults = error instanceof UserErrors ? error.errors.map(({ message }) => message) : [];
      let changed = false;
      for (const name of Object.keys(model.services)) {
        const fault = faults.find((message) =>
          message.startsWith(`services.${name}: it cannot be blue-green`),
        );
        const draft = drafts.get(name) ?? { own: {}, why: [] };
        if (fault === undefined || draft.own.strategy !== undefined) continue;
        drafts.set(name, {
          own: { ...draft.own, strategy: 'recreate' },
          why: [...draft.why, reasonIn(fault)],
        });
        changed = true;
      }
      if (!changed) throw error;
    }
  }
}

function reasonIn(fault: string): string {
  return fault.replace(/^services\.[^:]*: it /, 'it ');
}

/** @returns the guess that is not sure enough to be written as more than a comment. */
function addHealth(
  sight: ServiceSight,
  drafts: ReadonlyMap<string, Draft>,
  plans: readonly ServicePlan[],
  isKept: boolean,
): Maybe | undefined {
  const plan = plans.find(({ name }) => name === sight.name);
  const draft = drafts.get(sight.name);
  const isHttp = plan?.strategy === 'blue-green' && plan.ports[0]?.mode === 'http';
  if (!isHttp || draft === undefined || plan.health !== undefined || sight.health === undefined)
    return undefined;
  const { path, at, sure, port } = sight.health;
  // An admin port can be healthy while the app is not.
  if (port !== undefined && port !== plan.ports[0]?.port) return undefined;
  // An existing `services:` stays as it is.
  if (!sure || isKept) {
    return {
      when: `If ${path} (${at}) answers 2xx for the host \`localhost\`, use it as the health path`,
      own: { health: path },
    };
  }
  draft.own = { ...draft.own, health: path };
  draft.why.push(`health: ${at}`);
  return undefined;
}

/** Uploads are the usual reason for a volume of the app, and two versions can write them at once. */
function maybeShared(
  plan: ServicePlan,
  service: ComposeService | undefined,
  sight: ServiceSight | undefined,
): Maybe | undefined {
  const isStore = service !== undefined && dataOf(service) !== undefined;
  const volumes =
    service?.build === undefined || isStore ? [] : writableVolumes(service).flatMap(({ name }) => name ?? []);
  if (plan.strategy !== 'recreate' || !/^it writes to /.test(plan.reason) || volumes.length === 0)
    return undefined;
  const port = sight?.image?.ports[0]?.port;
  const names = volumes.join(' and ');
  return {
    when: `If two versions can write to ${names} at once (such as uploads), share it to switch without interruption`,
    own: { ...(port === undefined ? {} : { port }), 'shared-volumes': volumes },
  };
}
