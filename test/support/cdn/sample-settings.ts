import { siteOf } from '../../../src/config/site.ts';
import { parseConfig } from '../../../src/config/sluice-yml/load.ts';

/** The settings of a sluice.yml with nothing but what must be there. */
export const defaultSite = siteOf(
  parseConfig('app: shop\ncdn: { dist: dist, store: s3://assets }\n', 'sluice.yml', '/repo'),
  undefined,
);
