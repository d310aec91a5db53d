type Env = Readonly<Record<string, string | undefined>>;

/** Variables with Sluice's credentials for servers, stores and registries. */
const keys = [
  ...['SLUICE_SSH_KEY', 'SLUICE_SSH_KEY_FILE', 'SLUICE_SSH_PASSPHRASE', 'SLUICE_REGISTRY_PASSWORD'],
  ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_WEB_IDENTITY_TOKEN_FILE'],
  'CLOUDFLARE_API_TOKEN',
] as const;

/** Values that tests use with a fake store, and that no real store has. */
const standIn = /^(?:test(?:ing)?|fake|dummy|mock|local(?:stack)?|minio(?:admin)?|x+|none)?$/i;

/** The names that this environment has, never the values. */
export function keysIn(env: Env): string[] {
  return keys.filter((name) => !standIn.test(env[name] ?? ''));
}

/**
 * Variables that sluice.yml cannot pass on to tools: it is a file of the change, and these are the runner's, Sluice's own,
 * or a step's channel to later steps.
 */
export const neverHandedOn =
  /^(?:INPUT_.*|ACTIONS_.*|SLUICE_.*|STATE_.*|SSH_AUTH_SOCK|CODECOV_TOKEN|GITHUB_(?:OUTPUT|STATE|ENV|PATH|STEP_SUMMARY))$/i;
