import { UserError } from '../../kernel/errors.ts';
import type { ComposeModel, ComposeService, Config, ServicePlan } from '../model.ts';
import { mostPorts, publishedElse, publishedPorts } from '../ports/ports.ts';
import { placeOf } from '../sluice-yml/normalise.ts';
import { didYouMean } from '../sluice-yml/suggest.ts';
import { addressesOf } from './network-names.ts';
import { endsBecause } from './programs.ts';
import { isShared, sharedKeys, volumesFrom, writableVolumes } from './stores.ts';

type Sight = Pick<Config, 'services' | 'migrate' | 'backup' | 'places'>;

/** Names in sluice.yml that no service of the compose files has. */
export function unknownServices(model: ComposeModel, config: Sight): UserError[] {
  const known = Object.keys(model.services);
  const named: (readonly [string, readonly (string | number)[]])[] = [
    ...Object.keys(config.services).map((name) => [name, ['services', name]] as const),
    ...(config.migrate === undefined ? [] : [[config.migrate.service, ['migrate', 'service']] as const]),
    ...(config.backup === undefined
      ? []
      : [[config.backup.service, ['backup', config.backup.engine]] as const]),
  ];
  return named
    .filter(([name]) => !known.includes(name))
    .map(([name, path]) => unknownService(name, path, known, config));
}

/** @param path where sluice.yml names it. */
export function unknownService(
  name: string,
  path: readonly (string | number)[],
  known: readonly string[],
  config: Pick<Config, 'places'>,
): UserError {
  const where = (path.at(-1) === name ? path.slice(0, -1) : path).join('.');
  return new UserError({
    code: 'config.unknown-service',
    message: `${where}: unknown service "${name}"${didYouMean(name, known)}`,
    hint: `Available: ${known.join(', ')}. A service behind a profile exists only if COMPOSE_PROFILES of the target names the profile.`,
    ...placeOf(config, path),
  });
}

/** Parts that a blue-green service must not have, each with alternatives. */
export function blueGreenFaults(
  plan: ServicePlan,
  service: ComposeService,
  model: ComposeModel,
  config: Sight,
): UserError[] {
  const { name } = plan;
  const own = Object.hasOwn(config.services, name) ? config.services[name] : undefined;
  const at = placeOf(config, ['services', name, 'strategy']);
  const faults: UserError[] = [];
  const recreate = `services: { ${name}: { strategy: recreate } } (a short interruption when it changes)`;

  if (service.network_mode !== undefined) {
    const message = `services.${name}: it cannot be blue-green with network_mode: ${service.network_mode}`;
    faults.push(
      new UserError({
        code: 'compose.network',
        message,
        hint: `Remove network_mode, or set ${recreate}.`,
        ...at,
      }),
    );
  }
  for (const volume of writableVolumes(service)) {
    if (volume.name === undefined || isShared(own?.sharedVolumes, volume.name)) continue;
    const what = volume.isFolder ? volume.name : `the volume ${volume.name}`;
    faults.push(
      new UserError({
        code: 'compose.shared-volume',
        message: `services.${name}: it cannot be blue-green while it writes to ${what} (${volume.target}), because both colors write at once`,
        hint: `Mount it read-only (:ro). If two versions may write to it at once (uploads), add shared-volumes: [${volume.name}]. Otherwise set ${recreate}.`,
        ...at,
      }),
    );
  }
  const protocol = publishedElse(service);
  if (protocol !== undefined) {
    const message = `services.${name}: it cannot be blue-green, because it publishes ${protocol === 'UDP' ? 'a' : 'an'} ${protocol} port`;
    faults.push(
      new UserError({
        code: 'compose.udp',
        message,
        hint: `Move ${protocol} to a separate service, or set ${recreate}.`,
        ...at,
      }),
    );
  }
  const published = publishedPorts(service).length;
  if (published > mostPorts) {
    faults.push(
      new UserError({
        code: 'compose.many-ports',
        message: `services.${name}: it cannot be blue-green, because it publishes ${published} TCP ports and the edge forwards at most ${mostPorts}`,
        hint: `Publish fewer ports, or set ${recreate}.`,
        ...at,
      }),
    );
  }
  if (plan.ports.length === 0) {
    faults.push(
      new UserError({
        code: 'compose.no-port',
        message: `services.${name}: it cannot be blue-green without a port, and none was found in the compose file`,
        hint: `Set services: { ${name}: { port: 8000 } }, or strategy: workers if it serves nothing.`,
        ...at,
      }),
    );
  }
  faults.push(...tiedFaults(plan, model, config));
  return faults;
}

/**
 * A container that ends and only holds volumes for another one: what runs to its end is removed, and with it what
 * has no name.
 */
export function dataContainerFaults(plan: ServicePlan, model: ComposeModel, config: Sight): UserError[] {
  const { name } = plan;
  const user = Object.entries(model.services).find(([, service]) => volumesFrom(service).includes(name));
  const service = model.services[name];
  if (user === undefined || service === undefined || endsBecause(name, service) === undefined) return [];
  const path = service.volumes?.find(({ source }) => source === undefined)?.target;
  const at = path ?? 'the path of its data';
  return [
    new UserError({
      code: 'compose.data-container',
      message: `services.${name} exits at once and only holds the volumes of ${user[0]} (volumes_from)`,
      hint: `Give the volume a name in ${user[0]}: \`volumes: [${user[0]}-data:${at}]\`, with \`volumes: { ${user[0]}-data: }\` at the top level, and remove volumes_from. If there is data already, copy it first: docker run --rm --volumes-from ${name} -v ${user[0]}-data:/to alpine cp -a ${at}/. /to`,
      ...placeOf(config, ['services', name]),
    }),
  ];
}

/**
 * Other services that share the container of this one, although it has no single permanent container: it has two colors,
 * changes over last, or exits. Services that share the container of a `recreate` service are replaced with it.
 */
export function tiedFaults(
  { name, strategy }: Pick<ServicePlan, 'name' | 'strategy'>,
  model: ComposeModel,
  config: Pick<Config, 'places'>,
): UserError[] {
  if (strategy === 'recreate' || strategy === 'keep') return [];
  const isColored = strategy === 'blue-green' || strategy === 'workers';
  return Object.entries(model.services).flatMap(([other, service]) => {
    const keys: string[] = sharedKeys.filter((key) => service[key] === `service:${name}`);
    if (isColored && volumesFrom(service).includes(name)) keys.push('volumes_from');
    return keys.map(
      (key) =>
        new UserError({
          code: 'compose.tied',
          message: `services.${name}: its strategy cannot be ${strategy} while ${other} shares its container (${key})`,
          hint: `Remove ${key} from ${other}, or set services: { ${name}: { strategy: recreate } } (a short interruption when it changes).`,
          ...placeOf(config, ['services', name, 'strategy']),
        }),
    );
  });
}

/** The migration runs beside the service's own container, where it has one that a deploy does not replace by a color. */
export function migrateAddressFaults(
  plans: readonly ServicePlan[],
  model: ComposeModel,
  config: Pick<Config, 'migrate' | 'places'>,
): UserError[] {
  const plan = plans.find(({ name }) => name === config.migrate?.service);
  if (plan === undefined || plan.strategy === 'blue-green' || plan.strategy === 'workers') return [];
  const [address] = addressesOf(model.services[plan.name] ?? {});
  if (address === undefined) return [];
  return [
    new UserError({
      code: 'compose.fixed-address',
      message: `migrate.service: ${plan.name} has the fixed address ${address}, which the migration container cannot have at the same time`,
      hint: 'Name another service with the same image, or remove the address.',
      ...placeOf(config, ['migrate', 'service']),
    }),
  ];
}
