import type { SiteSettings } from '../../config/site.ts';
import type { Invalidator } from '../invalidator.ts';
import { noUrl, openCloudflare } from './cloudflare.ts';
import { openCloudFront } from './cloudfront.ts';
import type { CloudFrontEffects } from './cloudfront-api.ts';

/** CloudFront also needs keys. */
export type InvalidatorEffects = CloudFrontEffects;

/**
 * Opens the CDNs of a site, without a request. Faults of their settings are found here, before the publication.
 * @throws UserError `cdn.cloudflare` (no token), `cdn.cloudfront` and `cdn.cloudflare` (an invalid API
 * address), `config.missing-key` (Cloudflare without a `url`).
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
