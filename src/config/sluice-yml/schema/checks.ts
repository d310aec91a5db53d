import { z } from 'zod';
import { neverHandedOn } from '../../../kernel/masking/keys.ts';
import { duration, flag, mapRule, oneOf, rate, relativePath, text } from './fields.ts';

const reason = text('must be a reason, in a few words', 500);
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
        'Checks to skip, each with a reason: by tool (`mypy`) or by check (`mypy backend`). Any other check that does not run fails.',
    }),
    ignore: z.record(toolName, reason, { error: mapRule }).prefault({}).meta({
      description:
        'Rules whose findings do not count, each with a reason: `compose/memory-limit: "sized manually"`. Tools’ own settings and inline comments continue to work.',
    }),
    baseline: relativePath.prefault('.sluice-baseline.json').meta({
      description:
        'File with accepted findings, accepted until a date or permanently (`sluice check --accept`).',
    }),
    timeout: duration(1000).prefault('10m').meta({
      description: 'Longest time for one check; a check that takes longer counts as not run.',
    }),
    timeouts: z.record(toolName, duration(1000), { error: mapRule }).prefault({}).meta({
      description: 'Timeouts of single checks, by tool or by check: `pytest: 20m`.',
    }),
    tools: oneOf(['auto', 'path', 'locked']).prefault('auto').meta({
      description:
        'Where to get tools that the repository lacks (Trivy, TruffleHog, hadolint, …): `auto` uses the one on PATH, else the locked version with a verified hash. `path` downloads nothing, `locked` ignores PATH.',
    }),
    env: z.array(variable, { error: 'must be a list of names' }).prefault([]).meta({
      description:
        'Variables to pass to tools and tests, by name: `[DATABASE_URL]`. Otherwise they get only paths, proxies, CI variables about the run, and settings of known tools.',
    }),
    scan: z
      .strictObject(
        {
          'fail-on': oneOf(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']).prefault('HIGH').meta({
            description: 'Vulnerabilities of this severity and above count against the verdict.',
          }),
          unfixed: oneOf(['review', 'fail', 'note']).prefault('review').meta({
            description: 'Effect of such a vulnerability while no fixed version exists.',
          }),
          history: flag.prefault(false).meta({
            description:
              'Scan the whole git history for secrets, not only the change. A run without a change to compare always does.',
          }),
          'verify-secrets': flag.prefault(true).meta({
            description:
              'Check with the issuing services whether found secrets are live. A secret that cannot be verified needs a review.',
          }),
          images: flag.prefault(false).meta({
            description: 'Also scan the images of the services that were built on this machine.',
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
