import type { ComposeModel, ComposeService } from '../model.ts';
import { isOwnHost, ownNames } from '../services/network-names.ts';
import { nameParts } from '../services/programs.ts';
import { imageKind } from '../services/stores.ts';

/** The mode of a port, by the name of a variable, an option or a service. */
export interface NamedPort {
  readonly mode: 'http' | 'tcp';
  /** `the variable HTTP_PORT`, `the option --smtp`. */
  readonly why: string;
}

const place = /(?:^|_)(?:PORT|PORTS|ADDR|ADDRESS|LISTEN|BIND|URLS?|HOST|ENDPOINT|SOCKET)(?:_|$)/;
const otherProtocols =
  /(?:^|_)(?:HTTPS|TLS|SSL|GRPC|RPC|TCP|SMTPS?|SUBMISSION|IMAPS?|POP3?S?|LDAPS?|MQTTS?|AMQPS?|STOMP|SSH|SFTP|FTPS?|RTMP|RTSP|SIP|XMPP|DNS|SYSLOG|STATSD|GRAPHITE|JMX|RCON|QUERY|GAME|TURN|STUN|REDIS|POSTGRES|PG|MYSQL|MONGO|KAFKA|NATS|DEBUG|DEBUGGER|INSPECT|CLUSTER|GOSSIP|RAFT|FASTCGI|FPM|UWSGI|PROXY|SOCKS)(?:_|$)/;
const httpWords =
  /(?:^|_)(?:HTTP|WEB|WWW|UI|WEBUI|GUI|DASHBOARD|CONSOLE|FRONTEND|REST|GRAPHQL|METRICS|PROMETHEUS|HEALTH|ASPNETCORE|UVICORN|GUNICORN|NUXT|NITRO|FLASK|ROCKET)(?:_|$)/;

const inVariable = /^(?:https?:\/\/)?(?:([\w.*+-]{0,253}):|\[[\da-f:]{0,45}\]:)?(\d{1,5})\/?$/i;
const inOption =
  /(?:^|\s)--?([a-z][\w.-]{1,60})[= ]\s?["']?(?:[\w.*-]{0,80}:|\[[\da-f:]{0,45}\]:)?(\d{1,5})(?![\w.:])/gi;

/**
 * The modes of ports, by the names of the variables and options that have them as values.
 *
 * @param others names of the other services: `TRAINER_ADDR=trainer:3000` names a port of theirs.
 */
export function namedPorts(
  service: ComposeService,
  line: string,
  others: readonly string[] = [],
): ReadonlyMap<number, NamedPort> {
  const named = new Map<number, NamedPort>();
  const add = (name: string, port: string | undefined, why: string) => {
    const words = name.toUpperCase().replace(/[.-]/g, '_');
    const mode = otherProtocols.test(words) ? 'tcp' : httpWords.test(words) ? 'http' : undefined;
    if (mode !== undefined && !named.has(Number(port))) named.set(Number(port), { mode, why });
  };
  for (const [name, text] of Object.entries(service.environment ?? {})) {
    const [, owner = '', port] =
      typeof text === 'string' && text.length < 300 ? (inVariable.exec(text) ?? []) : [];
    if (port !== undefined && !others.includes(owner) && place.test(name.toUpperCase()))
      add(name, port, `the variable ${name}`);
  }
  for (const [, name = '', port] of line.matchAll(inOption)) add(name, port, `the option --${name}`);
  return named;
}

/** Whether PORT or a variable like it has this value: by convention the port on which an app of one’s own serves HTTP. */
export function portVariable(service: ComposeService, port: number): string | undefined {
  return ['PORT', 'APP_PORT', 'SERVER_PORT', 'LISTEN_PORT'].find(
    (name) => service.environment?.[name] === String(port),
  );
}

/** Whether a port is named as one for administration: `MANAGEMENT_SERVER_PORT`, `ADMIN_PORT`, `METRICS_PORT`. */
export function isAdminVariable(service: ComposeService, port: number): boolean {
  return Object.entries(service.environment ?? {}).some(
    ([name, value]) =>
      value === String(port) &&
      /(?:MANAGEMENT|ADMIN|METRICS|MONITOR|PROMETHEUS|HEALTH)\w{0,60}PORT$/i.test(name),
  );
}

const webNames =
  /^(?:web|webapp|website|webui|site|www|http|front|frontend|ui|dashboard|admin|portal|storefront|shop|blog|cms|docs|landing|api|rest|graphql|backend|nginx|apache|caddy|next|nuxt|rails|django|flask|laravel|wordpress|webhooks?)s?$/;
const appNames = /^(?:app|application|server|service|main|core|gateway|node|express|fastapi|spring)$/;

/**
 * The word by which a service calls itself something for the web.
 *
 * @param isOwn the app’s own image: there `app` and `server` count, too.
 */
export function webName(
  service: ComposeService,
  name: string | undefined,
  isOwn: boolean,
): string | undefined {
  const words = [...nameParts(name ?? ''), ...nameParts(imageKind(service) ?? '')];
  return (
    words.find((word) => webNames.test(word)) ??
    (isOwn ? words.find((word) => appNames.test(word)) : undefined)
  );
}

/** How a service is called somewhere in the compose files: `http://api:8000`, or `API_ADDR=api:8000` without a scheme. */
export interface Reference {
  readonly host: string;
  readonly port: number;
  /** Lower case; undefined: the address has none. */
  readonly scheme: string | undefined;
  /** The service’s own definition has it. */
  readonly isOwn: boolean;
  /** Variable that holds an address without a scheme. */
  readonly variable: string | undefined;
}

/** Texts beyond this are data, not settings. */
const longest = 16_384;
const defaultPorts: Readonly<Record<string, number>> = { http: 80, ws: 80, https: 443, wss: 443 };

const found = new WeakMap<ComposeModel, readonly Reference[]>();

/** Addresses by which a service is called, by others under one of its names and by itself with a scheme. */
export function referencesTo(
  service: ComposeService,
  name: string | undefined,
  model: ComposeModel | undefined,
): Reference[] {
  const names = ownNames(service, name);
  const mine = referencesOf(service);
  const isMine = (reference: Reference) =>
    mine.some(
      ({ host, port, variable }) =>
        host === reference.host && port === reference.port && variable === reference.variable,
    );
  const others = (model === undefined ? [] : referencesIn(model)).filter(
    (reference) => names.includes(reference.host) && !isMine(reference),
  );
  const own = mine.filter(
    ({ host, scheme }) => scheme !== undefined && isOwnHost(host.replaceAll('+', ''), names),
  );
  return [...others, ...own.map((reference) => ({ ...reference, isOwn: true }))];
}

/** All addresses that the services of a model are given in variables, commands and labels. */
function referencesIn(model: ComposeModel): readonly Reference[] {
  const known = found.get(model);
  if (known !== undefined) return known;
  const all = Object.values(model.services).flatMap(referencesOf);
  found.set(model, all);
  return all;
}

/** Addresses in the definition of one service. */
function referencesOf(service: ComposeService): Reference[] {
  const variables = Object.entries(service.environment ?? {});
  const texts = [
    ...variables.map(([, value]) => value),
    ...wordsOf(service.command),
    ...wordsOf(service.entrypoint),
    ...Object.values(service.labels ?? {}),
  ];
  return [
    ...texts.flatMap((text) => urlsIn(String(text ?? '').slice(0, longest))),
    ...variables.flatMap(([name, value]) => bareIn(name, String(value ?? ''))),
  ];
}

function wordsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}

function urlsIn(text: string): Reference[] {
  if (!text.includes('://')) return [];
  const pattern =
    /([a-z][a-z0-9+.-]{0,20}):\/\/(?:[^\s/@"'`]{1,200}@)?(\[[\da-f:]{0,45}\]|[\w.*+-]{1,253})(?::(\d{1,5})(?!\d))?/gi;
  return [...text.matchAll(pattern)].flatMap(([, scheme = '', host = '', digits]) => {
    const name = scheme.toLowerCase();
    const port = digits === undefined ? defaultPorts[name] : Number(digits);
    return port === undefined
      ? []
      : [{ scheme: name, host: host.toLowerCase(), port, isOwn: false, variable: undefined }];
  });
}

function bareIn(variable: string, value: string): Reference[] {
  const [, host, port] = /^([\w.-]{1,253}):(\d{1,5})$/.exec(value) ?? [];
  return host === undefined
    ? []
    : [{ scheme: undefined, host: host.toLowerCase(), port: Number(port), isOwn: false, variable }];
}
