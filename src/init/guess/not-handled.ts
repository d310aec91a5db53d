import type { ComposeModel } from '../../config/model.ts';
import { imageRole, writableVolumes } from '../../config/services/stores.ts';
import { enumerate } from '../render/terminal.ts';
import { nameOf, type Tree } from '../study/tree.ts';
import type { DatabaseGuess } from './database.ts';
import type { ServiceGuess } from './services.ts';
import { type TargetGuess, tagTargets } from './targets.ts';

const platforms: readonly (readonly [string, RegExp])[] = [
  ['Helm', /(?:^|\/)Chart\.ya?ml$/],
  ['Kustomize', /(?:^|\/)kustomization\.ya?ml$/],
  ['Kubernetes', /(?:^|\/)(?:k8s|kubernetes|manifests)\/[^/]+\.ya?ml$/],
  ['Skaffold', /(?:^|\/)skaffold\.ya?ml$/],
  ['Nomad', /\.nomad(?:\.hcl)?$/],
  ['Fly.io', /(?:^|\/)fly\.toml$/],
  ['Render', /^render\.ya?ml$/],
  ['Heroku', /^app\.json$|^heroku\.yml$/],
  ['App Engine', /^app\.ya?ml$/],
  ['Kamal', /(?:^|\/)config\/deploy\.yml$/],
];

/** Parts of the app that a deploy does not handle, one sentence each. */
export function notHandled(facts: {
  readonly tree: Tree;
  readonly model: ComposeModel | undefined;
  readonly services: readonly ServiceGuess[];
  readonly backup: DatabaseGuess | undefined;
  readonly targets: readonly TargetGuess[];
  readonly chosen: readonly string[];
}): string[] {
  const { model, services, backup, targets } = facts;
  return [
    ...notBackedUp(backup, services, model),
    ...plainTcp(services),
    ...notTagged(targets),
    ...swarmKeys(model),
    ...otherPlatforms(facts.tree, facts.chosen),
  ];
}

function notBackedUp(
  backup: DatabaseGuess | undefined,
  services: readonly ServiceGuess[],
  model: ComposeModel | undefined,
): string[] {
  const stores = backup?.others ?? [];
  const written = services.flatMap(({ name, plan }) => {
    const service = model?.services[name];
    if (service === undefined || plan.strategy === 'keep' || imageRole(service) === 'cache') return [];
    return writableVolumes(service);
  });
  const namesOf = (isFolder: boolean) => [
    ...new Set(
      written.flatMap((writableVolume) =>
        writableVolume.isFolder === isFolder && writableVolume.name ? [writableVolume.name] : [],
      ),
    ),
  ];
  const [names, folders] = [namesOf(false), namesOf(true)];
  return [
    ...(stores.length === 0
      ? []
      : [`Not backed up: ${enumerate(stores)}. Sluice backs up one Postgres service.`]),
    ...(names.length === 0
      ? []
      : [`Not backed up: the ${names.length === 1 ? 'volume' : 'volumes'} ${enumerate(names)}.`]),
    ...(folders.length === 0 ? [] : [`Not backed up: ${enumerate(folders)} on the server.`]),
  ];
}

/** The guard counts HTTP responses; for other protocols it sees only connections. */
function plainTcp(services: readonly ServiceGuess[]): string[] {
  const ports = services.flatMap(({ name, plan }) =>
    plan.ports.filter(({ mode }) => mode === 'tcp').map(({ port }) => `${name}:${port}`),
  );
  if (ports.length === 0) return [];
  return [
    `Forwarded as plain TCP, so errors of the app do not revert a deploy: ${enumerate(ports)}. \`mode: http\` changes that.`,
  ];
}

function notTagged(targets: readonly TargetGuess[]): string[] {
  const [only] = targets;
  if (targets.length === 1 && only?.requireTag === true)
    return [
      `Manual runs on a branch: ${only.name} accepts only version tags. Run the workflow on a tag, or remove \`require-tag\`.`,
    ];
  if (targets.length < 2 || tagTargets(targets).length > 0) return [];
  return [
    `A version tag deploys nothing, because none of ${enumerate(targets.map(({ name }) => name))} is known as its target. Set \`require-tag: true\` below the target that tags deploy to.`,
  ];
}

/** Keys that only Swarm supports: https://docs.docker.com/reference/compose-file/deploy/ */
function swarmKeys(model: ComposeModel | undefined): string[] {
  const keys = ['placement', 'update_config', 'rollback_config', 'endpoint_mode'];
  const used = Object.entries(model?.services ?? {}).flatMap(([name, { deploy }]) =>
    keys
      .filter((key) => isSet((deploy as Record<string, unknown> | undefined)?.[key]))
      .map((key) => ({ name, key })),
  );
  if (used.length === 0) return [];
  const names = [...new Set(used.map(({ name }) => name))];
  const what = [...new Set(used.map(({ key }) => `deploy.${key}`))];
  return [`Docker Swarm keys have no effect: ${enumerate(what)} of ${enumerate(names)}.`];
}

/** docker compose prints an empty `placement` for each `deploy`. */
function isSet(value: unknown): boolean {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : value !== undefined;
}

function otherPlatforms({ files }: Tree, chosen: readonly string[]): string[] {
  const found = platforms.flatMap(([platform, pattern]) => {
    const at = files.find((file) => pattern.test(file));
    return at === undefined ? [] : [`${at} (${platform})`];
  });
  const stack = files.find(
    (file) => /^(?:docker-)?stack[\w.-]*\.ya?ml$/.test(nameOf(file)) && !chosen.includes(file),
  );
  const all = [...found, ...(stack === undefined ? [] : [`${stack} (Docker Swarm)`])];
  return all.length === 0 ? [] : [`Found but not used: ${enumerate(all)}.`];
}
