import { z } from 'zod';
import { neverHandedOn } from '../../../kernel/masking/keys.ts';
import { duration, flag, mapRule, oneOf, rate, relativePath, text } from './fields.ts';

const reason = text('must say why, in a few words', 500);
const toolName = z.string({ error: 'must be the name of a check' }).min(1).max(100);

const variable = z
  .string({ error: 'must be the name of a variable' })
  .regex(/^[A-Za-z_]\w{0,199}$/, 'must be the name of a variable, such as DATABASE_URL')
  .refine(
    (name) => !neverHandedOn.test(name),
    'is never passed to tools: it belongs to Sluice or to the runner',
  );

/** `checks:` of sluice.yml. All checks are found in the repository; this only changes something. */
export const checks = z.strictObject(
  {
    skip: z.record(toolName, reason, { error: mapRule }).prefault({}).meta({
      description:
        'Checks that are not to run, each with its reason: by tool (`mypy`) or by check (`mypy backend`). Whatever else does not run fails.',
    }),
    ignore: z.record(toolName, reason, { error: mapRule }).prefault({}).meta({
      description:
        'Rules whose findings do not count, each with its reason: `compose/memory-limit: "sized by hand"`. Tools’ own settings and inline comments go on working.',
    }),
    baseline: relativePath.prefault('.sluice-baseline.json').meta({
      description:
        'File with the findings that are accepted, until a date or for good (`sluice check --accept`).',
    }),
    timeout: duration(1000).prefault('10m').meta({
      description: 'Longest time for one check; a check that is not at its end by then did not run.',
    }),
    timeouts: z.record(toolName, duration(1000), { error: mapRule }).prefault({}).meta({
      description: 'The same for single checks, by tool or by check: `pytest: 20m`.',
    }),
    tools: oneOf(['auto', 'path', 'locked']).prefault('auto').meta({
      description:
        'Where tools come from that the repository lacks (Trivy, TruffleHog, hadolint, …): `auto` takes one on PATH, else the locked version, whose hash is verified; `path` downloads nothing; `locked` ignores PATH.',
    }),
    env: z.array(variable, { error: 'must be a list of names' }).prefault([]).meta({
      description:
        'Variables that tools and tests get, by name: `[DATABASE_URL]`. They have none of the environment but paths, proxies, what CI says of the run, and settings of known tools.',
    }),
    scan: z
      .strictObject(
        {
          'fail-on': oneOf(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']).prefault('HIGH').meta({
            description: 'Vulnerabilities of this severity and above count against the verdict.',
          }),
          unfixed: oneOf(['review', 'fail', 'note']).prefault('review').meta({
            description: 'What such a vulnerability means while there is no fixed version of it.',
          }),
          history: flag.prefault(false).meta({
            description:
              'Look for secrets in the whole history of git, not only in the change. A run without a change to look at does it anyway.',
          }),
          'verify-secrets': flag.prefault(true).meta({
            description:
              'Ask the services that secrets are for whether they are live. A secret that can’t be verified asks for a review.',
          }),
          images: flag.prefault(false).meta({
            description: 'Scan the images of the services, too, where they have been built on this machine.',
          }),
        },
        { error: mapRule },
      )
      .prefault({})
      .meta({ description: 'Vulnerabilities and secrets.' }),
    coverage: z
      .strictObject(
        {
          total: rate.optional().meta({ description: 'Share of all lines that tests must run.' }),
          changed: rate.optional().meta({ description: 'Share of the changed lines that tests must run.' }),
          codecov: flag.prefault(false).meta({
            description: 'Upload coverage to Codecov (CODECOV_TOKEN); a failed upload is a warning.',
          }),
        },
        { error: mapRule },
      )
      .prefault({})
      .meta({ description: 'Coverage gates; none without a number.' }),
  },
  { error: mapRule },
);
