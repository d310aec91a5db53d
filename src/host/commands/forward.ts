import type { Duplex } from 'node:stream';
import { UserError } from '../../kernel/errors.ts';
import { type Connection, ForwardRefused } from '../ssh/connection.ts';

/**
 * A connection to a unix socket on the host.
 *
 * @throws UserError `host.socket-unreachable`; `host.connection-lost`, `host.closed`.
 */
export async function forwardUnix(connection: Connection, path: string): Promise<Duplex> {
  try {
    return await connection.unixSocket(path);
  } catch (error) {
    if (!(error instanceof ForwardRefused)) throw error;
    // sshd gives one and the same answer to all of these (serverloop.c: "open failed").
    throw new UserError({
      code: 'host.socket-unreachable',
      message: `${connection.label} could not connect to its socket ${path}`,
      hint: 'Either it does not exist, or nobody listens on it, or the user may not use it (ls -l), or sshd_config says AllowStreamLocalForwarding no (or DisableForwarding yes).',
      cause: error,
    });
  }
}

/**
 * A TCP connection made from the host.
 *
 * @throws UserError `host.tcp-unreachable`, `host.forwarding-refused`; `host.connection-lost`, `host.closed`.
 */
export async function forwardTcp(connection: Connection, address: string, port: number): Promise<Duplex> {
  try {
    return await connection.tcp(address, port);
  } catch (error) {
    if (!(error instanceof ForwardRefused)) throw error;
    if (error.forbidden) {
      throw new UserError({
        code: 'host.forwarding-refused',
        message: `sshd on ${connection.label} forbids the connection to ${address}, port ${port}`,
        hint: 'Set AllowTcpForwarding yes (and DisableForwarding no) for this user in sshd_config; PermitOpen and `restrict` in authorized_keys narrow it too.',
        cause: error,
      });
    }
    throw new UserError({
      code: 'host.tcp-unreachable',
      message: `${connection.label} could not connect to ${address}, port ${port}: ${error.message.replace(/^\(SSH\) Channel open failure: /, '')}`,
      hint: 'Check that the program there listens.',
      cause: error,
    });
  }
}
