import type { ComposeService } from '../model.ts';
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
