import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isHealthHeader, isHealthValue } from '../../config/health/request-syntax.ts';
import type { HealthRequest } from '../../config/model.ts';
import { healthDefaults } from '../steps/waiting/component-health.ts';
import { fill, type Values } from './edge-template.ts';

/** Default limit of client connections. */
export const defaultMaxConnections = 4000;

/**
 * Memory limit of an edge: three buffers for each connection with a request in flight (request, response and the copy
 * for a retry), plus HAProxy itself.
 */
export function edgeMemory(maxConnections: number): number {
  const needed = 128 * 1024 ** 2 + maxConnections * 3 * (defaultBufferBytes + 4096);
  return Math.max(512 * 1024 ** 2, needed);
}

const defaultBufferBytes = 36_864;

/** A port of the service's containers, on which the edge listens too. */
export interface EdgePort {
  readonly port: number;
  /** `http` routes each request; `tcp` each connection, for protocols other than HTTP/1.1 (gRPC). */
  readonly mode: 'http' | 'tcp';
}

/** HAProxy's health check. Without one, a replica that accepts connections is healthy. */
export interface EdgeHealth extends HealthRequest {
  readonly path: string;
  readonly port: number;
}

export interface EdgeSpec {
  /** The compose service. */
  readonly service: string;
  /** The compose project, part of {@link replicaName}. */
  readonly app: string;
  readonly ports: readonly EdgePort[];
  readonly health: EdgeHealth | null;
  /** Slots per color, default 10. Replicas beyond this get no traffic. */
  readonly maxReplicas?: number;
  /** How long WebSockets and streams may outlive a soft stop or a reload; default one day. */
  readonly drainSeconds?: number;
  /** How long a request waits while no replica is up, before it is answered 503; default 5. */
  readonly holdSeconds?: number;
  /** Time between health checks while nothing changes; default 1000 ms. */
  readonly checkIntervalMs?: number;
  /** Buffer for the headers of a request or a response, plus 1 kB; default 36 kB. */
  readonly bufferBytes?: number;
  /** Connections of clients, idle ones included; default {@link defaultMaxConnections}. Beyond it a request gets a 503. */
  readonly maxConnections?: number;
  /**
   * Clients reach its ports directly, so `X-Forwarded-For` counts only from these networks (`10.0.0.0/8`). Undefined: only
   * proxies and containers reach them.
   */
  readonly open?: { readonly trusted: readonly string[] };
  /** Networks whose connections begin with a PROXY header (v1 or v2). */
  readonly proxyProtocol?: readonly string[];
  /** Listen on IPv6 too. `only`: the network has no IPv4. */
  readonly ipv6?: boolean | 'only';
  /** `host:port` of the DNS server; default: the container's own, from /etc/resolv.conf. */
  readonly nameserver?: string;
  /** Folders of HAProxy's files and its socket; default {@link edgePaths}. */
  readonly paths?: { readonly config: string; readonly run: string };
}

export interface EdgeFile {
  /** Relative to the edge's directory on the host. */
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/** Mount points in the edge's container: the edge's directory (read-only) and its `run` folder (read-write). */
export const edgePaths = { config: '/etc/sluice', run: '/run/sluice' } as const;

/** The container's command. It needs only `sh` and `haproxy` in the image, and runs as any user. */
export const edgeCommand = ['sh', `${edgePaths.config}/supervise.sh`] as const;

/** Soft stop: open connections finish within the container's grace period. */
export const edgeStopSignal = 'SIGUSR1';

/** Makes the container reload its files without losing a connection. Only while no switch is armed. */
export const edgeReloadSignal = 'SIGHUP';

/** One `new URL` per file, so that the bundler includes it. */
const assets = {
  'haproxy.cfg': new URL('../../../edge/haproxy.cfg', import.meta.url),
  'guard.lua': new URL('../../../edge/guard.lua', import.meta.url),
  'commands.lua': new URL('../../../edge/commands.lua', import.meta.url),
  'dns.lua': new URL('../../../edge/dns.lua', import.meta.url),
  'replicas.lua': new URL('../../../edge/replicas.lua', import.meta.url),
  'watch.lua': new URL('../../../edge/watch.lua', import.meta.url),
  'json.lua': new URL('../../../edge/json.lua', import.meta.url),
  'supervise.sh': new URL('../../../edge/supervise.sh', import.meta.url),
} as const;

/**
 * All files of an edge except `active.map`, which is the deploy's state ({@link activeMap}).
 * @throws Error for a value that HAProxy's configuration cannot hold.
 */
export function edgeFiles(spec: EdgeSpec, image: string): EdgeFile[] {
  return contents(spec, edgeVersion(spec, image)).map(([path, content]) => ({ path, content, mode: 0o644 }));
}

/** Hash of files, settings and image: a running edge with another version is outdated. */
export function edgeVersion(spec: EdgeSpec, image: string): string {
  return createHash('sha256')
    .update(JSON.stringify([image, contents(spec, '-')]))
    .digest('hex')
    .slice(0, 12);
}

function contents(spec: EdgeSpec, version: string): [path: string, content: string][] {
  return Object.entries(assets).map(([path, url]) => [
    path,
    path === 'haproxy.cfg' ? renderEdgeConfig(spec, version) : readFileSync(url, 'utf8'),
  ]);
}

/**
 * Content of `active.map`: the color that a starting edge serves, addresses of a color without a name in DNS (an adopted
 * container), and names of a color other than {@link replicaName}. Replace the file by a rename. The edge reads it only
 * at its start.
 */
export function activeMap(
  active: 'blue' | 'green',
  addresses: Partial<Record<'blue' | 'green', readonly string[]>> = {},
  names: Partial<Record<'blue' | 'green', string>> = {},
): string {
  const lines = Object.entries(addresses).map(([colour, list]) => `servers-${colour} ${list.join(',')}`);
  const others = Object.entries(names).map(([colour, name]) => `name-${colour} ${name}`);
  return `${[`active ${active}`, ...lines, ...others].join('\n')}\n`;
}

/**
 * Name of a color's containers in Docker's DNS: `blue.web.shop.sluice`. It is unique on a network that other projects
 * share: project names are unique on an engine and have no dot.
 */
export function replicaName(app: string, service: string, colour: 'blue' | 'green'): string {
  return `${colour}.${service}.${app}.sluice`;
}

/**
 * The edge's haproxy.cfg.
 * @throws Error for a value that HAProxy's configuration cannot hold.
 */
export function renderEdgeConfig(spec: EdgeSpec, version: string): string {
  check(spec);
  const blocks: Record<string, readonly Values[]> = {
    'http port': portsOf(spec, 'http'),
    'tcp port': portsOf(spec, 'tcp'),
    colour: [{ colour: 'blue' }, { colour: 'green' }],
    health: spec.health === null ? [] : [{}],
    open: spec.open === undefined ? [] : [{}],
    trusted: networkLines(spec.open?.trusted ?? []),
    slot: Array.from({ length: spec.maxReplicas ?? 10 }, (_, at) => ({ slot: `${at + 1}` })),
    behind: networkLines(spec.proxyProtocol ?? []),
  };
  return fill(readFileSync(assets['haproxy.cfg'], 'utf8'), valuesOf(spec, version), (block, outer) => {
    const repetitions = blocks[block];
    if (repetitions === undefined) throw new Error(`edge/haproxy.cfg has an unknown block "${block}"`);
    return repetitions.map((inner) => ({ ...outer, ...inner }));
  });
}

/** HAProxy accepts 64 words a line, and joins ACLs of one name. */
function networkLines(networks: readonly string[]): Values[] {
  const count = Math.ceil(networks.length / 40);
  return Array.from({ length: count }, (_, at) => ({
    networks: networks.slice(at * 40, at * 40 + 40).join(' '),
  }));
}

function portsOf(spec: EdgeSpec, mode: EdgePort['mode']): Values[] {
  const ports = spec.ports.filter((port) => port.mode === mode).map((edgePort) => `${edgePort.port}`);
  // Two sockets: on a shared one IPv4 clients have addresses such as ::ffff:192.0.2.1.
  const bindOf = (port: string) =>
    ({ false: `:${port}`, true: `:${port},:::${port} v6only`, only: `:::${port} v6only` })[
      `${spec.ipv6 ?? false}`
    ];
  return ports.map((port) => ({ port, bind: bindOf(port) ?? '' }));
}

function valuesOf(spec: EdgeSpec, version: string): Values {
  return {
    service: spec.service,
    domain: replicaName(spec.app, spec.service, 'blue').slice('blue.'.length),
    version,
    config: spec.paths?.config ?? edgePaths.config,
    run: spec.paths?.run ?? edgePaths.run,
    nameserver: spec.nameserver ?? '-',
    family: spec.ipv6 === 'only' ? 'AAAA' : 'A',
    slots: `${spec.maxReplicas ?? 10}`,
    drain: `${spec.drainSeconds ?? 86_400}`,
    hold: `${Math.round((spec.holdSeconds ?? 5) * 1000)}`,
    buffer: `${spec.bufferBytes ?? defaultBufferBytes}`,
    // Enough for a company behind one address, and one client cannot use all connections.
    'per-source': `${Math.ceil((spec.maxConnections ?? defaultMaxConnections) / 4)}`,
    'check-interval': `${spec.checkIntervalMs ?? 1000}`,
    'max-connections': `${spec.maxConnections ?? defaultMaxConnections}`,
    // Room for refusals: at `maxconn` HAProxy accepts nothing, and the next client waits without a limit.
    'all-connections': `${Math.ceil((spec.maxConnections ?? defaultMaxConnections) * 1.1) + 50}`,
    'port-list': spec.ports.map(({ port, mode }) => `${port}/${mode}`).join(','),
    'check-port': spec.health === null ? '' : `port ${spec.health.port}`,
    'health-path': spec.health?.path ?? '-',
    'health-host': spec.health?.host ?? healthDefaults.host,
    'health-port': `${spec.health?.port ?? '-'}`,
    'health-headers': headersOf(spec.health)
      .map(([name, value]) => ` hdr ${name} '${value.replaceAll('%', '%%')}'`)
      .join(''),
    'health-lines': encodeURIComponent(
      headersOf(spec.health)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join(''),
    ).replaceAll("'", '%27'),
    'health-timeout': `${spec.health?.timeoutMs ?? healthDefaults.timeoutMs}`,
    'health-expect': spec.health?.expect ?? healthDefaults.expect,
  };
}

function headersOf(health: EdgeHealth | null): [name: string, value: string][] {
  return Object.entries(health?.headers ?? {});
}

/** The template has no quoting, so every text of a spec must stay one word of HAProxy's configuration. */
function check(spec: EdgeSpec): void {
  const [fault] = [...nameFaults(spec), ...numberFaults(spec), ...healthFaults(spec), ...addressFaults(spec)];
  if (fault === undefined) return;
  throw new Error(`cannot configure the edge of service ${JSON.stringify(spec.service)}: ${fault}`);
}

function nameFaults(spec: EdgeSpec): string[] {
  const name = replicaName(spec.app, spec.service, 'green');
  const isName = name.length <= 253 && name.split('.').every((label) => /^[a-zA-Z0-9_-]{1,63}$/.test(label));
  return isName ? [] : ['its name is not a valid host name'];
}

function numberFaults(spec: EdgeSpec): string[] {
  const ports = spec.ports.map(({ port }) => port);
  const hold = spec.holdSeconds ?? 5;
  type Range = readonly [name: string, value: number | undefined, least: number, most: number];
  const numbers: readonly Range[] = [
    ...[...ports, spec.health?.port].map((port) => ['port', port, 1, 65_535] as const),
    ['maxReplicas', spec.maxReplicas, 1, 100],
    ['drainSeconds', spec.drainSeconds, 1, 2_000_000],
    ['bufferBytes', spec.bufferBytes, 8_192, 1_048_576],
    ['checkIntervalMs', spec.checkIntervalMs, 100, 3_600_000],
    ['maxConnections', spec.maxConnections, 10, 200_000],
    ['health timeout', spec.health?.timeoutMs, 1, 604_800_000],
  ];
  return [
    ...(ports.length === 0 ? ['it has no port'] : []),
    ...(new Set(ports).size === ports.length ? [] : ['duplicate port']),
    ...(hold >= 0 && hold <= 600 ? [] : [`holdSeconds ${hold} is not 0-600`]),
    ...numbers
      .filter(
        ([, value, least, most]) =>
          value !== undefined && !(Number.isInteger(value) && value >= least && value <= most),
      )
      .map(([name, value, least, most]) => `${name} ${value} is not ${least}-${most}`),
  ];
}

function healthFaults({ health }: EdgeSpec): string[] {
  const header = headersOf(health).find(([name, value]) => !isHealthHeader(name) || !isHealthValue(value));
  return [
    ...(header === undefined ? [] : [`health header ${JSON.stringify(header[0])} cannot be sent`]),
    ...unlike(statuses, 'a list of expected statuses', [health?.expect]),
    ...unlike(/^\/[\w/.~!$&()*+,;=:@%?-]*$/, 'a plain health path', [health?.path]),
    ...unlike(/^[\w.:[\]-]+$/, 'a health host', [health?.host]),
  ];
}

const statuses = /^[1-5]\d\d(?:-[1-5]\d\d)?(?:,[1-5]\d\d(?:-[1-5]\d\d)?)*$/;

function addressFaults({ open, proxyProtocol = [], paths, nameserver }: EdgeSpec): string[] {
  return [
    ...unlike(/^[0-9a-fA-F.:]+(?:\/\d{1,3})?$/, 'a network', [...(open?.trusted ?? []), ...proxyProtocol]),
    ...unlike(/^\/[\w./-]*$/, 'a plain absolute path', [paths?.config, paths?.run]),
    ...unlike(/^[\w.:-]+$/, 'a nameserver', [nameserver]),
  ];
}

function unlike(pattern: RegExp, what: string, texts: readonly (string | undefined)[]): string[] {
  return texts
    .filter((text) => text !== undefined && !pattern.test(text))
    .map((text) => `${JSON.stringify(text)} is not ${what}`);
}
