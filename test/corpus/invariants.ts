import type { ComposeService } from '../../src/config/model.ts';
import type { Mismatch } from './compare.ts';
import { filesRoot, type Resolved } from './resolved.ts';

const routingLabel =
  /^(?:traefik\.|caddy(?:_\d+)?(?:\.|$)|caddy_ingress_network$|com\.github\.nginx-proxy\.)/i;
const routingVariable = /^(?:VIRTUAL_(?:HOST|PORT|PATH|HOST_MULTIPORTS)|LETSENCRYPT_HOST|ACME_HOST)$/;
/** Takes a container out of Traefik's sight, which is what a color needs. */
const traefikOff = /^traefik\.enable$/i;

/** What holds for every repository, whatever its expectation says: see the names of the functions. */
export function brokenInvariants(resolved: Resolved, places: readonly string[]): Mismatch[] {
  const { after } = resolved;
  const nothing: Mismatch[] =
    resolved.services.length === 0 ? [wrong('services', 'none would be deployed, and that is no error')] : [];
  if (after === undefined) return nothing;
  return [
    ...nothing,
    ...lostNames(resolved, after),
    ...routedColors(resolved, after),
    ...pathsOfTheRunner(after, places),
  ];
}

/** Whatever another container may call answers to its name and aliases on each of its networks. */
function lostNames({ services, before }: Resolved, after: NonNullable<Resolved['after']>): Mismatch[] {
  return services.flatMap(({ name, strategy }) => {
    const service = before[name];
    if (service === undefined || strategy === 'job' || service.network_mode !== undefined) return [];
    return Object.entries(service.networks ?? { default: null }).flatMap(([network, settings]) => {
      const aliases = [name, ...(settings?.aliases ?? []), service.container_name ?? name];
      const missing = [...new Set(aliases)].filter((alias) => !answers(after, network, alias));
      if (missing.length === 0) return [];
      return [wrong(name, `nothing answers to ${missing.join(', ')} on network ${network} (${strategy})`)];
    });
  });
}

function answers(after: NonNullable<Resolved['after']>, network: string, alias: string): boolean {
  return Object.entries(after).some(([name, service]) => {
    const networks = service.networks ?? { default: null };
    if (!Object.hasOwn(networks, network)) return false;
    return [name, service.container_name, ...(networks[network]?.aliases ?? [])].includes(alias);
  });
}

/** What a routing proxy reads is at the edge, and at no color. */
function routedColors({ services, before }: Resolved, after: NonNullable<Resolved['after']>): Mismatch[] {
  return services.flatMap(({ name, strategy }) => {
    const marks = routingOf(before[name]);
    if (strategy !== 'blue-green' || marks.length === 0) return [];
    const color = routingOf(after[`${name}-blue`]);
    const missing = marks.filter((mark) => !routingOf(after[`${name}-edge`]).includes(mark));
    return [
      ...(color.length === 0
        ? []
        : [wrong(name, `its colors have ${color.join(', ')}: a proxy bypasses the edge`)]),
      ...(missing.length === 0 ? [] : [wrong(name, `its edge lacks ${missing.join(', ')}`)]),
    ];
  });
}

/** Labels and variables that make a proxy send traffic to a container. */
function routingOf(service: ComposeService | undefined): string[] {
  const labels = Object.entries(service?.labels ?? {})
    .filter(([label, value]) => routingLabel.test(label) && !(traefikOff.test(label) && value === 'false'))
    .map(([label]) => label);
  const variables = Object.entries(service?.environment ?? {})
    .filter(([variable, value]) => routingVariable.test(variable) && value !== null && value !== '')
    .map(([variable]) => variable);
  return [...labels, ...variables];
}

/** No path of the machine where Sluice runs becomes a path of a host. */
function pathsOfTheRunner(after: NonNullable<Resolved['after']>, places: readonly string[]): Mismatch[] {
  return Object.entries(after).flatMap(([name, { volumes = [] }]) =>
    volumes
      .filter(({ type, source }) => type === 'bind' && source !== undefined && !source.startsWith(filesRoot))
      .filter(({ source = '' }) => places.some((place) => source === place || source.startsWith(`${place}/`)))
      .map(({ source, target }) => wrong(name, `${target} is mounted from ${source}, a path of the runner`)),
  );
}

function wrong(subject: string, text: string): Mismatch {
  return { subject, severity: 'wrong', text: `${subject}: ${text}` };
}
