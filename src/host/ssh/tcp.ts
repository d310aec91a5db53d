import { connect, type Socket } from 'node:net';
import type { HostConfig } from '../../config/model.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';

export interface DialOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Opens a TCP connection to an SSH server, without Nagle's delay: SSH sends many small packets.
 *
 * @throws UserError `host.dns`, `host.refused`, `host.unreachable`, `host.connect-timeout`; the signal's reason.
 */
export function dial(endpoint: Endpoint, options: DialOptions): Promise<Socket> {
  const { signal, timeoutMs } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: endpoint.address, port: endpoint.port, noDelay: true });
    const fail = (reason: unknown) => {
      stop();
      socket.on('error', () => {});
      socket.destroy();
      reject(reason);
    };
    const timer = setTimeout(() => fail(timedOut(endpoint, timeoutMs)), timeoutMs);
    const onAbort = () => fail(signal?.reason);
    const onError = (error: Error) => fail(dialError(endpoint, error));
    const stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('error', onError);
    socket.once('connect', () => {
      stop();
      resolve(socket);
    });
  });
}

/** The timeout of connecting, for all of its parts. */
export function timedOut(endpoint: Endpoint, timeoutMs: number): UserError {
  return new UserError({
    code: 'host.connect-timeout',
    message: `${endpoint.label} did not respond within ${Math.round(timeoutMs / 1000)} s (${endpoint.address}, port ${endpoint.port})`,
    hint: 'Check the address and the port. A firewall that drops packets causes the same error.',
  });
}

function dialError(endpoint: Endpoint, error: Error): UserError {
  const { address, port, label } = endpoint;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const where = `${address}, port ${port}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_NODATA' || code === 'EAI_FAIL') {
    return new UserError({
      code: 'host.dns',
      message: `DNS lookup of ${address} (${label}) failed (${code})`,
      hint: 'Correct the address in sluice.yml, or the DNS entry; `getent hosts NAME` shows the result on this machine.',
      cause: error,
    });
  }
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET') {
    return new UserError({
      code: 'host.refused',
      message: `${label} refused the connection (${where}): no program listens there, or a firewall rejects it`,
      hint: 'Check the address and the port, and that sshd runs on the host.',
      cause: error,
    });
  }
  if (code === 'ETIMEDOUT') {
    return new UserError({
      code: 'host.connect-timeout',
      message: `${label} did not respond (${where})`,
      hint: 'Check the address and the port. A firewall that drops packets causes the same error.',
      cause: error,
    });
  }
  return new UserError({
    code: 'host.unreachable',
    message: `Cannot reach ${label} (${where}): ${code || messageOf(error)}`,
    hint: 'Check the address, and the network between this machine and the host.',
    cause: error,
  });
}

/** One SSH server to connect to: the host itself, or the jump host before it. */
export interface Endpoint {
  readonly role: 'host' | 'jump';
  /** Its name in messages: `deploy@prod-1.example.com:2222`. */
  readonly label: string;
  readonly user: string;
  readonly address: string;
  readonly port: number;
  readonly hostKey: string | undefined;
}

export function endpointOf(config: HostConfig): Endpoint {
  const { name, user, address, port, hostKey } = config;
  return { role: 'host', label: name, user, address, port, hostKey };
}

/** The jump host of a host, or undefined if it is reached directly. */
export function jumpOf(config: HostConfig): Endpoint | undefined {
  if (config.jump === undefined) return undefined;
  const { user, address, port, hostKey } = config.jump;
  const label = `${user}@${address}${port === 22 ? '' : `:${port}`} (jump host of ${config.name})`;
  return { role: 'jump', label, user, address, port, hostKey };
}
