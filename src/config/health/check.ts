import type { ComposeService } from '../model.ts';
import { isOwnHost, ownNames } from '../services/network-names.ts';
import { type CheckText, checkText } from './check-text.ts';
import { clientAddresses, type HttpAsk, httpAsk } from './http-check.ts';
import { healthPathPattern } from './request-syntax.ts';

/** The probe that the health check of a service runs against its own container. */
export interface HealthCheck {
  /**
   * `http`: a request. `tcp`: a connection. `grpc`: gRPC’s health service. `client`: a program with its own
   * protocol (pg_isready, redis-cli). `script`: a file or program that the definition does not show.
   */
  readonly kind: 'http' | 'tcp' | 'grpc' | 'client' | 'script';
  /** undefined: a variable names it that nothing sets, or the program asks its own default. */
  readonly port: number | undefined;
  /** Of a request: its path, undefined if a variable is in it. */
  readonly path: string | undefined;
  readonly tls: boolean;
  /** The program that asks: `curl`, `node`, `pg_isready`, `healthcheck.sh`. */
  readonly what: string;
  /** GET, except for `curl -I`, `-X` and the like. */
  readonly method: string;
  /** Host header, if the check sets one. */
  readonly host: string | undefined;
  /** It follows redirects: what counts is the page they lead to. */
  readonly redirects: boolean;
  /** Answers that count: good ones, the one status it compares with, or whatever is answered. */
  readonly accepts: HttpAsk['accepts'];
}

/**
 * Reads the health check of a service.
 *
 * @param name of the service, by which the check may ask.
 * @returns undefined if there is none, or if it asks another service, or nothing that can be read.
 */
export function healthCheckOf(service: ComposeService, name?: string): HealthCheck | undefined {
  const check = checkText(service);
  if (check === undefined) return undefined;
  const names = ownNames(service, name);
  const asked = httpAsk(check, names);
  if (asked !== undefined) {
    const path = healthPathPattern.test(asked.path) ? asked.path : undefined;
    return { kind: 'http', ...asked, port: validPort(asked.port), path };
  }
  const other =
    grpcProbe(check, names) ??
    netcat(check, names) ??
    connection(check.line, names) ??
    client(check, names) ??
    script(check);
  if (other === undefined) return undefined;
  const { kind, what, port } = other;
  return {
    kind,
    what,
    port: validPort(port),
    path: undefined,
    tls: false,
    method: 'GET',
    host: undefined,
    redirects: false,
    accepts: 'any',
  };
}

/**
 * The names other than `localhost` by which a health check asks its own container, as they are written in the
 * definition. While two colors run, such a name leads to the edge, unless the color resolves it to itself.
 */
export function ownNamesIn(service: ComposeService, name: string): string[] {
  const check = checkText(service);
  if (check === undefined) return [];
  const given = clientAddresses(check).map((text) => text.toLowerCase());
  const line = check.line.toLowerCase();
  return ownNames(service, name).filter((own) => {
    if (isOwnHost(own, [])) return false;
    const escaped = own.replace(/[^\w-]/g, '\\$&');
    const places = [
      `(?://(?:[^\\s/@]{1,200}@)?|/dev/tcp/)${escaped}(?![\\w.-])`,
      `(?:^|[\\s"'\`(=])${escaped}(?::[\\d$]|["'\`]\\s?,\\s?["'\`]?\\d|\\s+\\d{1,5}(?!\\w))`,
      `(?:\\s-h|--?host(?:name)?|\\bhost(?:name)?["']?\\s?[:=])[\\s=]?\\s?["'\`]?${escaped}(?![\\w.-])`,
    ];
    return (
      given.some((text) => new RegExp(`^${escaped}(?:[:/?]|$)`).test(text)) ||
      places.some((place) => new RegExp(place).test(line))
    );
  });
}

type Other = Pick<HealthCheck, 'kind' | 'what' | 'port'>;

/** https://github.com/grpc-ecosystem/grpc-health-probe: `-addr=:50051`. */
function grpcProbe({ commands }: CheckText, names: readonly string[]): Other | undefined {
  for (const words of commands) {
    const start = words.findIndex((word) =>
      /(?:^|\/)(?:grpc[_-]health[_-]probe|grpcurl|grpc-health-check)\b/.test(word),
    );
    if (start < 0) continue;
    const text = words.slice(start + 1).join(' ');
    const [, host = '', port] = /(?:^|[\s=])(\[[\da-f:]*\]|[\w.*-]{0,253}):(\d{1,5})\b/i.exec(text) ?? [];
    if (!isOwnHost(host, names)) return undefined;
    return { kind: 'grpc', what: 'a gRPC health check', port: port === undefined ? undefined : Number(port) };
  }
  return undefined;
}

/** `nc -zvw 3 localhost 25`. */
function netcat({ commands }: CheckText, names: readonly string[]): Other | undefined {
  for (const words of commands) {
    const start = words.findIndex((word) => /(?:^|\/)(?:nc|ncat|netcat)$/.test(word));
    if (start < 0) continue;
    // Of the options these take a value: -w 3, -i 1, -s ADDRESS, -p PORT.
    const rest = words
      .slice(start + 1)
      .filter((word, index, all) => !word.startsWith('-') && !/^-\w*[wisp]$/.test(all[index - 1] ?? ''));
    const port = /^\d{1,5}$/.exec(rest[1] ?? '')?.[0];
    if (port !== undefined && isOwnHost(rest[0] ?? '', names))
      return { kind: 'tcp', what: 'nc', port: Number(port) };
  }
  return undefined;
}

/** A connection without data: bash’s /dev/tcp, and the sockets of Python, Node, PHP and Ruby. */
function connection(line: string, names: readonly string[]): Other | undefined {
  const forms: readonly (readonly [what: string, RegExp])[] = [
    ['cgi-fcgi', /\bcgi-fcgi\b.{0,80}?-connect\s+([\w.[\]-]{0,253}):(\d{1,5})\b/],
    ['/dev/tcp', /\/dev\/tcp\/([\w.:[\]-]{1,253})\/(\d{1,5})\b/],
    [
      'a socket',
      /(?:create_connection|\.connect(?:_ex)?|open_connection)\(\s?\(?\s?["']([\w.:-]{1,253})["']\s?,\s?(\d{1,5})\b/,
    ],
    ['a socket', /\.connect\(()(\d{1,5})\s?,\s?["'](?:localhost|127\.0\.0\.1)["']/],
    ['a socket', /(?:fsockopen|TCPSocket\.(?:new|open))\(\s?["']([\w.:-]{1,253})["']\s?,\s?(\d{1,5})\b/],
    ['a socket', /\bnet["']?\)?\.(?:connect|createConnection)\(()(\d{1,5})\b/],
    ['a socket', /\bnet["']?\)?\.(?:connect|createConnection)\(\s?\{()[^}]{0,200}?\bport\s?:\s?(\d{1,5})\b/],
  ];
  for (const [what, form] of forms) {
    const match = form.exec(line);
    if (match === null || !isOwnHost(match[1] ?? '', names)) continue;
    return { kind: what === 'cgi-fcgi' ? 'client' : 'tcp', what, port: Number(match[2]) };
  }
  return undefined;
}

/** Clients of protocols other than HTTP. */
const clients =
  /^(?:pg_isready|psql|mysqladmin|mysql|mariadb-admin|mariadb|redis-cli|valkey-cli|keydb-cli|mongosh?|rabbitmq-diagnostics|rabbitmqctl|cqlsh|nodetool|clickhouse-client|kafka-[\w-]+(?:\.sh)?|zkServer\.sh|etcdctl|ldapsearch|ldapwhoami|mosquitto_(?:sub|pub)|sqlcmd|php-fpm-healthcheck|mc-health|swaks)$/;

function client({ commands }: CheckText, names: readonly string[]): Other | undefined {
  for (const words of commands) {
    const start = words.findIndex((word) => clients.test(word.split('/').at(-1) ?? ''));
    if (start < 0) continue;
    const text = words.slice(start + 1).join(' ');
    const host = /(?:^|\s)(?:-h|--host)[ =]?([\w.:-]{1,253})/.exec(text)?.[1];
    if (host !== undefined && !isOwnHost(host, names)) continue;
    const port = /(?:^|\s)(?:-p|--port)[ =]?(\d{2,5})\b/.exec(text)?.[1];
    const what = words[start]?.split('/').at(-1) ?? '';
    return { kind: 'client', what, port: port === undefined ? undefined : Number(port) };
  }
  return undefined;
}

/** Programs that are never scripts of the image. */
const askers =
  /^(?:curl|wget|nc|ncat|netcat|grpc[\w-]+|grpcurl|test|\[|\[\[|cat|grep|ls|echo|exit|pgrep|ps)$/;

/** A script of the image, or a program that checks itself: what it asks is not in the definition. */
function script({ commands }: CheckText): Other | undefined {
  for (const words of commands) {
    if (
      words.some(
        (word) => askers.test(word.split('/').at(-1) ?? '') || clients.test(word.split('/').at(-1) ?? ''),
      )
    )
      continue;
    const file = words
      .slice(0, 4)
      .find(
        (word) =>
          /^[\w./@-]{1,300}\.(?:sh|bash|py|[cm]?js|ts|rb|php|pl)$/.test(word) ||
          /^[\w./@-]{0,300}health[\w-]{0,60}$/i.test(word),
      );
    if (file !== undefined) return { kind: 'script', what: file, port: undefined };
  }
  return undefined;
}

/** @returns the number where the text is a port from 1 to 65535. */
export function validPort(value: string | number | null | undefined): number | undefined {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65535 ? port : undefined;
}
