import { z } from 'zod';
import {
  absolutePath,
  address,
  count,
  flag,
  hostKey,
  mapRule,
  oneOrMore,
  relativePath,
  serviceName,
  url,
  variableName,
} from './fields.ts';

const jump = z.union(
  [
    address,
    z.strictObject({
      host: address.meta({ description: '`user@host[:port]`.' }),
      'host-key': hostKey.optional().meta({ description: 'Pinned public key of the jump host.' }),
    }),
  ],
  { error: 'must be user@host, or a map with host and host-key' },
);

const variables = z.record(
  variableName,
  z.union([z.string(), z.number(), z.boolean()], { error: 'must be a plain value' }),
  {
    error: mapRule,
  },
);

const host = z.union(
  [
    address,
    z.strictObject({
      host: address.meta({ description: '`user@host`, `user@host:2222` or `user@[fd00::1]:2222`.' }),
      services: z
        .array(serviceName, { error: 'must be a list of services' })
        .min(1, 'must not be an empty list; leave it out to run all services')
        .optional()
        .meta({ description: 'Services this host runs. Default: all.' }),
      env: variables
        .prefault({})
        .meta({ description: 'Variables of this host only, over those of the target; nothing secret.' }),
      'host-key': hostKey
        .optional()
        .meta({ description: 'Pinned public host key or its fingerprint. Default: known_hosts decides.' }),
      jump: jump
        .optional()
        .meta({ description: 'Host to connect through: `user@host[:port]`, or with its own `host-key`.' }),
      root: absolutePath.prefault('/opt/sluice').meta({ description: 'Folder of all apps on the host.' }),
    }),
  ],
  { error: 'must be user@host, or a map with host, services, env, host-key, jump, root' },
);

/** One entry of `targets`. */
export const target = z
  .strictObject(
    {
      hosts: z
        .array(host, { error: 'must be a list of hosts, such as [deploy@prod-1.example.com]' })
        .min(1, 'must name at least one host')
        .meta({ description: 'Servers of the target: `user@host[:port]`, or a map with more settings.' }),
      'env-file': oneOrMore(relativePath, 'must be a path, or a list of paths')
        .optional()
        .meta({ description: 'Env file(s) with the target’s variables, read where Sluice runs.' }),
      'env-secret': oneOrMore(variableName, 'must be a NAME, or a list of NAMEs').optional().meta({
        description: 'NAME of a variable (a CI secret) that contains the text of a whole env file.',
      }),
      'host-env-file': oneOrMore(absolutePath, 'must be an absolute path on the host, or a list of them')
        .optional()
        .meta({ description: 'Env file(s) on the host, read there.' }),
      env: z.array(variableName, { error: 'must be a list of NAMEs of variables' }).optional().meta({
        description: 'Single variables, by NAME, from the environment Sluice runs in. The last source wins.',
      }),
      'require-tag': flag.prefault(false).meta({ description: 'Deploy only version tags.' }),
      url: url.optional().meta({ description: 'Public URL of the target, shown in reports.' }),
      batch: count(1, 1000)
        .optional()
        .meta({ description: 'Number of hosts that switch at once. Default: all.' }),
    },
    { error: mapRule },
  )
  .meta({ description: 'A named place to deploy to.' });
