import { UserError, UserErrors } from '../../kernel/errors.ts';
import type { ComposeModel, Config, HostConfig, ServicePlan, Target } from '../model.ts';
import { placeOf } from '../sluice-yml/normalise.ts';
import { holdsData } from './stores.ts';
import { unknownService } from './strategy-faults.ts';

/** Which host of a target runs what. */
export interface Placement {
  /** Names of services by the host's name, in the order of the compose file. */
  readonly services: Readonly<Record<string, readonly string[]>>;
  /** The host that the database of `backup` runs on. */
  readonly backupHost: HostConfig | undefined;
  /** The host that `migrate` runs on: the one with the database if it runs the service, too. */
  readonly migrateHost: HostConfig | undefined;
  /** Where what is done once is done: the backup's host, else the migration's, else the first. */
  readonly primaryHost: HostConfig;
  /** Notes for the plan, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Places the services of an app on the hosts of a target: a host runs those it names, or all.
 *
 * @param plans of all services of the app.
 * @throws UserErrors `config.unknown-service` for a name that does not exist, `config.placement` for data or a
 * scheduler on two hosts and for a migration or backup without a host.
 */
export function placeServices(
  config: Pick<Config, 'migrate' | 'backup' | 'places'>,
  target: Target,
  model: ComposeModel,
  plans: readonly ServicePlan[],
): Placement {
  const names = plans.map(({ name }) => name);
  const hostsOf = (name: string) => target.hosts.filter((host) => host.services?.includes(name) ?? true);
  const homeless = (path: string, name: string) => nowhere(config, target, path, name);

  const errors = [...unknownNames(config, target, names), ...doubles(config, target, model, plans)];
  const { backup, migrate } = config;
  const [backupHost] = backup === undefined ? [] : hostsOf(backup.service);
  if (backup !== undefined && backupHost === undefined)
    errors.push(homeless(`backup.${backup.engine}`, backup.service));
  const migrateHosts = migrate === undefined ? [] : hostsOf(migrate.service);
  const migrateHost = migrateHosts.find((host) => host === backupHost) ?? migrateHosts[0];
  if (migrate !== undefined && migrateHost === undefined)
    errors.push(homeless('migrate.service', migrate.service));
  const primaryHost = backupHost ?? migrateHost ?? target.hosts[0];
  if (errors.length > 0) throw new UserErrors(errors);
  if (primaryHost === undefined) throw new Error(`target ${target.name} has no host`);

  const services: Record<string, readonly string[]> = Object.create(null);
  for (const host of target.hosts)
    services[host.name] = names.filter((name) => host.services?.includes(name) ?? true);
  const warnings = names
    .filter((name) => hostsOf(name).length === 0)
    .map((name) => `${name} does not run on any host of ${target.name}`);
  return { services, backupHost, migrateHost, primaryHost, warnings };
}

function unknownNames(config: Pick<Config, 'places'>, target: Target, known: readonly string[]): UserError[] {
  return target.hosts.flatMap((host, index) => {
    const path = ['targets', target.name, 'hosts', index, 'services'];
    const unknown = (host.services ?? []).filter((name) => !known.includes(name));
    return unknown.map((name) => unknownService(name, path, known, config));
  });
}

/** Services that may exist only once and are on two hosts: one error for all, because one change fixes all. */
function doubles(
  config: Pick<Config, 'places'>,
  target: Target,
  model: ComposeModel,
  plans: readonly ServicePlan[],
): UserError[] {
  const once = plans.flatMap((plan) => {
    const why = onlyOnce(plan, model);
    return why === undefined ? [] : [{ name: plan.name, why }];
  });
  const runs = (host: HostConfig, name: string) => host.services?.includes(name) ?? true;
  const wrong = once.filter(({ name }) => target.hosts.filter((host) => runs(host, name)).length > 1);
  if (wrong.length === 0) return [];
  const [, second] = target.hosts.filter((host) => runs(host, wrong[0]?.name ?? ''));
  const rest = plans.map(({ name }) => name).filter((name) => !once.some((single) => single.name === name));
  return [
    new UserError({
      code: 'config.placement',
      message: `targets.${target.name}: more than one host runs ${wrong.map(({ name, why }) => `${name} (${why})`).join(', ')}`,
      hint: `List the services on all hosts except one: { host: ${second?.name}, services: [${rest.join(', ')}] }`,
      ...placeOf(config, ['targets', target.name, 'hosts', target.hosts.indexOf(second as HostConfig)]),
    }),
  ];
}

/** Why a service must not run on two hosts; undefined if it can. */
function onlyOnce({ name, strategy }: ServicePlan, model: ComposeModel): string | undefined {
  if (strategy === 'singleton') return 'two at once do everything twice';
  const service = model.services[name];
  if (strategy === 'keep' && service !== undefined && holdsData(service)) return 'each has its own data';
  return undefined;
}

function nowhere(config: Pick<Config, 'places'>, target: Target, path: string, name: string): UserError {
  return new UserError({
    code: 'config.placement',
    message: `${path}: ${name} does not run on any host of ${target.name}`,
    hint: `Add ${name} to the services of a host.`,
    ...placeOf(config, path.split('.')),
  });
}
