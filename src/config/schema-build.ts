import { z } from 'zod';
import { command, flag, mapRule, oneOf, serviceName, text } from './fields.ts';

const platformRule = 'must be a platform such as linux/amd64 or linux/arm64';

/** `build:` of sluice.yml: only what the compose files can't say. */
export const build = z.strictObject(
  {
    platforms: z
      .array(text(platformRule, 64).regex(/^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9]+)?$/, platformRule), {
        error: 'must be a list of platforms',
      })
      .prefault([])
      .meta({
        description:
          'Platforms of images whose service names none in the compose files. Default: that of the builder.',
      }),
    cache: oneOf(['auto', 'registry', 'gha', 'local', 'inline', 'none']).prefault('auto').meta({
      description:
        'Where the build cache is kept between runs. `auto` takes what engine, store and place support, and `sluice build --print` says which and why.',
    }),
    sbom: flag.prefault(false).meta({ description: 'Attach a list of the software in the image.' }),
    provenance: flag
      .prefault(false)
      .meta({ description: 'Attach how the image was built (SLSA provenance).' }),
    smoke: z.record(serviceName, command, { error: mapRule }).prefault({}).meta({
      description:
        'Command by service that must end with 0 in the new image, without network, before anything is pushed.',
    }),
  },
  { error: mapRule },
);
