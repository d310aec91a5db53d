import type { Duplex } from 'node:stream';
import type { HostConfig } from '../../config/model.ts';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { retry } from '../../kernel/retry.ts';
import { createHost } from '../host.ts';
import type { Host } from '../model.ts';
import { Connection, ForwardRefused } from './connection.ts';
import { type Credentials, loadCredentials } from './credentials.ts';
import { handshake, hostKeyTypes, WrongKeyType } from './handshake.ts';
import { dial, type Endpoint, endpointOf, jumpOf } from './tcp.ts';
import { type Trust, trustFor } from './trust.ts';

export interface ConnectOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** Sluice's own environment: keys, known hosts, HOME, SSH_AUTH_SOCK. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Stops connecting; it does not affect the connected host. */
  readonly signal?: AbortSignal;
  /** Paths of known_hosts files; default ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts. */
  readonly knownHosts?: readonly string[];
  /** Default: loadCredentials(env). */
  readonly credentials?: Credentials;
  /** The engine's socket on the host; default /var/run/docker.sock, then the user's own (rootless). */
  readonly engineSocket?: string;
  /** For TCP, handshake and login of one server together; default 15 s. */
  readonly timeoutMs?: number;
  /** Interval of keepalives; the connection is lost after three without an answer; default 10 s. */
  readonly keepaliveMs?: number;
}

const defaultTimeoutMs = 15_000;
/** Pauses before the second and third attempt. */
const pausesMs = [300, 1_000];
/** Errors that may pass in a moment, and that occur before the client offers a key. */
const passing: ReadonlySet<string> = new Set(['host.refused', 'host.connect-timeout', 'host.closed-early']);

/**
 * Connects to a host, through its jump host if it has one. Close it when done.
 *
 * @throws UserError `host.…`, with a separate code for each kind of failure; the signal's reason on abort.
 */
export async function connectHost(config: HostConfig, options: ConnectOptions): Promise<Host> {
  const { log, clock } = options;
  const credentials = options.credentials ?? (await loadCredentials(options.env));
  const begun = clock.elapsed();
  const jumpPoint = jumpOf(config);
  const jump = jumpPoint === undefined ? undefined : await reach(jumpPoint, undefined, credentials, options);
  try {
    const connection = await reach(endpointOf(config), jump, credentials, options);
    log.detail(`${config.name}: connected in ${Math.round(clock.elapsed() - begun)} ms`);
    return createHost(config, connection, jump, options);
  } catch (error) {
    await jump?.close();
    throw error;
  }
}

/** Connects to one server. It retries passing errors, but never after it has offered a key. */
async function reach(
  endpoint: Endpoint,
  jump: Connection | undefined,
  credentials: Credentials,
  options: ConnectOptions,
): Promise<Connection> {
  const trust = await trustFor(endpoint, options);
  if (trust.authority !== undefined) {
    options.log.detail(`${trust.authority}: @cert-authority is ignored, host certificates are not supported`);
  }
  const connect = withEachKeyType((refusedTypes) =>
    once({ endpoint, jump, trust, refusedTypes, credentials, options }),
  );
  return await retry(connect, {
    clock: options.clock,
    signal: options.signal,
    pauseMs: (error, attempt) =>
      error instanceof UserError && passing.has(error.code) ? pausesMs[attempt - 1] : undefined,
    onRetry: (error) => options.log.detail(`${messageOf(error)}; retrying`),
  });
}

/**
 * A pinned fingerprint does not name the type of its key. When the server shows a key of another type, the next connection
 * excludes that type. If no type is left, the first error is thrown.
 */
function withEachKeyType<T>(connect: (refusedTypes: readonly string[]) => Promise<T>): () => Promise<T> {
  const refusedTypes: string[] = [];
  let firstVerdict: UserError | undefined;
  return async () => {
    for (;;) {
      try {
        return await connect(refusedTypes);
      } catch (error) {
        if (error instanceof WrongKeyType) {
          firstVerdict ??= error.verdict;
          refusedTypes.push(error.type);
          if (hostKeyTypes.every((type) => refusedTypes.includes(type))) throw firstVerdict;
        } else if (error instanceof UserError && error.code === 'host.no-common-algorithm') {
          throw firstVerdict ?? error;
        } else {
          throw error;
        }
      }
    }
  };
}

interface Try {
  readonly endpoint: Endpoint;
  readonly jump: Connection | undefined;
  readonly trust: Trust;
  readonly refusedTypes: readonly string[];
  readonly credentials: Credentials;
  readonly options: ConnectOptions;
}

async function once(given: Try): Promise<Connection> {
  const { endpoint, jump, options } = given;
  const { clock, signal, timeoutMs = defaultTimeoutMs, keepaliveMs = 10_000 } = options;
  const begun = clock.elapsed();
  const sock =
    jump === undefined ? await dial(endpoint, { timeoutMs, signal }) : await through(jump, endpoint);
  const left = Math.max(1_000, timeoutMs - (clock.elapsed() - begun));
  const client = await handshake({ ...given, sock, timeoutMs: left, keepaliveMs, signal });
  return new Connection(client, endpoint.label);
}

async function through(jump: Connection, endpoint: Endpoint): Promise<Duplex> {
  try {
    return await jump.tcp(endpoint.address, endpoint.port);
  } catch (error) {
    if (!(error instanceof ForwardRefused)) throw error;
    const why = error.message.replace(/^\(SSH\) Channel open failure: /, '');
    throw new UserError({
      code: 'host.jump-refused',
      message: `${jump.label} cannot connect to ${endpoint.address}, port ${endpoint.port}: ${why}`,
      hint: error.forbidden
        ? 'Set AllowTcpForwarding yes for this user in the sshd_config of the jump host (PermitOpen restricts it too).'
        : 'Check that the jump host resolves and reaches this address, and that sshd listens there.',
      cause: error,
    });
  }
}
