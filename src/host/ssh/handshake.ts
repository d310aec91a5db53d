import type { Duplex } from 'node:stream';
import { NodeSSH } from 'node-ssh';
import type {
  Algorithms,
  CipherAlgorithm,
  Client,
  KexAlgorithm,
  MacAlgorithm,
  ServerHostKeyAlgorithm,
} from 'ssh2';
import { messageOf, UserError } from '../../kernel/errors.ts';
import { quoteWords } from '../../kernel/quote.ts';
import type { Credentials } from './credentials.ts';
import { publicKey } from './known-hosts.ts';
import { createLogin, type Login, loginRefused, signAtOnce, tooManyKeys } from './login.ts';
import { type Endpoint, timedOut } from './tcp.ts';
import { distrust, judge, type Trust } from './trust.ts';

export interface Handshake {
  readonly endpoint: Endpoint;
  /** A connected stream to the server: a socket, or a channel through the jump host. */
  readonly sock: Duplex;
  readonly trust: Trust;
  readonly credentials: Credentials;
  /** Host key types to exclude, see `withEachKeyType` in connect.ts. */
  readonly refusedTypes: readonly string[];
  readonly timeoutMs: number;
  /** Interval of keepalives; the peer is dead after three without an answer. */
  readonly keepaliveMs: number;
  readonly signal: AbortSignal | undefined;
}

/** A host key of a type that cannot be the pinned fingerprint's; the server may have another. */
export class WrongKeyType extends Error {
  readonly type: string;
  readonly verdict: UserError;
  constructor(type: string, verdict: UserError) {
    super(verdict.message);
    this.type = type;
    this.verdict = verdict;
  }
}

/**
 * The SSH handshake and login. The host key is verified before Sluice sends a key or a command.
 *
 * @returns the client, logged in, without listeners for `error` and `close`.
 * @throws UserError of many kinds (`host.key-…`, `host.login-…`, `host.not-ssh`, `host.closed-early` …).
 */
export async function handshake(given: Handshake): Promise<Client> {
  const { endpoint, sock, trust, credentials, signal } = given;
  signal?.throwIfAborted();
  const login = createLogin(endpoint.user, credentials);
  const seen: Seen = { greeting: '', distrust: undefined, keyed: false };
  const ssh = new NodeSSH();
  const ready = ssh.connect({
    sock: sock as never,
    username: endpoint.user,
    authHandler: login.handler,
    algorithms: algorithmsFor(
      trust.keys.concat(trust.portless).map((key) => key.type),
      given.refusedTypes,
    ),
    hostVerifier: (blob: Buffer) => {
      const verdict = judge(trust, blob);
      if (verdict === 'known') return true;
      seen.distrust = distrust(verdict, endpoint, trust, blob);
      const type = publicKey(blob)?.type ?? '';
      if (trust.keys.length === 0 && verdict === 'changed')
        seen.distrust = new WrongKeyType(type, seen.distrust);
      return false;
    },
    readyTimeout: given.timeoutMs,
    keepaliveInterval: given.keepaliveMs,
    keepaliveCountMax: 3,
  });
  const client = ssh.connection;
  if (client === null) {
    // connect() rejected its arguments before it created a client; the promise has the error.
    await ready;
    throw new Error('node-ssh created no client');
  }
  // node-ssh rejects with the first error; later ones must not become unhandled.
  client.on('error', () => {});
  signAtOnce(client);
  client.once('handshake', () => {
    seen.keyed = true;
  });
  const peek = (chunk: Buffer) => {
    if (seen.greeting.length < 300) seen.greeting += chunk.toString('latin1', 0, 300);
  };
  sock.on('data', peek);
  const onAbort = () => sock.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await ready;
    return client;
  } catch (error) {
    client.end();
    sock.destroy();
    if (signal?.aborted) throw signal.reason;
    throw seen.distrust ?? explain(error, given, seen, login);
  } finally {
    sock.off('data', peek);
    signal?.removeEventListener('abort', onAbort);
  }
}

interface Seen {
  /** The first bytes of the server, for the error if it is not an SSH server. */
  greeting: string;
  distrust: UserError | WrongKeyType | undefined;
  /** The key exchange is done: later failures belong to the login. */
  keyed: boolean;
}

function explain(error: unknown, given: Handshake, seen: Seen, login: Login): UserError {
  const { endpoint, credentials } = given;
  const text = messageOf(error);
  const level = (error as { level?: unknown }).level;
  if (level === 'client-timeout') return timedOut(endpoint, given.timeoutMs);
  if (/too many authentication failures/i.test(text)) return tooManyKeys(endpoint, credentials);
  if (text.includes('authentication methods failed')) return loginRefused(endpoint, credentials, login);
  if (text.includes('no matching') || text.includes('No matching')) return noCommonAlgorithm(endpoint, text);
  if (level === 'agent') {
    return new UserError({
      code: 'host.agent',
      message: `The ssh-agent refused to sign for ${endpoint.label}: ${text}`,
      hint: 'Check ssh-add -l, or set SLUICE_SSH_KEY.',
      cause: error,
    });
  }
  if (seen.keyed) {
    return new UserError({
      code: 'host.login-refused',
      message: `${endpoint.label} closed the connection during the login of ${endpoint.user}: ${text}`,
      hint: "Check sshd's log on the host (LoginGraceTime, MaxAuthTries, a PAM module, an expired account).",
      cause: error,
    });
  }
  const greeting = printable(seen.greeting);
  if (seen.greeting !== '' && !/(^|\n)SSH-/.test(seen.greeting) && !isSshdRefusal(seen.greeting)) {
    return new UserError({
      code: 'host.not-ssh',
      message: `${endpoint.address}:${endpoint.port} (${endpoint.label}) is not an SSH server`,
      hint: 'Correct the port in sluice.yml.',
      output: greeting,
    });
  }
  if (isHangUp(error, text)) {
    return new UserError({
      code: 'host.closed-early',
      message: `${endpoint.label} closed the connection before SSH began`,
      hint: 'Check sshd’s log: MaxStartups limits new connections, and fail2ban, PerSourcePenalties or hosts.deny may ban this address.',
      ...(greeting === '' || greeting.startsWith('SSH-') ? {} : { output: greeting }),
      cause: error,
    });
  }
  return new UserError({
    code: 'host.ssh',
    message: `The SSH connection to ${endpoint.label} failed: ${text}`,
    hint: `Try \`ssh -v -p ${endpoint.port} ${quoteWords([`${endpoint.user}@${endpoint.address}`])}\`.`,
    cause: error,
  });
}

/** Plain text that sshd sends before it hangs up: over MaxStartups, or with a penalty on the client's address. */
function isSshdRefusal(greeting: string): boolean {
  return /^(Exceeded MaxStartups|Not allowed at this time)/.test(greeting);
}

function isHangUp(error: unknown, text: string): boolean {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT') return true;
  return text.includes('Connection lost before handshake') || text.includes('No response from server');
}

function noCommonAlgorithm(endpoint: Endpoint, text: string): UserError {
  return new UserError({
    code: 'host.no-common-algorithm',
    message: `${endpoint.label} and Sluice have no algorithm in common: ${text.replace(/^Handshake failed: /, '')}`,
    hint: 'Remove restrictions of KexAlgorithms, Ciphers, MACs or HostKeyAlgorithms from its sshd_config, or update its OpenSSH.',
  });
}

function printable(text: string): string {
  return text
    .replace(/[^\x20-\x7e\n]/g, '.')
    .trim()
    .slice(0, 200);
}

/** Signature algorithms of each host key type, in order of preference, without SHA-1 (`ssh-rsa` itself). */
const signatures: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** Host key types that can be verified. */
export const hostKeyTypes: readonly string[] = Object.keys(signatures);

const kex: KexAlgorithm[] = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
];

// AES-GCM first: Node hands it to OpenSSL, which uses the CPU's AES, so that ssh2 needs no native addon.
const cipher: CipherAlgorithm[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'chacha20-poly1305@openssh.com',
];

const hmac: MacAlgorithm[] = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
];

/**
 * The algorithms to offer a server. The server shows the first of its host keys that the offer names, so known types come
 * first: otherwise, with only a known RSA key, a server that also has an ed25519 key looks changed.
 *
 * @param known types of the known host keys; empty if only fingerprints, or no keys, are known.
 * @param refused types that turned out not to be the pinned fingerprint's.
 */
function algorithmsFor(known: readonly string[], refused: readonly string[]): Algorithms {
  const types = [...new Set([...known, ...hostKeyTypes])].filter((type) => !refused.includes(type));
  const serverHostKey = types.flatMap((type) => signatures[type] ?? []);
  return { kex, cipher, hmac, serverHostKey, compress: ['none'] };
}
