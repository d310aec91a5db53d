import type { HostConfig } from '../config/model.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { openDialogue } from './commands/dialogue.ts';
import { forwardTcp, forwardUnix } from './commands/forward.ts';
import { Reaper } from './commands/reaper.ts';
import { type Job, type Means, runJob } from './commands/run.ts';
import { execLine, scriptLine, scriptText } from './commands/shell.ts';
import { ShellPool } from './commands/shell-pool.ts';
import { createEngine } from './engine/engine.ts';
import { createEngineRoute } from './engine/route.ts';
import type { Host } from './model.ts';
import type { Connection } from './ssh/connection.ts';

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
