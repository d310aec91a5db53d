import { tryParseImage } from './reference.ts';

/**
 * The configuration of an image: the defaults of its containers. Fields are Docker's own
 * (moby/docker-image-spec, spec.md; opencontainers/image-spec, config.md), with numbers in place of texts.
 */
export interface ImageConfig {
  /** EXPOSE. A `command:` in the compose file leaves these in force (moby/moby, daemon/commit.go, merge). */
  readonly ports: readonly { readonly port: number; readonly protocol: 'tcp' | 'udp' | 'sctp' }[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** Undefined: there is none, or the image switches off the one that it inherited (`NONE`). */
  readonly healthcheck?: ImageHealthcheck | undefined;
  /** USER, as written: `app`, `1000:1000`. Undefined: root. */
  readonly user?: string | undefined;
  /** VOLUME: absolute paths; a container without a mount there gets a new anonymous volume. */
  readonly volumes: readonly string[];
  readonly workdir?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** The base image as the Dockerfile names it; a registry and an engine do not know it. */
  readonly from?: string | undefined;
}

/** A time that is undefined is Docker's default: 30 s, 30 s, 0 s, 5 s; and 3 retries. */
export interface ImageHealthcheck {
  /** `['CMD', …]` or `['CMD-SHELL', line]`. */
  readonly test: readonly string[];
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly startIntervalMs?: number;
  readonly retries?: number;
}

/**
 * Declarations of official images (docker-library's Dockerfiles, and those of the makers named), for when neither engine nor
 * registry answers, and for images built FROM them. Ports and volumes of these have not changed in years.
 */
interface Known {
  readonly ports: readonly number[];
  readonly command?: string;
  readonly volumes?: readonly string[];
}

const known: Readonly<Record<string, Known>> = {
  nginx: { ports: [80], command: 'nginx' },
  'nginxinc/nginx-unprivileged': { ports: [8080], command: 'nginx' },
  httpd: { ports: [80], command: 'httpd-foreground' },
  caddy: { ports: [80, 443], command: 'caddy run' },
  'dunglas/frankenphp': { ports: [80, 443], command: 'frankenphp run' },
  tomcat: { ports: [8080], command: 'catalina.sh run' },
  jetty: { ports: [8080] },
  odoo: { ports: [8069], volumes: ['/var/lib/odoo', '/mnt/extra-addons'] },
  wordpress: { ports: [80], volumes: ['/var/www/html'] },
  nextcloud: { ports: [80], volumes: ['/var/www/html'] },
  joomla: { ports: [80], volumes: ['/var/www/html'] },
  ghost: { ports: [2368], volumes: ['/var/lib/ghost/content'] },
  redmine: { ports: [3000], volumes: ['/usr/src/redmine/files'] },
  drupal: { ports: [80] },
  matomo: { ports: [80], volumes: ['/var/www/html'] },
  monica: { ports: [80], volumes: ['/var/www/html/storage'] },
  'itzg/minecraft-server': { ports: [25565], volumes: ['/data'] },
};

/**
 * Config of a well-known image.
 *
 * @returns undefined for any other. The answer of a registry takes precedence.
 */
export function officialImage(reference: string): ImageConfig | undefined {
  const image = tryParseImage(reference);
  if (image === undefined) return undefined;
  const name = image.repository.replace(/^library\//, '');
  const tag = image.tag ?? '';
  const found = variantOf(name, tag) ?? (Object.hasOwn(known, name) ? known[name] : undefined);
  if (found === undefined) return undefined;
  return {
    ports: found.ports.map((port) => ({ port, protocol: 'tcp' })),
    entrypoint: [],
    command: found.command?.split(' ') ?? [],
    volumes: found.volumes ?? [],
    env: {},
    labels: {},
  };
}

/** Images whose tag decides. */
function variantOf(name: string, tag: string): Known | undefined {
  if (/-fpm\b/.test(tag)) return { ports: [9000], command: 'php-fpm', volumes: known[name]?.volumes ?? [] };
  if (name === 'php' && /apache/.test(tag)) return { ports: [80], command: 'apache2-foreground' };
  // Since .NET 8: https://learn.microsoft.com/dotnet/core/compatibility/containers/8.0/aspnet-port
  if (name === 'dotnet/aspnet') return { ports: [Number.parseInt(tag, 10) < 8 ? 80 : 8080] };
  return undefined;
}
