import { onTestFinished } from 'vitest';
import type { AwsKeys } from '../../../../src/cdn/aws/sign.ts';
import type { ChangedSite } from '../../../../src/cdn/invalidator.ts';
import { type InvalidatorEffects, openInvalidators } from '../../../../src/cdn/invalidators/all.ts';
import { createMask } from '../../../../src/kernel/masking/mask.ts';
import { virtualClock } from './fake-api.ts';
import { type CloudflareOptions, startCloudflare } from './fake-cloudflare.ts';
import { type CloudFrontOptions, startCloudFront } from './fake-cloudfront.ts';

export const account = {
  accessKeyId: 'AKIAEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG',
  sessionToken: 'token/of+session',
};
export const token = 'cf-token_0123456789';
export const minute = 60_000;

export function changed(paths: readonly string[], more: Partial<ChangedSite> = {}): ChangedSite {
  return {
    url: 'https://www.example.com/',
    paths,
    total: 1_000_000,
    index: 'index.html',
    fallback: undefined,
    ...more,
  };
}

export function many(count: number, name: (index: number) => string): readonly string[] {
  return Array.from({ length: count }, (_, index) => name(index));
}

export function effectsFor(
  env: InvalidatorEffects['env'],
  more: Partial<InvalidatorEffects> = {},
): InvalidatorEffects {
  const keys = async () => account;
  const signal = new AbortController().signal;
  return { clock: virtualClock(), mask: createMask(), signal, env, keys, random: () => 0, ...more };
}

/** A distribution with its invalidator, on one clock. */
export async function cloudFront(
  options: Partial<CloudFrontOptions> = {},
  { wait = false, keys }: { wait?: boolean; keys?: () => Promise<AwsKeys> } = {},
  more: Partial<InvalidatorEffects> = {},
) {
  const clock = virtualClock();
  const api = await startCloudFront({ distributions: ['E1'], account, clock, ...options });
  onTestFinished(() => api[Symbol.asyncDispose]());
  const effects = effectsFor(
    { AWS_ENDPOINT_URL_CLOUDFRONT: api.url },
    { clock, ...more, ...(keys === undefined ? {} : { keys }) },
  );
  const [invalidator] = openInvalidators(
    { cloudfront: ['E1'], cloudflare: [], wait, url: undefined },
    effects,
  );
  if (invalidator === undefined) throw new Error('there is none');
  const tell = (paths: readonly string[], reference = 'site-1') =>
    invalidator.apply(invalidator.plan(changed(paths)), reference);
  return { api, clock, invalidator, tell };
}

/** A zone with its invalidator, on one clock. */
export async function cloudflare(
  options: Partial<CloudflareOptions> = {},
  { zone = 'example.com', env = {} }: { zone?: string; env?: InvalidatorEffects['env'] } = {},
) {
  const clock = virtualClock();
  const api = await startCloudflare({ zones: ['example.com'], token, clock, ...options });
  onTestFinished(() => api[Symbol.asyncDispose]());
  const effects = effectsFor(
    { CLOUDFLARE_API_BASE_URL: api.url, CLOUDFLARE_API_TOKEN: `${token}\n`, ...env },
    { clock },
  );
  const url = 'https://www.example.com/';
  const [invalidator] = openInvalidators({ cloudfront: [], cloudflare: [zone], wait: false, url }, effects);
  if (invalidator === undefined) throw new Error('there is none');
  const tell = (paths: readonly string[], more?: Partial<ChangedSite>) =>
    invalidator.apply(invalidator.plan(changed(paths, more)), 'site-1');
  return { api, clock, invalidator, effects, tell };
}
