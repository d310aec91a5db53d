import { type HealthCheck, healthCheckOf, validPort } from '../health/check.ts';
import { healthOf } from '../health/request.ts';
import type { ComposeModel, ComposeService, HealthRequest, PlannedPort, ServiceConfig } from '../model.ts';
import { routingOf } from '../routing/routing.ts';
import { isOwnImage } from '../services/ownership.ts';
import { commandLine } from '../services/programs.ts';
import type { SeenService } from '../services/stores.ts';
import { isAdminVariable, namedPorts, referencesTo } from './hints.ts';
import { type KnownPort, knownPorts } from './image-ports.ts';
import { isAdminPort } from './known-ports.ts';
import { modeOf, type PortFacts } from './modes.ts';

/** Context of a service; more context gives better results. */
export interface PortSight {
  readonly name?: string | undefined;
  /** The other services, which may call this one. */
  readonly model?: ComposeModel | undefined;
  /** `registry` of sluice.yml. */
  readonly registry?: string | undefined;
}

export interface FoundPorts {
  /** Container ports, the main one first. */
  readonly ports: readonly PlannedPort[];
  /** Where the main one was found, to go into a sentence: "port 8000 from `expose`". */
  readonly from: string;
  /** Path the edge asks on the main port. */
  readonly health: string | undefined;
  /** The request, unless it is a plain GET. */
  readonly request?: HealthRequest;
  /** The service’s own health check, as far as it can be read. */
  readonly check: HealthCheck | undefined;
  /** Unused parts of the ports and the health check, one sentence each. */
  readonly notes: readonly string[];
}

/** An edge carries no more: a longer range is meant for something else (RTP, passive FTP). */
export const mostPorts = 16;

/**
 * The ports of a service, main one first: config, then what labels route to, what the compose file publishes and
 * exposes (the one that the health check asks comes first, then one that speaks HTTP), then the health check’s URL,
 * the command, PORT, and the servers’ own defaults.
 *
 * @returns undefined if nothing names a port.
 */
export function findPorts(
  service: SeenService,
  config: ServiceConfig,
  sight: PortSight = {},
): FoundPorts | undefined {
  const declared = declaredPorts(service);
  const line = commandLine(service);
  const isOwn = isOwnImage(service, sight.registry);
  const facts: PortFacts = {
    service,
    config,
    name: sight.name,
    declared,
    line,
    check: healthCheckOf(service, sight.name),
    routing: routingOf(service, sight.name),
    isOwn,
    // The app’s own image may be called redis; its base identifies it.
    known: knownPorts(isOwn ? service.from : service.image),
    commanded: portOfCommand(line),
    references: referencesTo(service, sight.name, sight.model),
    named: namedPorts(
      service,
      line,
      Object.keys(sight.model?.services ?? {}).filter((other) => other !== sight.name),
    ),
  };
  const main = mainPort(facts);
  if (main === undefined) return undefined;
  const named = Object.keys(config.modes ?? {}).map(Number);
  const all = [...new Set([main.port, ...named, ...declared])];
  const ports = all.slice(0, mostPorts).map((port) => ({ port, ...modeOf(port, facts, port === main.port) }));
  const { health, request, notes } = healthOf(ports, facts);
  const left = all.slice(mostPorts);
  return {
    ports,
    from: main.from,
    health,
    check: facts.check,
    ...(request === undefined ? {} : { request }),
    notes: [...notes, ...(left.length === 0 ? [] : [leftOut(left)]), ...elseNotes(service)],
  };
}

function leftOut(ports: readonly number[]): string {
  const [first, last] = [ports[0], ports.at(-1)];
  const count = ports.length === 1 ? `port ${first}` : `${ports.length} ports (${first} to ${last})`;
  return `the edge forwards at most ${mostPorts} ports: ${count} cannot be reached through it`;
}

function elseNotes(service: ComposeService): string[] {
  const exposed = (service.expose ?? []).flatMap(
    (text) => /^\d+(?:-\d+)?\/(?:udp|sctp)$/.exec(text)?.[0] ?? [],
  );
  // HTTP/3 beside HTTP: clients fall back to TCP.
  const lost = exposed.filter((port) => port !== '443/udp');
  if (lost.length === 0) return [];
  const protocols = [...new Set(lost.map((port) => port.split('/')[1]?.toUpperCase()))];
  return [
    `the edge does not forward ${protocols.join(' and ')}: ${lost.join(', ')} is reachable only on the containers`,
  ];
}

/** ``port 8025 from `ports`: http (mailpit: web UI); 1025: tcp (mailpit: SMTP)``, the end of a sentence. */
export function portsText({ ports, from }: Pick<FoundPorts, 'ports' | 'from'>): string {
  const texts = ports.map(({ port, mode, why }, index) => {
    const place = index === 0 ? `port ${port} from ${from}` : `${port}`;
    return `${place}: ${mode} (${why})`;
  });
  return texts.join('; ');
}

type Main = { readonly port: number; readonly from: string };

function mainPort(facts: PortFacts): Main | undefined {
  const { service, config, declared, check, routing, commanded } = facts;
  if (config.port !== undefined) return { port: config.port, from: 'sluice.yml' };
  const isHttp = (port: number) => modeOf(port, facts, false).mode === 'http';
  const routed = routing?.ports.filter(({ mode }) => mode !== 'udp') ?? [];
  const first = routed.find(({ mode }) => mode === 'http') ?? routed[0];
  if (first !== undefined) return { port: first.port, from: first.from };
  const asked = check?.port !== undefined && !asksAdmin(facts, check) ? check.port : undefined;
  const published = publishedPorts(service);
  // Of a range of thousands the beginning tells enough.
  const likely = declared.slice(0, 4 * mostPorts);
  const exposed = likely.filter((port) => !published.includes(port));
  const beside = (ports: readonly number[]) => {
    const usual = ports.filter((port) => !isAdminPort(port) && !isAdminVariable(service, port));
    return usual.find(isHttp) ?? usual[0] ?? ports[0];
  };
  const counts = asked !== undefined && declared.includes(asked) && (isHttp(asked) || !likely.some(isHttp));
  if (asked !== undefined && counts) return { port: asked, from: 'its health check' };
  const open = beside(published);
  if (open !== undefined) return { port: open, from: '`ports`' };
  const inner = beside(exposed);
  if (inner !== undefined) return { port: inner, from: '`expose`' };
  if (asked !== undefined) return { port: asked, from: 'its health check' };
  if (commanded !== undefined) return { port: commanded, from: 'its command' };
  for (const name of portVariables) {
    const value = validPort(/(?:^|:)(\d{1,5})\/?$/.exec(String(service.environment?.[name] ?? ''))?.[1]);
    if (value !== undefined) return { port: value, from: `the variable ${name}` };
  }
  const [named] = Object.keys(config.modes ?? {}).map(Number);
  return named === undefined ? defaultPort(facts) : { port: named, from: 'sluice.yml' };
}

/** Variables that set where a server listens; the last ones are those of .NET, Nuxt, Flask and Rocket. */
const portVariables = [
  ...['PORT', 'HTTP_PORT', 'SERVER_PORT', 'UVICORN_PORT'],
  ...['ASPNETCORE_HTTP_PORTS', 'ASPNETCORE_URLS', 'NITRO_PORT', 'FLASK_RUN_PORT', 'ROCKET_PORT'],
];

/** Whether a check requests an administration port, which may be healthy while the app is not. */
function asksAdmin({ service }: PortFacts, { port, path }: HealthCheck): boolean {
  if (port === undefined) return false;
  if (isAdminPort(port) || isAdminVariable(service, port)) return true;
  const published = publishedPorts(service);
  const isBeside = published.length > 0 && !published.includes(port);
  return (
    isBeside &&
    /^\/(?:actuator|management|manage|q\/|metrics|stub_status|nginx_status|server-status)/.test(path ?? '')
  );
}

/** Docker knows TCP, UDP and SCTP; a port without a protocol is one of TCP. */
export const isTcp = ({ protocol }: { readonly protocol?: string }) =>
  protocol === undefined || protocol === 'tcp';

/** A protocol besides TCP that a service publishes a port for, in capitals: the edge carries TCP alone. */
export function publishedElse(service: ComposeService): string | undefined {
  return service.ports?.find((port) => !isTcp(port))?.protocol?.toUpperCase();
}

/** Container ports that are published over TCP, each once. */
export function publishedPorts(service: ComposeService): number[] {
  return [...new Set((service.ports ?? []).filter(isTcp).map(({ target }) => target))];
}

/** TCP ports that are published, then those that are exposed, each once. */
function declaredPorts(service: ComposeService): number[] {
  const published = publishedPorts(service);
  const exposed = (service.expose ?? []).flatMap((text) => {
    const [, first, last, protocol] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(text) ?? [];
    const [from, to] = [validPort(first), validPort(last ?? first)];
    if (from === undefined || to === undefined || to < from || !isTcp({ protocol: protocol ?? 'tcp' }))
      return [];
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
  return [...new Set([...published, ...exposed])];
}

function portOfCommand(line: string): number | undefined {
  const patterns = [
    /(?:--bind|--listen|--addr(?:ess)?|--http-address|--urls|(?:^|\s)-b|(?:^|\s)-l)[= ]\s*["']?(?:https?:\/\/)?(?:[\w.*+-]*|\[[\da-f:]*\]):(\d{1,5})\b/i,
    /(?:--port|--http-port|--server-port|--server\.port|-Dserver\.port|(?:^|\s)-p)[= ]\s*["']?(\d{2,5})\b/,
    /\b(?:runserver|http\.server)\s+(?:\S*:)?(\d{2,5})\b/,
    /(?:^|\s)(?:0\.0\.0\.0|\[::\]|\*):(\d{2,5})\b/,
    /(?:^|\s):(\d{4,5})(?:\s|$)/,
  ];
  for (const pattern of patterns) {
    const port = validPort(pattern.exec(line)?.[1]);
    if (port !== undefined) return port;
  }
  return undefined;
}

/** Default port of a server. */
function defaultPort({ line, known, service }: PortFacts): Main | undefined {
  const servers: readonly (readonly [RegExp, number])[] = [
    [/\b(?:uvicorn|gunicorn|hypercorn|granian|daphne|runserver|php artisan serve)\b/, 8000],
    [/\b(?:next start|nuxt start|rails s(?:erver)?|puma|strapi start)\b/, 3000],
    [/\bvite preview\b/, 4173],
    [/\bphp-fpm\b/, 9000],
    [/\bnginx\b|\bapache2?ctl\b|\bhttpd\b|\bcaddy run\b/, 80],
  ];
  const server = servers.find(([pattern]) => pattern.test(line));
  if (server !== undefined) return { port: server[1], from: 'its server’s default' };
  const ports = runsItself(service) ? (known ?? knownPorts(service.image)) : undefined;
  const port = (ports?.find(isMainHttp) ?? ports?.find(({ mode }) => mode === 'http'))?.port;
  return port === undefined ? undefined : { port, from: 'its image' };
}

/** Whether it is what the image is made for: `command: worker` of an app’s image serves nothing. */
function runsItself({ command, image }: ComposeService): boolean {
  const [first = ''] = command ?? [];
  const program = first.split('/').at(-1) ?? '';
  return first === '' || first.startsWith('-') || (image ?? '').includes(program);
}

/** Not the one for its administration or its metrics. */
function isMainHttp({ mode, why }: KnownPort): boolean {
  return mode === 'http' && !/administration|management|metrics|health|status|monitoring/.test(why);
}

/**
 * Published ports of a service that anybody can reach. One of the loopback address has a proxy of the server in front
 * (docs/decisions/0015-who-is-in-front-of-an-edge.md).
 */
export function openPorts({ ports = [] }: Pick<ComposeService, 'ports'>): string[] {
  return ports.flatMap(({ published, host_ip: ip = '' }) =>
    published === undefined || /^(?:127\.|\[?::1\]?$)/.test(ip) ? [] : [published],
  );
}
