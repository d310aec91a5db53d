import { isAbsolute, join } from 'node:path';
import { composeTexts } from '../compose/written.ts';
import type { Config } from '../model.ts';
import { isSecretName, secretIn, speaksOfSecret } from './secret-names.ts';

/** Values that are not secrets: settings that people keep beside secrets, and that are frequent in logs. */
const ordinaryWords = new Set(
  [
    'true false yes no on off none null undefined enabled disabled default auto always never optional required',
    'production prod staging stage development develop dev testing test local preview demo release debug trace verbose info',
    'warn warning error critical fatal notice silent json text plain pretty',
    'localhost database postgres postgresql mysql mariadb mongodb mongo sqlite redis valkey memcached rabbitmq kafka elastic',
    'elasticsearch opensearch clickhouse minio nginx traefik caddy django flask fastapi celery gunicorn uvicorn node nodejs python',
    'rails laravel symfony spring next nuxt web worker backend frontend server client service public private internal external',
    'root admin administrator user username guest anonymous nobody system main master primary replica',
    'require prefer disable verify-full verify-ca allow strict lax smtp sendmail starttls file memory stdout stderr console utf8',
    'utf-8 utf8mb4 en_us.utf-8 c.utf-8 utc gmt etc/utc europe/berlin europe/london america/new_york 0.0.0.0 127.0.0.1',
  ]
    .join(' ')
    .split(' '),
);
/** Counts, sizes, times, shares and versions: `3600`, `512MiB`, `30s`, `0.25`, `1.2.3`. */
const number = /^[+-]?\d{1,9}(?:\.\d{1,9}){0,3}\s?(?:[kmgt]i?b?|b|ms|s|m|min|h|d|%)?$/i;

/** Releases are named so: `v1.2.3`, `1.2.3-rc.1`. */
const version = /^v?\d{1,9}(?:\.\d{1,9}){1,3}(?:[-+.]?(?:alpha|beta|rc|dev|post|pre)[-.]?\d{0,4})?$/;
/** Places that reveal nothing: this machine, a region of a cloud, where Docker puts secrets. */
const place =
  /^(?:https?:\/\/)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d{1,5})?\/?$|^(?:af|ap|ca|eu|il|me|mx|sa|us)(?:-[a-z]{4,9}){1,2}-\d$|^\/run\/secrets\/[\w.-]{1,99}$/;

/** Whether masking this value would blank ordinary words and numbers instead of hiding something. */
export function isOrdinary(value: string): boolean {
  const word = value.trim().toLowerCase();
  return ordinaryWords.has(word) || [number, version, place].some((pattern) => pattern.test(word));
}

/**
 * The parts of one variable that must not be readable.
 *
 * @param isSecret whether the source is one of secrets: then the value is one, whatever its name, unless it is an ordinary
 * word or number or everybody may read it. Else its name or its form decides. A name that is one of a password hides any
 * value, one that has to do with secrets (`AUTH_HOST`) no ordinary one.
 * @param open texts that everybody may read.
 */
export function secretsOf(
  name: string,
  value: string,
  { isSecret, open }: { readonly isSecret: boolean; readonly open: ReadonlySet<string> },
): string[] {
  const isPublic = (text: string) => isOrdinary(text) || isOpen(text, open);
  const speaks = speaksOfSecret(name) && (isSecretName(name) || !isPublic(value));
  const candidates = [
    ...(speaks || secretIn([], value) !== undefined ? [value] : []),
    // A password counts in any variable.
    ...passwordsIn(value),
  ];
  const users = isSecret ? usersIn(value) : [];
  const whole = isSecret || candidates.length > 0 ? [value, ...users] : [];
  return [...new Set([...candidates, ...whole.filter((secret) => !isPublic(secret))])];
}

/** An open text, or where a service of that name is: `orders-db:5432`, `http://web:8080/`. */
function isOpen(value: string, open: ReadonlySet<string>): boolean {
  const [, host = ''] =
    /^(?:[a-z][a-z0-9+]{0,20}:\/\/)?([a-z][\w.-]{0,252})(?::\d{1,5})?\/?$/i.exec(value) ?? [];
  const isKnown = open.has(value) || open.has(value.replace(/\/$/, ''));
  return isKnown || open.has(host) || ordinaryWords.has(host.toLowerCase());
}

/**
 * The same for a variable that sluice.yml passes to tests. Passwords of test databases are ordinary words, and reveal
 * nothing: to mask them would blank the names of images and services.
 */
export function namedSecrets(name: string, value: string): string[] {
  return secretsOf(name, value, { isSecret: false, open: new Set() }).filter((secret) => !isOrdinary(secret));
}

/** All texts of a configuration that a person has written down for everybody: names, addresses, paths. */
export function openTexts(config: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (part: unknown): void => {
    if (typeof part === 'string') {
      found.add(part);
      if (URL.canParse(part)) found.add(new URL(part).hostname).add(new URL(part).origin);
    } else if (Array.isArray(part)) part.forEach(visit);
    else if (typeof part === 'object' && part !== null) {
      for (const [key, value] of Object.entries(part)) {
        found.add(key);
        visit(value);
      }
    }
  };
  visit(config);
  return found;
}

/** `user:password` of `scheme://user:password@host`, whatever is in it; Mongo's has several hosts, so no URL class can read it. */
function userInfo(value: string): string | undefined {
  const scheme = /^(?:jdbc:)?[a-z][a-z0-9+._-]{0,40}:\/\//i.exec(value)?.[0];
  if (scheme === undefined) return undefined;
  const rest = value.slice(scheme.length);
  const path = rest.search(/[/?#]/);
  const authority = path < 0 ? rest : rest.slice(0, path);
  if (authority.includes('@')) return authority.slice(0, authority.lastIndexOf('@'));
  // A password with an unescaped slash.
  return rest.includes('@') && authority.includes(':') ? rest.slice(0, rest.lastIndexOf('@')) : undefined;
}

const withDecoded = (text: string): string[] => {
  try {
    return [...new Set([text, decodeURIComponent(text)])];
  } catch {
    return [text];
  }
};

function usersIn(value: string): string[] {
  const [user = ''] = userInfo(value)?.split(':') ?? [];
  return withDecoded(user).filter((text) => text !== '');
}

const assigned =
  /(?:^|[\s;&?,])(?:[\w-]{0,40}(?:password|passwd|pwd|secret|token|apikey|api[-_]key|accountkey|sharedaccesskey|sig))\s?=\s?("[^"]*"|'[^']*'|[^\s;&]*)/gi;

/** Passwords within addresses, connection strings (`host=db password=…`, `Server=…;Pwd=…`) and JSON texts. */
function passwordsIn(value: string): string[] {
  const info = userInfo(value);
  const inAddress = info?.includes(':') ? [info.slice(info.indexOf(':') + 1)] : [];
  const inPairs = [...value.matchAll(assigned)].map(([, text = '']) => text.replace(/^["']|["']$/g, ''));
  const found = [...inAddress, ...inPairs].flatMap(withDecoded);
  return [...found, ...inJson(value)].filter((password) => password !== '');
}

function inJson(value: string): string[] {
  const text = value.trimStart();
  if (!text.startsWith('{') || text.length > 256 * 1024) return [];
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return [];
  }
  return Object.entries(data as object).flatMap(([key, item]) =>
    typeof item === 'string' && (speaksOfSecret(key) || secretIn([], item) !== undefined) ? [item] : [],
  );
}

/**
 * Names that a compose file gives to services, volumes, networks and hosts. `DB_HOST=orders-db` holds one of them, and
 * output without it is unreadable.
 *
 * @param compose a compose file, or a model: whatever is there.
 */
export function openNames(compose: unknown): string[] {
  const { services, volumes, networks } = asObject(compose);
  const hosts = Object.values(asObject(services)).flatMap((service) => {
    const { container_name, hostname } = asObject(service);
    return [container_name, hostname].filter((name) => typeof name === 'string');
  });
  const names = [services, volumes, networks].flatMap((section) => Object.keys(asObject(section)));
  return [...names, ...hosts.filter((name) => !name.includes('$'))];
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Texts of sluice.yml and names in the compose files: everyone who can read the repository knows them. */
export async function openIn(
  config: Pick<Config, 'folder'> & Partial<Pick<Config, 'compose'>>,
): Promise<ReadonlySet<string>> {
  const files = config.compose?.map((path) => (isAbsolute(path) ? path : join(config.folder, path))) ?? [];
  const texts = await composeTexts(files);
  return new Set([...openTexts(config), ...texts.flatMap(({ data }) => openNames(data))]);
}
