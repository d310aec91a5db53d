import type { StoreSettings } from '../../config/site.ts';
import { UserError } from '../../kernel/errors.ts';
import { type Origin, originOf } from '../aws/http.ts';
import { encodePart } from '../aws/sign.ts';

/** The address of a bucket. */
export interface StoreAddress {
  readonly origin: Origin;
  /** The header that is signed. */
  readonly host: string;
  readonly region: string;
  /** Path before the key, encoded: '' or `/bucket`. */
  readonly base: string;
  /** For messages: `https://s3.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  /** `/bucket/key` as copies name their source, encoded; the same in both styles. */
  source(key: string): string;
  path(key: string): string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The endpoint is that of sluice.yml, else AWS_ENDPOINT_URL_S3, else AWS_ENDPOINT_URL, else AWS in the region.
 * The region is that of sluice.yml, else AWS_REGION, else AWS_DEFAULT_REGION, else us-east-1; R2 has only one,
 * `auto`. @throws UserError `cdn.store-unreachable` for an invalid endpoint, `cdn.store-region` for an invalid
 * region.
 */
export function addressOf(settings: StoreSettings, env: Environment): StoreAddress {
  const { bucket } = settings;
  const given = settings.endpoint || env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL;
  const region = regionOf(settings, given, env);
  const url = parse(given ?? awsEndpoint('s3', region));
  const onAws = isAws(url.hostname);
  const named = withoutBucket(url, bucket);
  const style = settings.style ?? (named.style || (onAws && isHostLabel(bucket) ? 'host' : 'path'));
  if (style === 'host') named.url.hostname = `${bucket}.${named.url.hostname}`;
  const folder = named.url.pathname.replace(/\/$/, '');
  const base = style === 'host' ? folder : `${folder}/${encodePart(bucket)}`;
  return {
    origin: originOf(named.url),
    host: named.url.host,
    region,
    base,
    endpoint: `${url.protocol}//${url.host}${folder}`,
    source: (key) => `/${encodePart(bucket)}/${encodeKey(key)}`,
    path: (key) => `${base}/${encodeKey(key)}`,
  };
}

/** The regional endpoint of a service of AWS; China's regions have another domain. */
function awsEndpoint(service: string, region: string): string {
  return `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

/** A key as a path. Slashes stay, and nothing is normalized: `a//b` and `a/../b` are separate keys. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodePart).join('/');
}

function regionOf(settings: StoreSettings, endpoint: string | undefined, env: Environment): string {
  if (settings.region) return settings.region;
  if (endpoint !== undefined && /\.r2\.cloudflarestorage\.com(?:[:/]|$)/i.test(endpoint)) return 'auto';
  const region = env.AWS_REGION?.trim() || env.AWS_DEFAULT_REGION?.trim() || 'us-east-1';
  if (/^[A-Za-z0-9_-]{1,64}$/.test(region)) return region;
  throw new UserError({
    code: 'cdn.store-region',
    message: 'AWS_REGION (or AWS_DEFAULT_REGION) is not a valid region',
    hint: 'Example: eu-central-1. cdn.region takes precedence over it.',
  });
}

function parse(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new UserError({
    code: 'cdn.store-unreachable',
    message: 'The endpoint of the store is not an HTTP URL',
    hint: 'Set cdn.endpoint, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL to a URL like https://minio.example.com',
  });
}

/** Consoles show endpoints with the bucket in them: R2 in the path, AWS in the host's name. */
function withoutBucket(url: URL, bucket: string): { url: URL; style: 'path' | 'host' | undefined } {
  const plain = new URL(url);
  if (plain.pathname.replace(/\/$/, '').endsWith(`/${bucket}`)) {
    plain.pathname = plain.pathname.replace(/\/$/, '').slice(0, -bucket.length - 1);
    return { url: plain, style: 'path' };
  }
  if (plain.hostname.startsWith(`${bucket.toLowerCase()}.`) && isAws(plain.hostname)) {
    plain.hostname = plain.hostname.slice(bucket.length + 1);
    return { url: plain, style: 'host' };
  }
  return { url: plain, style: undefined };
}

function isAws(hostname: string): boolean {
  return /\.amazonaws\.com(?:\.cn)?$/.test(hostname);
}

/**
 * AWS's certificate covers one label, so a bucket with a dot in its name needs path style; older names have
 * capitals.
 */
function isHostLabel(bucket: string): boolean {
  return /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket);
}
