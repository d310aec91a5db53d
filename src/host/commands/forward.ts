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
    // sshd has the same answer for all of these (serverloop.c: "open failed").
    throw new UserError({
      code: 'host.socket-unreachable',
      message: `${connection.label} cannot connect to its socket ${path}`,
      hint: 'Check that the socket exists, that its program runs, that the user can use it (ls -l), and AllowStreamLocalForwarding and DisableForwarding in sshd_config.',
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
        hint: 'Set AllowTcpForwarding yes (and DisableForwarding no) for this user in sshd_config; PermitOpen and `restrict` in authorized_keys restrict it too.',
        cause: error,
      });
    }
    throw new UserError({
      code: 'host.tcp-unreachable',
      message: `${connection.label} cannot connect to ${address}, port ${port}: ${error.message.replace(/^\(SSH\) Channel open failure: /, '')}`,
      hint: 'Check that a program listens there.',
      cause: error,
    });
  }
}
