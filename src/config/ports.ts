import type { ComposeService, ServiceConfig } from './model.ts';
import { commandLine } from './programs.ts';
import { imageKind } from './stores.ts';

/** Paths that mean the same in a URL and in a proxy's configuration: no quotes, blanks, variables or escapes. */
export const healthPathPattern = /^\/[A-Za-z0-9._~%&+,=:@/?-]*$/;

export interface FoundPorts {
  /** Container ports, the main one first. */
  readonly ports: readonly { readonly port: number; readonly mode: 'http' | 'tcp' }[];
  /** Where the main one was found, to go into a sentence: "port 8000 from `expose`". */
  readonly from: string;
  readonly health: string | undefined;
}

/** Ports of protocols that are no HTTP: they are passed through as they are. */
const notHttp = new Set([
  ...[
    21, 22, 25, 53, 110, 143, 389, 443, 465, 587, 636, 993, 995, 1883, 3306, 5432, 5672, 6379, 8443, 8883,
    9092, 27017,
  ],
  50051, // gRPC: HTTP/2 without TLS
]);
/** More than these is a range meant for something else (RTP, FTP data). */
const maxPorts = 16;

/**
 * The ports of a service, main one first: config, then what the compose file publishes and exposes (the one that the
 * health check asks comes first), then the health check's URL, the command, PORT, and the servers' own defaults.
 *
 * @returns undefined if nothing tells a port.
 */
export function findPorts(service: ComposeService, config: ServiceConfig): FoundPorts | undefined {
  const check = healthTarget(service);
  const declared = declaredPorts(service);
  const main = mainPort(service, config, declared, check?.port);
  if (main === undefined) return undefined;
  const isFastCgi =
    /\bphp-fpm\b/.test(commandLine(service)) || /^[^/]*(?:.*\/)?php:[\w.-]*fpm/.test(service.image ?? '');
  const modeOf = (port: number): 'http' | 'tcp' => {
    if (port === main.port && config.mode !== undefined) return config.mode;
    const isTls = check?.tls === true && (check.port ?? main.port) === port;
    return notHttp.has(port) || isTls || isFastCgi ? 'tcp' : 'http';
  };
  const all = [main.port, ...declared.filter((port) => port !== main.port)].slice(0, maxPorts);
  const ports = all.map((port) => ({ port, mode: modeOf(port) }));
  const asksMain = check?.port === undefined || check.port === main.port;
  const health = config.health ?? (asksMain ? check?.path : undefined);
  return { ports, from: main.from, health: ports[0]?.mode === 'http' ? health : undefined };
}

function mainPort(
  service: ComposeService,
  config: ServiceConfig,
  declared: readonly number[],
  checked: number | undefined,
): { port: number; from: string } | undefined {
  if (config.port !== undefined) return { port: config.port, from: 'sluice.yml' };
  if (checked !== undefined && declared.includes(checked)) return { port: checked, from: 'its health check' };
  const published = service.ports?.find(isTcp)?.target;
  if (published !== undefined) return { port: published, from: '`ports`' };
  if (declared[0] !== undefined) return { port: declared[0], from: '`expose`' };
  if (checked !== undefined) return { port: checked, from: 'its health check' };
  const line = commandLine(service);
  const commanded = portOfCommand(line);
  if (commanded !== undefined) return { port: commanded, from: 'its command' };
  for (const name of ['PORT', 'HTTP_PORT', 'SERVER_PORT', 'UVICORN_PORT']) {
    const value = validPort(service.environment?.[name]);
    if (value !== undefined) return { port: value, from: `the variable ${name}` };
  }
  return defaultPort(line, service);
}

const isTcp = ({ protocol }: { readonly protocol?: string }) => protocol === undefined || protocol === 'tcp';

/** Published ports, then exposed ones, each once. */
function declaredPorts(service: ComposeService): number[] {
  const published = (service.ports ?? []).filter(isTcp).map(({ target }) => target);
  const exposed = (service.expose ?? []).flatMap((text) => {
    const [, first, last, protocol] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(text) ?? [];
    const [from, to] = [validPort(first), validPort(last ?? first)];
    if (from === undefined || to === undefined || to < from || !isTcp({ protocol: protocol ?? 'tcp' }))
      return [];
    return Array.from({ length: Math.min(to - from + 1, maxPorts) }, (_, index) => from + index);
  });
  return [...new Set([...published, ...exposed])];
}

export interface HealthTarget {
  readonly port: number | undefined;
  readonly path: string | undefined;
  readonly tls: boolean;
}

/** What a health check asks: the URL of the container itself in its command, or a TCP port it tries. */
export function healthTarget(service: ComposeService): HealthTarget | undefined {
  const { test, disable } = service.healthcheck ?? {};
  if (test === undefined || disable === true || test[0] === 'NONE') return undefined;
  const line = test.slice(1).join(' ').replaceAll('$$', '$').slice(0, 4096);
  const local = String.raw`(?:localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[::1?\]|\$\{?HOSTNAME\}?)`;
  const port = String.raw`(?::(?:(\d{1,5})|\$\{?\w+(?::-\d+)?\}?))?`;
  const path = String.raw`(\/[^\s"'\`()\\,;|&<>]*)?`;
  const url = new RegExp(`(https?)://${local}${port}${path}`, 'i').exec(line);
  if (url !== null) {
    const [whole, scheme = '', number, found] = url;
    const tls = scheme.toLowerCase() === 'https';
    const fallback = /:\$/.test(whole) ? undefined : tls ? 443 : 80;
    return { port: validPort(number) ?? fallback, path: cleanPath(found ?? '/'), tls };
  }
  const bare = new RegExp(`\\b(?:curl|wget)\\b.*?\\s["']?${local}${port}${path}`, 'i').exec(line);
  if (bare !== null) return { port: validPort(bare[1]) ?? 80, path: cleanPath(bare[2] ?? '/'), tls: false };
  const tcp =
    /\bnc\s+(?:-\S+\s+)*(?:localhost|127\.0\.0\.1|0\.0\.0\.0)\s+(\d{1,5})\b|\/dev\/tcp\/(?:localhost|127\.0\.0\.1)\/(\d{1,5})\b/.exec(
      line,
    );
  const tried = validPort(tcp?.[1] ?? tcp?.[2]);
  return tried === undefined ? undefined : { port: tried, path: undefined, tls: false };
}

/** A path with variables in it can't be asked from outside. */
function cleanPath(path: string): string | undefined {
  return healthPathPattern.test(path) ? path : undefined;
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

/** What a server listens on when nobody tells it. */
function defaultPort(line: string, service: ComposeService): { port: number; from: string } | undefined {
  const servers: readonly (readonly [RegExp, number, string])[] = [
    [
      /\b(?:uvicorn|gunicorn|hypercorn|granian|daphne|runserver|php artisan serve)\b/,
      8000,
      'its server’s default',
    ],
    [/\b(?:next start|nuxt start|rails s(?:erver)?|puma|strapi start)\b/, 3000, 'its server’s default'],
    [/\bvite preview\b/, 4173, 'its server’s default'],
    [/\bphp-fpm\b/, 9000, 'its server’s default'],
    [/\bnginx\b|\bapache2?ctl\b|\bhttpd\b|\bcaddy run\b/, 80, 'its server’s default'],
  ];
  const server = servers.find(([pattern]) => pattern.test(line));
  if (server !== undefined) return { port: server[1], from: server[2] };
  const images: Readonly<Record<string, number>> = {
    nginx: 80,
    'nginx-unprivileged': 8080,
    httpd: 80,
    caddy: 80,
    traefik: 80,
    wordpress: 80,
    ghost: 2368,
    metabase: 3000,
  };
  const kind = imageKind(service);
  const port = kind !== undefined && Object.hasOwn(images, kind) ? images[kind] : undefined;
  return port === undefined ? undefined : { port, from: 'its image' };
}

function validPort(value: string | number | null | undefined): number | undefined {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65535 ? port : undefined;
}
