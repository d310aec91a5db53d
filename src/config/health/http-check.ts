import { isOwnHost } from '../services/network-names.ts';
import type { CheckText } from './check-text.ts';

/** A request that a health check sends to its own container. */
export interface HttpAsk {
  /** undefined: a variable names it that nothing sets. */
  readonly port: number | undefined;
  /** As written; Sluice cannot always send the same request. */
  readonly path: string;
  readonly tls: boolean;
  readonly what: string;
  readonly method: string;
  /** Host header, if the check sets one. */
  readonly host: string | undefined;
  readonly redirects: boolean;
  /** Answers that count: 2xx (and 3xx), the one status it compares with, or whatever is answered. */
  readonly accepts: 'success' | 'any' | number;
}

type Where = Pick<HttpAsk, 'port' | 'path' | 'tls'>;

const hostPart = String.raw`(\[[0-9a-fA-F:.]{0,45}\]|[\w.*-]{0,253}|\$\{?\w{1,80}\}?)`;
const portPart = String.raw`(?::(\d{1,5}(?!\d)|\$\{?[^\s"'/{}]{1,80}\}?|\{[^\s{}]{1,80}\}|["'][^"']{0,80}["']))?`;
const pathPart = String.raw`([/?][^\s"'\`()\\,;|&<>]*)?`;
const urls = new RegExp(`(https?)://(?:[^\\s/@"'\`]{1,200}@)?${hostPart}${portPart}${pathPart}`, 'gi');
/** An argument of curl or wget: the scheme may be missing, and the whole word is the address. */
const address = new RegExp(
  `^(?:(https?)://)?(?:[^\\s/@"'\`]{1,200}@)?${hostPart}${portPart}([/?].{0,2000})?$`,
  'i',
);

/** The first request of a check that goes to the container itself. */
export function httpAsk(check: CheckText, names: readonly string[]): HttpAsk | undefined {
  // A Unix socket has no port.
  if (check.commands.some((words) => clientCall(words)?.isSocket === true)) return undefined;
  return byClient(check, names) ?? byProgram(check.line, names);
}

/** Addresses that curl and wget are given in a check, as they are written there. */
export function clientAddresses({ commands }: CheckText): string[] {
  return commands.flatMap((words) => clientCall(words)?.addresses ?? []);
}

/** curl and wget, by their options. */
function byClient({ line, commands }: CheckText, names: readonly string[]): HttpAsk | undefined {
  for (const words of commands) {
    const call = clientCall(words);
    if (call === undefined) continue;
    for (const text of call.addresses) {
      const match = address.exec(text);
      const isAddress = match !== null && (match[2] !== '' || match[3] !== undefined);
      const where = isAddress ? whereOf(match, names) : undefined;
      if (where === undefined) continue;
      const host = call.headers.map((header) => /^host:\s*(\S{1,255})\s*$/i.exec(header)?.[1]).find(Boolean);
      return {
        ...where,
        what: call.program,
        method: call.method,
        host,
        redirects: call.redirects,
        accepts: call.fails ? 'success' : comparedStatus(line),
      };
    }
  }
  return undefined;
}

function whereOf(match: RegExpExecArray | null, names: readonly string[]): Where | undefined {
  if (match === null) return undefined;
  const [, scheme = 'http', host = '', port, rest = '/'] = match;
  if (!isOwnHost(host, names)) return undefined;
  const tls = scheme.toLowerCase() === 'https';
  const number = port === undefined ? (tls ? 443 : 80) : /^\d+$/.test(port) ? Number(port) : undefined;
  const path = rest.replace(/#[\s\S]*$/, '');
  return { port: number, path: path.startsWith('/') ? path : `/${path}`, tls };
}

interface ClientCall {
  readonly program: 'curl' | 'wget';
  readonly addresses: readonly string[];
  readonly headers: readonly string[];
  readonly method: string;
  readonly redirects: boolean;
  /** It ends with an error when the answer is one. */
  readonly fails: boolean;
  readonly isSocket: boolean;
}

/** Options with a value, from `man curl` and `man wget` (BusyBox's wget has a subset). */
const shortValues = { curl: 'AbCcDdEeFHhKmoPQrTtUuwXxYyz', wget: 'aBeiOoPQRtTUwXADIl' };
const longFlags =
  /^--(?:fail(?:-with-body|-early)?|silent|show-error|location(?:-trusted)?|insecure|head|include|verbose|get|compressed|ipv[46]|http[\d.]+(?:-prior-knowledge)?|spider|quiet|no-[\w-]+|server-response|inet[46]-only|content-on-error|tlsv[\d.]+|globoff|progress-bar|retry-(?:connrefused|all-errors)|post\d*)$/;

function clientCall(words: readonly string[]): ClientCall | undefined {
  const start = words.findIndex((word) => /(?:^|\/)(?:curl|wget)$/.test(word));
  if (start < 0) return undefined;
  const program = words[start]?.endsWith('curl') === true ? 'curl' : 'wget';
  const addresses: string[] = [];
  const options: (readonly [name: string, value: string])[] = [];
  const rest = words.slice(start + 1);
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] ?? '';
    const long = /^(--[\w.-]{1,60})(?:=(.*))?$/s.exec(word);
    if (long !== null) {
      const [, name = '', value] = long;
      const takes = value === undefined && !longFlags.test(name);
      options.push([name, value ?? (takes ? (rest[++index] ?? '') : '')]);
    } else if (/^-[a-zA-Z0-9#]/.test(word)) {
      const at = [...word].findIndex((letter, place) => place > 0 && shortValues[program].includes(letter));
      for (const letter of word.slice(1, at < 0 ? undefined : at)) options.push([`-${letter}`, '']);
      if (at < 0) continue;
      const attached = word.slice(at + 1);
      options.push([`-${word[at]}`, attached === '' ? (rest[++index] ?? '') : attached]);
    } else addresses.push(word);
  }
  const has = (...names: string[]) => options.some(([name]) => names.includes(name));
  const values = (...names: string[]) =>
    options.filter(([name]) => names.includes(name)).map(([, value]) => value);
  const isHead = program === 'curl' ? has('-I', '--head') : has('--spider');
  const sends = has('-d', '--data', '--data-raw', '--post-data', '--json');
  return {
    program,
    addresses: [...addresses, ...values('--url')],
    headers: values('-H', '--header'),
    method:
      values('-X', '--request', '--method')[0]?.toUpperCase() ?? (isHead ? 'HEAD' : sends ? 'POST' : 'GET'),
    redirects: program === 'wget' || has('-L', '--location', '--location-trusted'),
    fails: program === 'wget' || has('-f', '--fail', '--fail-with-body'),
    isSocket: has('--unix-socket', '--abstract-unix-socket'),
  };
}

/** The statuses that a line accepts; a `grep` for words of the answer expects a successful one. */
function comparedStatus(line: string): HttpAsk['accepts'] {
  const status = /http_code|status|HTTP\/\d|statusCode|\bcode\b/i.test(line);
  const equal =
    /(?:===?|!==?|-eq|-ne|\s=|!=|grep(?:\s-\w+){0,9})\s?["'\\^]*(?:HTTP\S{0,8}\s)?([1-5]\d\d)\b/.exec(
      line,
    )?.[1];
  if (status && equal !== undefined) return Number(equal);
  const below = /status(?:_?code)?\s?<=?\s?([1-5]\d\d)/i.exec(line)?.[1];
  if (below !== undefined) return Number(below) <= 400 ? 'success' : 'any';
  const judges =
    /\bgrep\b|raise_for_status|\.ok\b|HTTPSuccess|is_success|\.code\b|EnsureSuccess|urlopen|URI\.open|file_get_contents/;
  return judges.test(line) ? 'success' : 'any';
}

/** Programs of a language: a URL in them, or host, port and path apart. */
function byProgram(line: string, names: readonly string[]): HttpAsk | undefined {
  const where = byUrl(line, names) ?? byParts(line, names) ?? bySocket(line, names);
  if (where === undefined) return undefined;
  const follows =
    /\bfetch\(|urllib|urlopen|requests\.|URI\.open|file_get_contents|follow_redirects\s?=\s?True/;
  return {
    ...where,
    what: line.trim().split(/\s+/)[0]?.split('/').at(-1) ?? '',
    method: /\bmethod["']?\s?[:=]\s?["'`]([A-Za-z]{3,7})["'`]/.exec(line)?.[1]?.toUpperCase() ?? 'GET',
    host: /["']?\bhost["']?\s?:\s?["'`]([\w.:-]{1,255})["'`]/i.exec(
      /headers.{0,200}/i.exec(line)?.[0] ?? '',
    )?.[1],
    redirects: follows.test(line),
    accepts: comparedStatus(line),
  };
}

function byUrl(line: string, names: readonly string[]): Where | undefined {
  for (const match of line.matchAll(urls)) {
    const where = whereOf(match, names);
    if (where !== undefined) return where;
  }
  return undefined;
}

const quoted = String.raw`["'\`]([^"'\`\s]{0,253})["'\`]`;

/** A request in clear text, sent to bash’s /dev/tcp or to nc: `GET /health HTTP/1.1`. */
function bySocket(line: string, names: readonly string[]): Where | undefined {
  const path = /\b(?:GET|HEAD) (\/[^\s"']{0,500}) HTTP\/1/.exec(line)?.[1];
  const [, host, port] =
    /\/dev\/tcp\/([\w.:[\]-]{1,253})\/(\d{1,5})\b/.exec(line) ??
    /\bnc (?:-\S{1,9} ){0,8}([\w.:[\]-]{1,253}) (\d{1,5})\b/.exec(line) ??
    [];
  return path === undefined || host === undefined ? undefined : partsOf(host, port, path, false, names);
}

/** `http.get({ host, port, path })`, `HTTPConnection('localhost', 8000)`, `Net::HTTP.get('localhost', '/up', 3000)`. */
function byParts(line: string, names: readonly string[]): Where | undefined {
  const node = /\b(https?)["'`]?\)?\.(?:get|request)\(\s?\{([^}]{0,300})\}/.exec(line);
  if (node !== null) {
    const [, scheme, options = ''] = node;
    const host = new RegExp(`\\b(?:host|hostname)["']?\\s?:\\s?${quoted}`).exec(options)?.[1] ?? 'localhost';
    const port = /\bport["']?\s?:\s?["'`]?(\d{1,5}|[^,\s]{1,80})/.exec(options)?.[1];
    const path = new RegExp(`\\bpath["']?\\s?:\\s?${quoted}`).exec(options)?.[1] ?? '/';
    return partsOf(host, port, path, scheme === 'https', names);
  }
  const python = new RegExp(
    `\\bHTTP(S?)Connection\\(\\s?${quoted}(?:\\s?,\\s?(?:port\\s?=\\s?)?(\\w{1,80}))?`,
  ).exec(line);
  if (python !== null) {
    const [, secure, host = '', port] = python;
    const [name = '', inName] = host.split(':');
    const path = new RegExp(`\\brequest\\(\\s?["']\\w{1,9}["']\\s?,\\s?${quoted}`).exec(line)?.[1] ?? '/';
    return partsOf(name, port ?? inName, path, secure === 'S', names);
  }
  const ruby = new RegExp(
    `Net::HTTP\\.(?:get|get_response)\\(\\s?${quoted}\\s?,\\s?${quoted}(?:\\s?,\\s?(\\d{1,5}))?`,
  ).exec(line);
  if (ruby === null) return undefined;
  return partsOf(ruby[1] ?? '', ruby[3], ruby[2] ?? '/', false, names);
}

function partsOf(
  host: string,
  port: string | undefined,
  path: string,
  tls: boolean,
  names: readonly string[],
): Where | undefined {
  return whereOf(
    address.exec(
      `${tls ? 'https' : 'http'}://${host}${port === undefined ? '' : `:${/^\d+$/.test(port) ? port : '$PORT'}`}${path.startsWith('/') ? path : `/${path}`}`,
    ),
    names,
  );
}
