import type { SiteSettings } from '../../config/site.ts';
import type { Invalidator } from '../invalidator.ts';
import { noUrl, openCloudflare } from './cloudflare.ts';
import { openCloudFront } from './cloudfront.ts';
import type { CloudFrontEffects } from './cloudfront-api.ts';

/** CloudFront needs all that Cloudflare does, and keys. */
export type InvalidatorEffects = CloudFrontEffects;

/**
 * The CDNs of a site. Nothing is asked of them yet, but what would keep them from being told is found here, before
 * anything is published.
 *
 * @throws UserError `cdn.cloudflare` (no token), `cdn.cloudfront` and `cdn.cloudflare` (an API's address that is none), `config.missing-key` (Cloudflare without a `url`).
 */
export function openInvalidators(
  { cloudfront, cloudflare, wait, url }: Pick<SiteSettings, 'cloudfront' | 'cloudflare' | 'wait' | 'url'>,
  effects: InvalidatorEffects,
): readonly Invalidator[] {
  if (cloudflare.length > 0 && url === undefined) throw noUrl();
  return [
    ...cloudfront.map((distribution) => openCloudFront(distribution, wait, effects)),
    ...cloudflare.map((zone) => openCloudflare(zone, effects)),
  ];
}
