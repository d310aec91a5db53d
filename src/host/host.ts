import type { Duplex } from 'node:stream';
import type { HostConfig } from '../config/model.ts';
import type { Clock } from '../kernel/clock.ts';
import { UserError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { openDialogue } from './commands/dialogue.ts';
import { Reaper } from './commands/reaper.ts';
import { type Job, type Means, runJob } from './commands/run.ts';
import { execLine, scriptLine, scriptText } from './commands/shell.ts';
import { ShellPool } from './commands/shell-pool.ts';
import { createEngine } from './engine/engine.ts';
import { createEngineRoute } from './engine/route.ts';
import type { Host } from './model.ts';
import { type Connection, ForwardRefused } from './ssh/connection.ts';

export interface HostEffects {
  readonly log: Log;
  readonly clock: Clock;
  readonly engineSocket?: string;
}

/** The host behind a connection; closing it closes the connection, and that of the jump host. */
export function createHost(
  config: HostConfig,
  connection: Connection,
  jump: Connection | undefined,
  effects: HostEffects,
): Host {
  let execs = 0;
  let forwards = 0;
  const { clock } = effects;
  const pool = new ShellPool(connection, effects);
  const means: Means = { connection, pool, reaper: new Reaper(connection, effects), clock };
  const route = createEngineRoute(effects.engineSocket ?? '/var/run/docker.sock', means);
  const engine = createEngine(connection, {
    open: () => {
      forwards++;
      return route.open();
    },
    get costly() {
      return route.costly;
    },
  });

  async function close(): Promise<void> {
    pool.close();
    await connection.close();
    await jump?.close();
  }

  return {
    name: config.name,
    config,
    engine,
    lost: connection.lost,
    script: async (text, options = {}) => {
      execs++;
      const job: Job = {
        what: options.what ?? 'A script',
        line: (mark) => scriptLine(mark, options.args ?? []),
        stdin: (mark) => scriptText(mark, text),
      };
      return runJob(job, options, means);
    },
    exec: async (argv, options = {}) => {
      execs++;
      const job: Job = {
        what: options.what ?? argv[0],
        line: () => execLine(argv),
        stdin: () => options.stdin,
      };
      return runJob(job, options, means);
    },
    dialogue: async (argv, greeting) => {
      execs++;
      return openDialogue(argv, means, greeting);
    },
    unixSocket: async (path) => {
      forwards++;
      return forwardUnix(connection, path);
    },
    tcp: async (address, port) => {
      forwards++;
      return forwardTcp(connection, address, port);
    },
    counts: () => ({ execs, forwards }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * A connection to a unix socket on the host.
 *
 * @throws UserError `host.socket-unreachable`; `host.connection-lost`, `host.closed`.
 */
async function forwardUnix(connection: Connection, path: string): Promise<Duplex> {
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
async function forwardTcp(connection: Connection, address: string, port: number): Promise<Duplex> {
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
