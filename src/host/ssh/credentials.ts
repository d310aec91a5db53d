import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type ParsedKey } from 'ssh2';
import { messageOf, UserError } from '../../kernel/errors.ts';
import { type LoginKey, loginKey, readLoginKey } from './login-key.ts';

/** The keys for logins. Loaded once a run, used for every host. */
export interface Credentials {
  /** Private keys, tried in this order, after the agent's. */
  readonly keys: readonly LoginKey[];
  readonly agent: Agent | undefined;
}

export interface Agent {
  readonly socket: string;
  readonly keys: readonly LoginKey[];
}

/** Environment variables whose values are secrets: register them with the mask before anything is printed. */
export const secretVariables = ['SLUICE_SSH_KEY', 'SLUICE_SSH_PASSPHRASE'] as const;

const usualFiles = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Finds the keys for logins. If SLUICE_SSH_KEY (text) or SLUICE_SSH_KEY_FILE (path) is set, that key is the only one;
 * otherwise those of the ssh-agent (SSH_AUTH_SOCK) and the usual files in ~/.ssh.
 *
 * @throws UserError `host.login-key-…` if there is no usable key, `host.agent`.
 */
export async function loadCredentials(env: Env): Promise<Credentials> {
  // `echo secret | gh secret set` stores the newline too.
  const passphrase = given(env.SLUICE_SSH_PASSPHRASE)?.replace(/\r?\n$/, '');
  const text = given(env.SLUICE_SSH_KEY);
  if (text !== undefined)
    return { keys: [readLoginKey(text, 'SLUICE_SSH_KEY', passphrase)], agent: undefined };
  const file = given(env.SLUICE_SSH_KEY_FILE);
  if (file !== undefined) return { keys: [await readKeyFile(file, env, passphrase)], agent: undefined };
  return search(env, passphrase);
}

async function search(env: Env, passphrase: string | undefined): Promise<Credentials> {
  const problems: UserError[] = [];
  const socket = given(env.SSH_AUTH_SOCK);
  let agent: Agent | undefined;
  if (socket !== undefined) {
    try {
      agent = { socket, keys: await agentKeys(socket) };
    } catch (error) {
      problems.push(agentError(`The ssh-agent at ${socket} does not respond: ${messageOf(error)}`, error));
    }
    if (agent?.keys.length === 0) {
      problems.push(agentError(`The ssh-agent at ${socket} has no keys`));
      agent = undefined;
    }
  }
  const keys: LoginKey[] = [];
  for (const name of usualFiles) {
    const path = join(env.HOME ?? homedir(), '.ssh', name);
    const found = await readFile(path, 'utf8').catch(() => undefined);
    if (found === undefined) continue;
    try {
      keys.push(readLoginKey(found, path, passphrase));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(error);
    }
  }
  if (agent !== undefined || keys.length > 0) return { keys, agent };
  throw (
    problems.find((problem) => problem.code !== 'host.agent') ??
    problems[0] ??
    new UserError({
      code: 'host.login-key-missing',
      message:
        'No private key found: SLUICE_SSH_KEY is not set, there is no ssh-agent, and ~/.ssh has no key',
      hint: 'In CI, set SLUICE_SSH_KEY to the text of the deploy key (a secret). On your machine, set SLUICE_SSH_KEY_FILE to its path, or start an ssh-agent.',
    })
  );
}

async function readKeyFile(path: string, env: Env, passphrase: string | undefined): Promise<LoginKey> {
  const full = path.startsWith('~/') ? join(env.HOME ?? homedir(), path.slice(2)) : path;
  let text: string;
  try {
    text = await readFile(full, 'utf8');
  } catch (error) {
    throw new UserError({
      code: 'host.login-key-missing',
      message: `SLUICE_SSH_KEY_FILE names ${path}, which cannot be read (${(error as NodeJS.ErrnoException).code})`,
      hint: 'Set it to the path of a private key on this machine.',
      cause: error,
    });
  }
  return readLoginKey(text, path, passphrase);
}

function agentKeys(socket: string): Promise<LoginKey[]> {
  return new Promise((resolve, reject) => {
    ssh2.createAgent(socket).getIdentities((error?: Error | null, keys?: unknown) => {
      if (error) return reject(error);
      // ssh2 parses the agent's answer; it returns an Error for a key of an unknown type.
      const parsed = (Array.isArray(keys) ? keys : []).filter(isParsedKey);
      resolve(parsed.map((key) => loginKey(key, 'ssh-agent')));
    });
  });
}

function isParsedKey(value: unknown): value is ParsedKey {
  return typeof value === 'object' && value !== null && !(value instanceof Error) && 'getPublicSSH' in value;
}

function agentError(message: string, cause?: unknown): UserError {
  return new UserError({
    code: 'host.agent',
    message,
    hint: 'Run ssh-add, or set SLUICE_SSH_KEY or SLUICE_SSH_KEY_FILE.',
    cause,
  });
}

function given(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value;
}
