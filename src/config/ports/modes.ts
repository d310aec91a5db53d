import type { HealthCheck } from '../health/check.ts';
import type { PortMode, ServiceConfig } from '../model.ts';
import type { Routing } from '../routing/routing.ts';
import type { SeenService } from '../services/stores.ts';
import { type NamedPort, portVariable, type Reference, webName } from './hints.ts';
import { type KnownPort, portOf } from './image-ports.ts';
import { isWebPort, protocolOf } from './known-ports.ts';

/** How a port is carried, and what shows it. */
export interface Mode {
  readonly mode: PortMode;
  readonly why: string;
}

/** All that is known of a service when its ports are judged. */
export interface PortFacts {
  readonly service: SeenService;
  readonly name: string | undefined;
  readonly config: ServiceConfig;
  readonly check: HealthCheck | undefined;
  readonly routing: Routing | undefined;
  readonly isOwn: boolean;
  /** Ports that the image is known for. */
  readonly known: readonly KnownPort[] | undefined;
  readonly declared: readonly number[];
  /** Entrypoint and command. */
  readonly line: string;
  /** Addresses by which other services and itself call it. */
  readonly references: readonly Reference[];
  /** Ports that variables and options name. */
  readonly named: ReadonlyMap<number, NamedPort>;
  /** The port that the command names. */
  readonly commanded: number | undefined;
}

type Rule = (port: number, facts: PortFacts, isMain: boolean) => Mode | undefined;

/**
 * How a port is carried: `http` only if something shows that HTTP/1.1 is spoken there, else `tcp`. Spoken to in the
 * wrong mode, a service of another protocol is broken; as `tcp` a web app only loses the switch by request and the
 * guard’s count of 5xx.
 *
 * @param isMain settings without a port (`mode:`, a check without a port) apply to this one.
 */
export function modeOf(port: number, facts: PortFacts, isMain: boolean): Mode {
  for (const rule of rules) {
    const mode = rule(port, facts, isMain);
    if (mode !== undefined) return mode;
  }
  return tcp('nothing shows that it speaks HTTP');
}

/** From settings for exactly this port to hints of its number only. */
const rules: readonly Rule[] = [
  fromConfig,
  fromRouting,
  fromCheck,
  fromHealthPath,
  fromProtocolOfProgram,
  fromImage,
  fromProgram,
  fromReferences,
  fromBareAddress,
  fromOwnAddress,
  (port, { named }) => named.get(port),
  fromDotnet,
  (_, { name, declared }) => {
    const isCalled = /(?:^|[-_.])grpc(?:[-_.]|$)/i.test(name ?? '') && declared.length <= 2;
    return isCalled ? tcp(`the name ${name} indicates gRPC, which needs HTTP/2`) : undefined;
  },
  (port) => {
    const protocol = protocolOf(port);
    return protocol === undefined ? undefined : tcp(`the port of ${protocol}`);
  },
  (_, { check }, isMain) =>
    isMain && check?.kind === 'client' && check.port === undefined
      ? tcp(`${check.what} checks it`)
      : undefined,
  fromPublished,
  (port) => (isWebPort(port) ? http('a common port of web servers') : undefined),
  fromName,
];

function fromConfig(port: number, { config }: PortFacts, isMain: boolean): Mode | undefined {
  const mode = config.modes?.[port] ?? (isMain ? config.mode : undefined);
  return mode === undefined ? undefined : { mode, why: 'sluice.yml' };
}

function fromRouting(port: number, { routing }: PortFacts, isMain: boolean): Mode | undefined {
  if (routing === undefined) return undefined;
  const routed = routing.ports.find((other) => other.port === port && other.mode !== 'udp');
  if (routed !== undefined) return { mode: routed.mode === 'http' ? 'http' : 'tcp', why: routed.from };
  if (!isMain || routing.ports.length > 0) return undefined;
  const why = `${routing.proxies.join(' and ')} routes to it`;
  return routing.needsTcp ? tcp(why) : protocolOf(port) === undefined ? http(why) : undefined;
}

function fromCheck(port: number, { check }: PortFacts, isMain: boolean): Mode | undefined {
  const isAsked = check !== undefined && (check.port === port || (check.port === undefined && isMain));
  if (!isAsked) return undefined;
  if (check.kind === 'http')
    return check.tls ? tcp('its health check uses https') : http('its health check uses http');
  if (check.kind === 'grpc') return tcp(`${check.what} checks it`);
  return check.kind === 'client' && check.port !== undefined ? tcp(`${check.what} checks it`) : undefined;
}

function fromHealthPath(port: number, { config }: PortFacts, isMain: boolean): Mode | undefined {
  const isPlain = isMain && config.health !== undefined && protocolOf(port) !== 'HTTPS';
  return isPlain ? http('sluice.yml sets a health path') : undefined;
}

/** Programs for which a port speaks something that a web server in front translates. */
function fromProtocolOfProgram(_: number, { service, line }: PortFacts): Mode | undefined {
  const isFpm = [service.image, service.from].some((image) => /(?:^|\/)php:[\w.-]*fpm/.test(image ?? ''));
  if (isFpm || /\bphp-fpm/.test(line)) return tcp('php-fpm speaks FastCGI');
  const isUwsgi =
    /\buwsgi\b.{0,300}(?:--(?:uwsgi-)?socket\b|\s-s\s)/.test(line) && !/--http(?:-socket)?\b/.test(line);
  return isUwsgi ? tcp('uwsgi speaks its own protocol') : undefined;
}

function fromImage(port: number, { known }: PortFacts): Mode | undefined {
  const found = portOf(known, port);
  return found === undefined ? undefined : { mode: found.mode, why: found.why };
}

const webServers =
  /(?:^|[\s/;&|("'])(uvicorn|gunicorn|hypercorn|granian|daphne|waitress-serve|runserver|fastapi (?:run|dev)|flask run|puma|unicorn|thin start|rackup|rails s(?:erver)?|next start|next dev|nuxt start|vite preview|ng serve|nginx|apache2?(?:ctl|-foreground)|httpd(?:-foreground)?|caddy (?:run|file-server)|frankenphp|artisan (?:serve|octane:start)|php -S|http-server|json-server|strapi start|streamlit run|jupyter|phx\.server|jekyll serve|hugo server|http\.server|flower)(?![\w.-])/;
const tlsOptions =
  /(?:--(?:certfile|ssl-certfile|ssl-keyfile|keyfile|ssl-cert|tls-cert\S{0,9}|cert|https)\b|\bssl:\d)/;

function fromProgram(port: number, { line, commanded }: PortFacts, isMain: boolean): Mode | undefined {
  if (commanded === undefined ? !isMain : commanded !== port) return undefined;
  const program = webServers.exec(line)?.[1];
  if (program === undefined || protocolOf(port) === 'HTTPS') return undefined;
  return tlsOptions.test(line) ? tcp(`${program} runs with a certificate`) : http(`${program} serves it`);
}

/** The scheme that other services use for its name. */
function fromReferences(port: number, { references }: PortFacts): Mode | undefined {
  return byScheme(references.filter((reference) => reference.port === port && !reference.isOwn));
}

/**
 * gRPC is given addresses without a scheme. Such a variable outweighs a port that looks like the web, and the
 * service’s own URL: what .NET calls http:// may be HTTP/2.
 */
function fromBareAddress(port: number, { references }: PortFacts): Mode | undefined {
  const address = references.find(
    (reference) =>
      reference.port === port && !reference.isOwn && /GRPC|RPC|_ADDR$/i.test(reference.variable ?? ''),
  );
  return address === undefined ? undefined : tcp(`${address.variable} refers to it without http://`);
}

function fromOwnAddress(port: number, { references }: PortFacts): Mode | undefined {
  return byScheme(references.filter((reference) => reference.port === port && reference.isOwn));
}

/** The Dockerfile that .NET's tools write exposes 8080 for HTTP and 8081 for HTTPS: https://aka.ms/customizecontainer */
function fromDotnet(port: number, { service, declared }: PortFacts): Mode | undefined {
  const isDotnet = [service.image, service.from].some((image) =>
    /\bdotnet\/(?:core\/)?aspnet\b/.test(image ?? ''),
  );
  return isDotnet && port === 8081 && declared.includes(8080)
    ? tcp('.NET Dockerfiles expose HTTPS on it')
    : undefined;
}

function byScheme(references: readonly Reference[]): Mode | undefined {
  const schemes = references.flatMap(({ scheme }) => scheme ?? []);
  const scheme = schemes.find((name) => name === 'http' || name === 'ws') ?? schemes[0];
  if (scheme === undefined) return undefined;
  return {
    mode: scheme === 'http' || scheme === 'ws' ? 'http' : 'tcp',
    why: `it is addressed as ${scheme}://`,
  };
}

/** Browsers speak HTTP to port 80 of a host, and TLS to 443. */
function fromPublished(port: number, { service }: PortFacts): Mode | undefined {
  const published = (service.ports ?? [])
    .filter((other) => other.target === port && (other.protocol ?? 'tcp') === 'tcp')
    .flatMap((other) => other.published ?? []);
  const plain = published.find((number) => number === '80' || number === '8080');
  if (plain !== undefined) return http(`published on port ${plain}`);
  const secure = published.find((number) => number === '443' || number === '8443');
  return secure === undefined ? undefined : tcp(`published on port ${secure}, where clients speak TLS`);
}

/** The only port of something that is called web or api, or of an image of one’s own with PORT. */
function fromName(port: number, facts: PortFacts): Mode | undefined {
  const { service, config, name, isOwn, declared } = facts;
  if (declared.some((other) => other !== port)) return undefined;
  const variable = portVariable(service, port);
  // PHP’s images expose 9000 for FastCGI, and apps are built on them.
  if (port === 9000 && variable === undefined && config.port !== port) return undefined;
  const word = webName(service, name, isOwn);
  if (word !== undefined) return http(`the only port of a service called ${word}`);
  return isOwn && variable !== undefined ? http(`the variable ${variable}`) : undefined;
}

function http(why: string): Mode {
  return { mode: 'http', why };
}

function tcp(why: string): Mode {
  return { mode: 'tcp', why };
}
