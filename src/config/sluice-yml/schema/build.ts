import { z } from 'zod';
import { command, flag, mapRule, oneOf, serviceName, text, variableName } from './fields.ts';

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
        'Where to keep the build cache between runs. `auto` chooses a backend that the engine, the store and the runner support; `sluice build --dry-run` shows which and why.',
    }),
    sbom: flag.prefault(false).meta({ description: 'Attach a list of the software in the image.' }),
    provenance: flag
      .prefault(false)
      .meta({ description: 'Attach a record of how the image was built (SLSA provenance).' }),
    smoke: z.record(serviceName, command, { error: mapRule }).prefault({}).meta({
      description:
        'Command by service that must exit with 0 in the new image, without network, before any image is pushed.',
    }),
    'job-credentials': z
      .array(variableName, { error: 'must be a list of NAMES of variables' })
      .optional()
      .meta({
        description:
          'NAMES of [reserved variables](#reserved-variables) of the job that build secrets and caches of the compose files may use, such as `GITHUB_TOKEN`. Anyone who can change a Dockerfile can then read them. Default: none.',
      }),
  },
  { error: mapRule },
);
