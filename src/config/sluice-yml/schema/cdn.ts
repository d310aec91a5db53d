import { z } from 'zod';
import { parseDuration } from '../human.ts';
import {
  count,
  duration,
  flag,
  mapRule,
  oneOf,
  oneOrMore,
  rate,
  relativePath,
  targetName,
  text,
  url,
} from './fields.ts';

const storeRule = 'must be a bucket, with a folder in it if you like: s3://bucket or s3://bucket/folder';
/** Bucket names by S3's rules, and the capitals and underscores that older buckets and other stores have. */
const store = text(storeRule, 1100)
  .regex(/^s3:\/\/[A-Za-z0-9][A-Za-z0-9._-]{1,253}(?:\/[^/\\?#]+)*\/?$/, storeRule)
  .refine((value) => !/\/\.{1,2}(?:\/|$)/.test(value.slice('s3:/'.length)), storeRule)
  .meta({ title: 's3://bucket/folder' });

const distributionRule = 'must be the ID of a distribution, such as E2QWRUHAPOMQZL';
const distribution = text(distributionRule, 64)
  .regex(/^[A-Z0-9]+$/, distributionRule)
  .meta({ title: 'ID of a distribution' });

const zoneRule = 'must be a zone by name (example.com) or by its ID of 32 hex digits';
const zone = text(zoneRule, 253)
  .regex(/^(?:[0-9a-f]{32}|(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,})$/, zoneRule)
  .meta({ title: 'zone' });

const roleRule = 'must be the ARN of a role, such as arn:aws:iam::123456789012:role/publish';
const role = text(roleRule, 2048)
  .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/, roleRule)
  .meta({ title: 'ARN of a role' });

const glob = text('must be a pattern such as assets/** or *.html', 500).meta({ title: 'pattern' });
const globs = oneOrMore(glob, 'must be a pattern, or a list of patterns');

/** Assets are small and a year is what browsers may keep them, so a grace period may be long. */
const longestGrace = 366 * 86_400_000;
const graceRule = 'must be a duration such as 12h or 30d, at most 366d';
const grace = z
  .string({ error: graceRule })
  .regex(/^(\d+(\.\d+)?(m|h|d))+$/, graceRule)
  .transform((value, context) => {
    const ms = parseDuration(value);
    if (ms !== undefined && ms <= longestGrace) return ms;
    context.issues.push({ code: 'custom', message: graceRule, input: value });
    return z.NEVER;
  })
  .meta({ title: 'duration' });

/** Headers that S3 stores with an object. */
const stored = [
  'cache-control',
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'expires',
] as const;
const headerValue = text('must be the value of a header', 1024).regex(
  /^[\x20-\x7e]*$/,
  'must be plain ASCII, as headers are',
);
const storedHeaders = z.strictObject(
  Object.fromEntries(
    stored.map((name) => [name, headerValue.optional().meta({ description: `\`${name}\` of the files.` })]),
  ) as Record<(typeof stored)[number], z.ZodOptional<typeof headerValue>>,
  { error: `must be a map of ${stored.join(', ')}; a store keeps no other headers, a CDN adds those` },
);

const headerName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'must be the name of a header');

const budget = z.strictObject(
  {
    lookup: duration(1).optional().meta({ description: 'DNS.' }),
    connect: duration(1).optional().meta({ description: 'TCP.' }),
    tls: duration(1).optional().meta({ description: 'The handshake of TLS.' }),
    'first-byte': duration(1).optional().meta({ description: 'From the request to the first byte.' }),
    total: duration(1).optional().meta({ description: 'From the lookup to the last byte.' }),
  },
  { error: mapRule },
);

const verify = z.strictObject(
  {
    pages: count(1, 10_000).prefault(20).meta({
      description: 'How many pages to check, changed ones first, with every asset they name.',
    }),
    for: duration(1000).prefault('60s').meta({
      description: 'How long the site may take to serve the new release before remaining problems count.',
    }),
    security: oneOf(['fail', 'warn', 'off']).prefault('warn').meta({
      description:
        'Effect of a missing security header (Strict-Transport-Security, Content-Security-Policy, X-Content-Type-Options, X-Frame-Options or frame-ancestors, Referrer-Policy).',
    }),
    headers: z
      .record(headerName, headerValue, { error: mapRule })
      .prefault({})
      .meta({ description: 'Headers that every page must have, with exactly this value.' }),
    budget: budget.prefault({}).meta({
      description: 'Longest times for the root page on a new connection; slower is a warning.',
    }),
  },
  { error: mapRule },
);

/** Settings that may differ between targets. */
const place = {
  store: store.optional().meta({
    description:
      'Destination of the files: `s3://bucket` or `s3://bucket/folder`, on AWS or any S3-compatible store.',
  }),
  endpoint: url.optional().meta({
    description:
      'Address of a store that is not AWS: `https://ACCOUNT.r2.cloudflarestorage.com`, `https://minio.example.com`. Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else AWS.',
  }),
  region: text('must be a region', 64)
    .regex(/^[a-z0-9-]+$/, 'must be a region such as eu-central-1')
    .optional()
    .meta({
      description:
        'Region of the bucket. Default: AWS_REGION, AWS_DEFAULT_REGION, else `us-east-1`; `auto` for R2.',
    }),
  style: oneOf(['path', 'host']).optional().meta({
    description:
      'Where requests name the bucket: in the `path`, or in the `host` name. Default: `host` on AWS, except for names with dots; `path` elsewhere.',
  }),
  role: role.optional().meta({
    description:
      'Role that a GitHub job assumes with its OIDC token (`permissions: id-token: write`). Default: AWS_ROLE_ARN; without one, Sluice uses the keys of the environment.',
  }),
  url: url.optional().meta({
    description:
      'Public URL of the root of the site. With it, Sluice verifies the release as visitors see it. Required for Cloudflare.',
  }),
  cloudfront: oneOrMore(distribution, 'must be the ID of a distribution, or a list of IDs').optional().meta({
    description: 'CloudFront distribution(s) to invalidate.',
  }),
  cloudflare: oneOrMore(zone, 'must be a zone, or a list of zones').optional().meta({
    description: 'Cloudflare zone(s) to purge (CLOUDFLARE_API_TOKEN with “Cache Purge”).',
  }),
};

/** `cdn:` of sluice.yml. */
export const cdn = z.strictObject(
  {
    dist: relativePath.meta({ description: 'Folder to publish, as the build creates it.' }),
    ...place,
    targets: z
      .record(targetName, z.strictObject(place, { error: mapRule }), { error: mapRule })
      .prefault({})
      .meta({ description: 'Settings that differ, by target: `staging: { store: s3://staging-assets }`.' }),
    index: text('must be the name of a file', 100)
      .regex(/^[^/]+$/, 'must be the name of a file, without a folder')
      .prefault('index.html')
      .meta({ description: 'Page that a folder URL serves.' }),
    spa: flag.prefault(false).meta({
      description: 'Serve the index page for unknown paths (a single-page app).',
    }),
    wait: flag.prefault(false).meta({
      description: 'Wait until CloudFront has completed the invalidation.',
    }),
    hashed: globs.optional().meta({
      description:
        'Files whose name changes with their content, cached for a year. Default: recognized by the names and folders that bundlers write.',
    }),
    headers: z
      .array(
        z.strictObject(
          {
            match: globs.meta({ description: 'Which files: `*.pdf` anywhere, `/robots.txt`, `docs/**`.' }),
            set: storedHeaders.meta({ description: 'Headers of these files, over the defaults.' }),
          },
          { error: mapRule },
        ),
        { error: 'must be a list of rules (match, set)' },
      )
      .prefault([])
      .meta({ description: 'Headers by file; later rules win.' }),
    exclude: globs.optional().meta({ description: 'Files of the folder not to publish.' }),
    elsewhere: globs.optional().meta({
      description:
        'Paths of the site that other servers serve, such as `media/**`. Files that pages name there may be missing in the folder.',
    }),
    variants: z
      .array(oneOf(['br', 'gzip']), { error: 'must be a list of br and gzip' })
      .prefault([])
      .meta({
        description:
          'Compressed copies next to text files, as `app.js.br` and `app.js.gz`, for servers that select them. CloudFront and Cloudflare compress on their own.',
      }),
    keep: count(1, 50).prefault(5).meta({ description: 'Earlier releases that a rollback can bring back.' }),
    grace: grace.prefault('7d').meta({
      description: 'How long to keep files of earlier releases at least, so that open tabs continue to work.',
    }),
    'max-removed': z
      .strictObject(
        {
          files: count(0, 10_000_000)
            .prefault(20)
            .meta({ description: 'A release may always remove this many files.' }),
          share: rate
            .prefault('30%')
            .meta({ description: 'A release may always remove this share of the site.' }),
        },
        { error: mapRule },
      )
      .prefault({})
      .meta({
        description: 'Sluice refuses a release that removes more than both limits, unless you allow it.',
      }),
    verify: verify.prefault({}).meta({ description: 'How to check the published site, if it has a `url`.' }),
  },
  { error: mapRule },
);
