import type { Clock } from '../../kernel/clock.ts';
import { UserError } from '../../kernel/errors.ts';
import type { Mask } from '../../kernel/masking/mask.ts';
import { assumeRole } from './role.ts';
import type { AwsKeys } from './sign.ts';

export interface CredentialOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `cdn.role`. */
  readonly role: string | undefined;
  readonly mask: Mask;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Who asks. `cdn.role` comes first: it says who is to publish; it is taken by a token of GitHub (or that in
 * AWS_WEB_IDENTITY_TOKEN_FILE). Where no such token can be had, as at a terminal, the keys of the environment do. A role that
 * is in AWS_ROLE_ARN alone comes after keys in the environment, as in all tools of AWS: those are often of that very role.
 *
 * @returns gives the keys, those of a role before they expire. It rejects with UserError `cdn.credentials` (no keys, half of
 *   them, white space in them) or `cdn.role`.
 */
export function awsCredentials(options: CredentialOptions): () => Promise<AwsKeys> {
  const { env, mask } = options;
  const keys = keysOf(env);
  const arn = options.role || env.AWS_ROLE_ARN;
  const hasToken = Boolean(env.ACTIONS_ID_TOKEN_REQUEST_URL || env.AWS_WEB_IDENTITY_TOKEN_FILE);
  if (arn && (options.role ? hasToken || keys === undefined : keys === undefined)) {
    return assumeRole(arn, options);
  }
  if (keys instanceof UserError) return () => Promise.reject(keys);
  if (keys === undefined) return () => Promise.reject(noKeys(env));
  mask.add(keys.secretAccessKey);
  if (keys.sessionToken !== undefined) mask.add(keys.sessionToken);
  return () => Promise.resolve(keys);
}

const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const;

/** @returns undefined if there are none; what is wrong with them otherwise. */
function keysOf(env: CredentialOptions['env']): AwsKeys | UserError | undefined {
  const [id, secret, token] = names.map((name) => env[name] || undefined);
  if (id === undefined && secret === undefined) return undefined;
  if (id === undefined || secret === undefined) {
    const [there, missing] = id === undefined ? [names[1], names[0]] : [names[0], names[1]];
    return new UserError({
      code: 'cdn.credentials',
      message: `${there} is set and ${missing} is not, or is empty`,
      hint: 'GitHub gives an empty text for a secret that does not exist: is its name right, and does this run get secrets?',
    });
  }
  for (const [at, value] of [id, secret, token].entries()) {
    if (value === undefined || /^[\x21-\x7e]+$/.test(value)) continue;
    return new UserError({
      code: 'cdn.credentials',
      message: `${names[at]} has ${/\s/.test(value) ? 'white space or a line end' : 'characters that no key has'} in it`,
      hint: 'Set it anew, without anything before or after it.',
    });
  }
  return {
    accessKeyId: id,
    secretAccessKey: secret,
    ...(token === undefined ? {} : { sessionToken: token }),
  };
}

function noKeys(env: CredentialOptions['env']): UserError {
  return new UserError({
    code: 'cdn.credentials',
    message:
      'There are no credentials for the store: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set',
    hint:
      env.GITHUB_ACTIONS === 'true'
        ? 'Give them to the step by `env`, from secrets; or set cdn.role and give the job `permissions: id-token: write`.'
        : 'Set both. The AWS CLI prints those of a profile: eval "$(aws configure export-credentials --format env)"',
  });
}
