import type { Duplex } from 'node:stream';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import { collect } from '../commands/output.ts';
import { type Means, runJob, withShell } from '../commands/run.ts';
import { execLine, type Shell, scriptLine, scriptText } from '../commands/shell.ts';
import { type Connection, ForwardRefused } from '../ssh/connection.ts';
import { sameEngine } from './docker-cli.ts';

/** The way to the engine: a forwarded socket, or a `docker` command that passes bytes on. */
export interface EngineRoute {
  /** @throws UserError `host.engine-denied`, `-missing`, `-down`; `host.connection-lost`. */
  open(): Promise<Duplex>;
  /** Connections are sessions, of which a host has few. */
  readonly costly: boolean;
}

/** Possible sockets of the engine, one a line: `usable PATH`, `denied PATH`, and `client` if there is a docker command. */
const locateScript = `
look() {
  [ -S "$1" ] || return 0
  if [ -r "$1" ] && [ -w "$1" ]; then echo "usable $1"; else echo "denied $1"; fi
}
look "$1"
case $DOCKER_HOST in unix://*) look "\${DOCKER_HOST#unix://}";; esac
look "\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock"
command -v docker >/dev/null 2>&1 && echo client
exit 0
`;

/**
 * The way to the engine of a host: the socket at `path` if sshd forwards it, else another socket of the user's
 * (rootless Docker), else `docker system dial-stdio` in a session (AllowStreamLocalForwarding no).
 */
export function createEngineRoute(path: string, means: Means): EngineRoute {
  const { connection } = means;
  let socket = path;
  let costly = false;
  let locating: Promise<Duplex> | undefined;

  async function open(): Promise<Duplex> {
    if (costly) return dialStdio();
    try {
      return await connection.unixSocket(socket);
    } catch (error) {
      if (!(error instanceof ForwardRefused)) throw error;
    }
    // Many requests may fail at once; the first one finds the way for all.
    if (locating !== undefined) {
      await locating;
      return open();
    }
    locating = locate();
    try {
      return await locating;
    } finally {
      locating = undefined;
    }
  }

  async function locate(): Promise<Duplex> {
    const found = await lookAround(path, means);
    for (const candidate of found.usable) {
      const stream = await connection.unixSocket(candidate).catch(ignoreRefusal);
      if (stream === undefined) continue;
      socket = candidate;
      return stream;
    }
    if (found.usable.length === 0 && found.denied.length > 0)
      throw denied(connection, found.denied.join(', '));
    if (!found.client) throw found.usable.length > 0 ? down(connection, '') : missing(connection);
    return dialStdio();
  }

  async function dialStdio(): Promise<Duplex> {
    const shell = await withShell(means, undefined, async (opened) => {
      // Listen before the line is sent: a docker that finds no engine may end at once.
      opened.stdio.holdEnd(opened.begun.then(() => verdictOf(opened)).catch(() => undefined));
      opened.begin(execLine(['sh', '-c', `${sameEngine}exec docker system dial-stdio`]));
      await opened.begun;
      return opened;
    });
    return shell.stdio;
  }

  async function verdictOf(shell: Shell): Promise<UserError | undefined> {
    costly = true;
    const error = await outcome(shell, connection);
    // The engine may be back, and the socket with it, before the next request.
    if (error !== undefined) costly = false;
    return error;
  }

  return {
    open,
    get costly() {
      return costly;
    },
  };
}

interface Surroundings {
  readonly usable: readonly string[];
  readonly denied: readonly string[];
  readonly client: boolean;
}

async function lookAround(path: string, means: Means): Promise<Surroundings> {
  const { stdout } = await runJob(
    {
      what: 'Finding the Docker engine',
      line: (mark) => scriptLine(mark, [path]),
      stdin: (mark) => scriptText(mark, locateScript),
    },
    { timeoutMs: 20_000 },
    means,
  );
  const lines = stdout.split('\n');
  const after = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  return { usable: after('usable'), denied: after('denied'), client: lines.includes('client') };
}

function ignoreRefusal(error: unknown): undefined {
  if (!(error instanceof ForwardRefused)) throw error;
}

/** The error of a `docker system dial-stdio` whose output has ended. */
async function outcome(shell: Shell, connection: Connection): Promise<UserError | undefined> {
  const errors = collect(shell.stderr, 16 * 1024);
  const { code } = await shell.closed;
  // stderr may end a moment after the channel.
  await new Promise((resolve) => setImmediate(resolve));
  if (code === 0 || connection.over.aborted) return undefined;
  const text = errors.text().trim();
  if (/permission denied/i.test(text)) return denied(connection, text);
  if (code === 127) return missing(connection);
  return down(connection, text);
}

function denied(connection: Connection, output: string): UserError {
  return new UserError({
    code: 'host.engine-denied',
    message: `The user cannot use the Docker engine on ${connection.label}`,
    hint: 'Add the user to the group docker on the host: sudo usermod -aG docker USER. It takes effect at the next login.',
    output: tail(output, 5),
  });
}

function missing(connection: Connection): UserError {
  return new UserError({
    code: 'host.engine-missing',
    message: `Docker is not installed on ${connection.label}`,
    hint: 'Install Docker Engine and its compose plugin: https://docs.docker.com/engine/install/',
  });
}

function down(connection: Connection, output: string): UserError {
  return new UserError({
    code: 'host.engine-down',
    message: `The Docker engine on ${connection.label} does not respond`,
    hint: 'Start it (sudo systemctl start docker) and check its log (journalctl -u docker).',
    ...(output === '' ? {} : { output: tail(output, 5) }),
  });
}
