import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware, Client, ParsedKey } from 'ssh2';
import { UserError } from '../../kernel/errors.ts';
import type { Credentials } from './credentials.ts';
import type { LoginKey } from './login-key.ts';
import type { Endpoint } from './tcp.ts';

/** The offered keys, in order, and the server's answers. */
export interface Login {
  readonly handler: AuthHandlerMiddleware;
  /** Login methods that the server still accepts; undefined before its first refusal. */
  accepted(): readonly string[] | undefined;
  /** The server accepted a key but requires a second factor. */
  partial(): boolean;
}

export function createLogin(user: string, credentials: Credentials): Login {
  const { agent, keys } = credentials;
  const methods: AnyAuthMethod[] = [];
  if (agent !== undefined) methods.push({ type: 'agent', username: user, agent: agent.socket });
  // ssh2 accepts a parsed key; its types allow only text.
  for (const { key } of keys)
    methods.push({ type: 'publickey', username: user, key: key as unknown as Buffer });
  let accepted: readonly AuthenticationType[] | undefined;
  let partial = false;
  return {
    handler: (left, partialSuccess, next) => {
      accepted = left ?? undefined;
      partial ||= partialSuccess === true;
      const possible = left === null || left === undefined || left.includes('publickey');
      next(
        possible
          ? (methods.shift() ?? (false as unknown as AnyAuthMethod))
          : (false as unknown as AnyAuthMethod),
      );
    },
    accepted: () => accepted,
    partial: () => partial,
  };
}

/**
 * Makes ssh2 sign with the first request instead of first asking whether the server accepts the key, which saves a round
 * trip. RSA keys keep asking, because their signature algorithm depends on the server's announcement. This uses internals
 * of ssh2 (decision 0004); without them, a login takes one more round trip.
 */
export function signAtOnce(client: Client): void {
  const protocol = (client as unknown as { _protocol?: { authPK?: AskWithKey } })._protocol;
  const ask = protocol?.authPK;
  if (protocol === undefined || ask === undefined) return;
  protocol.authPK = (user, key, algorithm, sign) => {
    const own = sign === undefined && key.type !== 'ssh-rsa' && 'isPrivateKey' in key && key.isPrivateKey();
    const signNow: Sign = (data, done) => done(key.sign(data));
    ask.call(protocol, user, key, algorithm, own ? signNow : sign);
  };
}
type Sign = (data: Buffer, done: (signature: Buffer) => void) => void;
type AskWithKey = (user: string, key: ParsedKey, algorithm: string | undefined, sign?: Sign) => void;

/** The server refused all keys. */
export function loginRefused(endpoint: Endpoint, credentials: Credentials, login: Login): UserError {
  const tried = allKeys(credentials);
  const accepted = login.accepted() ?? [];
  const list = tried
    .map((loginKey) => `${loginKey.fingerprint} (${loginKey.key.type}, from ${loginKey.source})`)
    .join('\n');
  if (login.partial() || !accepted.includes('publickey')) {
    return new UserError({
      code: 'host.login-refused',
      message: login.partial()
        ? `${endpoint.label} accepted the key but also requires ${accepted.join(' or ')}`
        : `${endpoint.label} accepts no keys, only ${accepted.join(', ') || 'nothing'}`,
      hint: `Allow logins with only a key: set PubkeyAuthentication yes, and AuthenticationMethods publickey for ${endpoint.user}, in sshd_config.`,
      output: list,
    });
  }
  const first = tried[0]?.key;
  const line = first === undefined ? 'KEY' : `${first.type} ${first.getPublicSSH().toString('base64')}`;
  return new UserError({
    code: 'host.login-refused',
    message: `${endpoint.label} refused the login of ${endpoint.user} with ${tried.length === 1 ? 'this key' : `these ${tried.length} keys`}`,
    hint:
      `On the host, ~${endpoint.user}/.ssh/authorized_keys must contain this line:\n  ${line}\n` +
      `The file must have mode 600 in a folder with mode 700, both owned by ${endpoint.user}. sshd_config must allow the user ` +
      `(${endpoint.user === 'root' ? 'PermitRootLogin, ' : ''}AllowUsers, AllowGroups). sshd's log on the host has the reason.`,
    output: list,
  });
}

/** The server hung up after too many offered keys (MaxAuthTries). */
export function tooManyKeys(endpoint: Endpoint, credentials: Credentials): UserError {
  return new UserError({
    code: 'host.login-attempts',
    message: `${endpoint.label} closed the connection after too many keys; Sluice had ${allKeys(credentials).length} to try`,
    hint: 'Set SLUICE_SSH_KEY or SLUICE_SSH_KEY_FILE: Sluice then tries only that key.',
    output: allKeys(credentials)
      .map((loginKey) => `${loginKey.fingerprint} (${loginKey.key.type}, from ${loginKey.source})`)
      .join('\n'),
  });
}

function allKeys(credentials: Credentials): readonly LoginKey[] {
  return [...(credentials.agent?.keys ?? []), ...credentials.keys];
}
