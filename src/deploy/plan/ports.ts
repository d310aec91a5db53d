import { UserError } from '../../kernel/errors.ts';
import type { HostPlan, PlannedEdge, PlannedService, ReleaseRecord } from '../model.ts';
import type { HostState } from '../on-host/state.ts';
import type { HostPort } from '../preflight/host-network.ts';

/** A container that hands a published port to one of the new release. */
type Handover = HostPlan['handovers'][number];

interface Wanted extends HostPort {
  readonly service: string;
}

/**
 * Published ports that this deploy takes over from other containers of the app. A port of any other owner is a fault.
 *
 * @throws UserErrors `preflight.port-taken`.
 */
export function planPorts(
  host: string,
  record: ReleaseRecord,
  state: Pick<HostState, 'published' | 'listeners' | 'containers'>,
  {
    services,
    edges,
    before,
  }: {
    readonly services: readonly PlannedService[];
    readonly edges: readonly PlannedEdge[];
    /** The release that serves. */
    readonly before?: ReleaseRecord | undefined;
  },
): Handover[] {
  const found = new Map<string, Omit<Handover, 'ports'> & { readonly ports: Set<string> }>();
  for (const wanted of wantedPorts(record, services, edges)) {
    const holders = (state.published ?? []).filter((publishedPort) => overlaps(publishedPort, wanted));
    for (const holder of holders) {
      const own = state.containers.find(({ id }) => id === holder.container);
      if (own === undefined) throw taken(host, wanted, `container ${holder.name}`);
      // The service's own container is replaced, or hands the port to its edge (`takesPort`).
      if (own.service === wanted.service) continue;
      const isKept = services.some(({ service, action }) => service === own.service && action === 'keep');
      const isStore = before?.services.some(
        ({ name, strategy }) => name === own.service && strategy === 'keep',
      );
      if ((isKept || isStore === true) && own.edge === undefined)
        throw taken(host, wanted, `service ${own.service}`, 'which this deploy does not touch');
      // An adopted container serves as the first color until the switch.
      if (own.plain && services.some(({ service, action }) => service === own.service && action === 'colour'))
        throw taken(host, wanted, `container ${own.name}`, 'which is adopted with its ports');
      const key = `${own.name} ${wanted.service}`;
      const known = found.get(key) ?? {
        ...{ container: own.name, service: own.service, to: wanted.service },
        ports: new Set<string>(),
      };
      found.set(key, { ...known, ports: known.ports.add(shown(wanted)) });
    }
    const isListening = (state.listeners ?? []).some((listener) => overlaps(listener, wanted));
    if (holders.length === 0 && isListening) throw taken(host, wanted, 'a program on the host');
  }
  return [...found.values()].map((stray) => ({ ...stray, ports: [...stray.ports] }));
}

export function handoverWarnings(handovers: readonly Handover[]): string[] {
  return handovers.map(
    ({ service, to, ports }) =>
      `Port ${ports.join(', ')} moves from ${service} to ${to}. A port has one owner: when the new containers run, ${service} gives it up, and connections to it are refused for a few seconds. If the deploy fails, ${service} gets it back.`,
  );
}

/** Containers that a deploy stops for their published ports, and that an undo starts again. */
export function stoppedBy({ edges, handovers }: Pick<HostPlan, 'edges' | 'handovers'>): string[] {
  const adopted = edges.filter(({ takesPort }) => takesPort).flatMap((edge) => edge.adopted ?? []);
  return [...new Set([...adopted, ...handovers.map(({ container }) => container)])];
}

/** Ports that containers of this deploy publish from their start. */
function wantedPorts(
  record: ReleaseRecord,
  services: readonly PlannedService[],
  edges: readonly PlannedEdge[],
): Wanted[] {
  const opened = edges.filter(({ action }) => action === 'create' || action === 'replace');
  const started = services.filter(
    ({ plan, action }) =>
      plan.strategy !== 'blue-green' && (action === 'create' || action === 'replace' || action === 'swap'),
  );
  const names = [...opened.map(({ service }) => service), ...started.map(({ service }) => service)];
  return names.flatMap((service) =>
    (record.model.services[service]?.ports ?? []).flatMap(
      ({ published, protocol = 'tcp', host_ip: ip = '' }) =>
        // From a range the engine picks a free port.
        /^\d+$/.test(published ?? '') && published !== '0'
          ? [{ service, port: Number(published), protocol, ip: bare(ip) }]
          : [],
    ),
  );
}

function overlaps(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  const [one, other] = [bare(a.ip), bare(b.ip)];
  if (one === '' || other === '') return true;
  const isSix = (ip: string) => ip.includes(':');
  if (isSix(one) !== isSix(other)) return false;
  return one === other || isAny(one) || isAny(other);
}

function isAny(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

function bare(ip: string): string {
  return ip.replace(/^\[|\]$/g, '');
}

function shown({ ip, port, protocol }: HostPort): string {
  const at = ip === '' || isAny(ip) ? '' : `${ip.includes(':') ? `[${ip}]` : ip}:`;
  return `${at}${port}${protocol === 'tcp' ? '' : `/${protocol}`}`;
}

function taken(host: string, wanted: Wanted, owner: string, detail?: string): UserError {
  return new UserError({
    code: 'preflight.port-taken',
    message: `${host}: port ${shown(wanted)} of ${wanted.service} is in use by ${owner}${detail === undefined ? '' : `, ${detail}`}`,
    hint: `Stop ${owner === 'a program on the host' ? 'it' : owner}, or give ${wanted.service} another port.`,
  });
}
