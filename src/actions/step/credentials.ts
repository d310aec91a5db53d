import { UserError } from '../../kernel/errors.ts';
import type { Effects } from '../../kernel/run.ts';
import type { OperationContext } from '../../operations/context.ts';
import { readRunEvent } from './event.ts';
import { text, type Values } from './inputs.ts';

/** Where sluice.yml is. */
export const place = { config: text } as const;

export const registryLogin = {
  'registry-user': text,
  'registry-password': text,
} as const;

export const serverLogin = {
  'ssh-key': text,
  'ssh-passphrase': text,
  'known-hosts': text,
  host: text,
  user: text,
} as const;

/** Inputs whose values are secrets. */
export const secretInputs: readonly string[] = [
  'ssh-key',
  'ssh-passphrase',
  'registry-password',
  'github-token',
  'slack-webhook-url',
];

type Given = Partial<Values<typeof place & typeof registryLogin & typeof serverLogin>> & {
  readonly 'slack-webhook-url'?: string | undefined;
  readonly 'github-token'?: string | undefined;
};

/** Inputs that the environment may have too: a variable counts if its input is empty. */
const variables = {
  'ssh-key': 'SLUICE_SSH_KEY',
  'ssh-passphrase': 'SLUICE_SSH_PASSPHRASE',
  'known-hosts': 'SLUICE_KNOWN_HOSTS',
  'registry-user': 'SLUICE_REGISTRY_USER',
  'registry-password': 'SLUICE_REGISTRY_PASSWORD',
  // Only for ghcr.io.
  'github-token': 'GITHUB_TOKEN',
} as const;

/** Puts the inputs where the command line tool expects them. */
export function contextOf(given: Given, effects: Effects): OperationContext {
  const own = Object.entries(variables).flatMap(([input, variable]) => {
    const value = given[input as keyof typeof variables];
    return value === undefined ? [] : [[variable, value] as const];
  });
  return {
    effects: { ...effects, env: { ...effects.env, ...Object.fromEntries(own) } },
    config: given.config,
    webhook: given['slack-webhook-url'],
    server: { host: given.host, user: given.user },
  };
}

/**
 * The same, for operations that log in to servers.
 *
 * @throws UserError `input.no-secrets` for a run that can have no key.
 */
export function serverContextOf(given: Given, effects: Effects): OperationContext {
  const context = contextOf(given, effects);
  const keys = ['SLUICE_SSH_KEY', 'SLUICE_SSH_KEY_FILE', 'SSH_AUTH_SOCK'];
  refuseWithout(keys, 'there is no key to log in to the server with', 'Deploy', context.effects.env);
  return context;
}

/**
 * The same, for operations that publish to a store. Keys are in the environment, or the job assumes a role with its
 * OIDC token.
 *
 * @throws UserError `input.no-secrets` for a run that can have neither.
 */
export function storeContextOf(given: Given, effects: Effects): OperationContext {
  const context = contextOf(given, effects);
  const keys = ['AWS_ACCESS_KEY_ID', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'AWS_WEB_IDENTITY_TOKEN_FILE'];
  refuseWithout(keys, 'there are no keys for the store', 'Publish', context.effects.env);
  return context;
}

/** Explains to a run without secrets why it has none, unless the runner's own environment has one of `keys`. */
function refuseWithout(keys: readonly string[], missing: string, verb: string, env: Effects['env']): void {
  const why = readRunEvent(env).withoutSecrets;
  if (why === undefined || keys.some((name) => Boolean(env[name]))) return;
  throw new UserError({
    code: 'input.no-secrets',
    message: `${why}, and GitHub passes no secrets to it, so ${missing}. Nothing was changed.`,
    hint: `${verb} from a branch or a tag of the repository: give the job \`if: github.event_name != 'pull_request'\`.`,
  });
}
