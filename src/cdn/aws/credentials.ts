import { UserError } from '../../kernel/errors.ts';
import { assumeRole, type CredentialOptions } from './role.ts';
import type { AwsKeys } from './sign.ts';

/**
 * Finds the credentials. `cdn.role` takes precedence, assumed with an OIDC token of GitHub or the one in
 * AWS_WEB_IDENTITY_TOKEN_FILE. Without a token, as at a terminal, the keys of the environment count. Keys of
 * the environment take precedence over AWS_ROLE_ARN, as in all AWS tools: they often belong to that role.
 * @returns a function that returns valid keys; it renews those of a role. It rejects with UserError
 * `cdn.credentials` (no keys, half of them, white space in them) or `cdn.role`.
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

/** @returns the keys, undefined if there are none, or their fault. */
function keysOf(env: CredentialOptions['env']): AwsKeys | UserError | undefined {
  const [id, secret, token] = names.map((name) => env[name] || undefined);
  if (id === undefined && secret === undefined) return undefined;
  if (id === undefined || secret === undefined) {
    const [there, missing] = id === undefined ? [names[1], names[0]] : [names[0], names[1]];
    return new UserError({
      code: 'cdn.credentials',
      message: `${there} is set, but ${missing} is missing or empty`,
      hint: 'GitHub passes an empty value for a missing secret. Check its name, and whether this run has access to secrets.',
    });
  }
  for (const [at, value] of [id, secret, token].entries()) {
    if (value === undefined || /^[\x21-\x7e]+$/.test(value)) continue;
    return new UserError({
      code: 'cdn.credentials',
      message: `${names[at]} contains ${/\s/.test(value) ? 'white space or a line end' : 'characters that are invalid in a key'}`,
      hint: 'Set it again, without any other characters.',
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
    message: 'No credentials for the store: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set',
    hint:
      env.GITHUB_ACTIONS === 'true'
        ? 'Pass them to the step with `env` from secrets, or set cdn.role and give the job `permissions: id-token: write`.'
        : 'Set both. The AWS CLI prints those of a profile: eval "$(aws configure export-credentials --format env)"',
  });
}
