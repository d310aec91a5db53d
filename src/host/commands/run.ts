import { constants } from 'node:os';
import { Readable } from 'node:stream';
import type { Clock } from '../../kernel/clock.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import type { RunOptions, ScriptResult } from '../model.ts';
import type { Connection } from '../ssh/connection.ts';
import type { Exit } from '../ssh/session.ts';
import { collect } from './output.ts';
import type { Reaper } from './reaper.ts';
import { type Shell, ShellRefused } from './shell.ts';
import type { ShellPool } from './shell-pool.ts';

/** A command, independent of its shell. */
export interface Job {
  /** Its name in messages. */
  readonly what: string;
  /** The line for the waiting shell. */
  readonly line: (mark: string) => string;
  readonly stdin: (mark: string) => string | Buffer | Readable | undefined;
}

export interface Means {
  readonly connection: Connection;
  readonly pool: ShellPool;
  readonly reaper: Reaper;
  readonly clock: Clock;
}

/** Default limit of stdout and of stderr in a result, in bytes. */
const defaultKeep = 1024 * 1024;

/** Longest wait for a command's end after the request to end it, ms. */
const longestEnd = 6_000;

/**
 * Runs one command on the host.
 *
 * @returns its exit code and output; the caller interprets the code.
 * @throws UserError `host.command-timeout`, `host.shell-refused`, `host.sessions-refused`, `host.command-broken`,
 * `host.connection-lost`, `host.closed`; the signal's reason on abort; the error of an input stream.
 */
export function runJob(job: Job, options: RunOptions, means: Means): Promise<ScriptResult> {
  return withShell(means, options.signal, (shell) => runIn(shell, job, options, means));
}

/**
 * Gives a task a shell, and another one if the first turns out to be dead.
 *
 * @throws UserError `host.shell-refused` for the ShellRefused of a task; the errors of ShellPool.acquire().
 */
export async function withShell<T>(
  means: Means,
  signal: AbortSignal | undefined,
  task: (shell: Shell) => Promise<T>,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    const shell = await means.pool.acquire(signal);
    const waited = shell.ready();
    try {
      return await task(shell);
    } catch (error) {
      if (!(error instanceof ShellRefused)) throw error;
      // TMOUT or sshd's ChannelTimeout may have ended a waiting shell just as it got its line; a killed shell did not refuse
      // the command. Neither read its line, so another shell can run the command.
      const killed = error.exit.code === undefined;
      if ((waited || killed) && tries < 2) continue;
      throw shellRefused(means.connection.label, error);
    }
  }
}

async function runIn(shell: Shell, job: Job, options: RunOptions, means: Means): Promise<ScriptResult> {
  const { signal, timeoutMs, onLine, maxOutput = defaultKeep } = options;
  if (signal?.aborted) {
    shell.drop();
    throw signal.reason;
  }
  shell.begin(job.line(shell.mark));
  const input = job.stdin(shell.mark);
  // A stream can be read only once, so it is not read before the shell is known to live.
  if (!(input instanceof Readable)) shell.stdio.end(input);

  const stop = Promise.withResolvers<never>();
  stop.promise.catch(() => {});
  const onAbort = () => stop.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  let latest = () => '';
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(
          () => stop.reject(timedOut(job.what, timeoutMs, means.connection.label, latest())),
          timeoutMs,
        );
  try {
    await Promise.race([shell.begun, stop.promise]);
    const pass = (from: 'stdout' | 'stderr') => (line: string) => {
      try {
        onLine?.(line, from);
      } catch (error) {
        stop.reject(error);
      }
    };
    const stdout = collect(shell.stdio, maxOutput, pass('stdout'));
    const stderr = collect(shell.stderr, maxOutput, pass('stderr'));
    latest = () => tail(stderr.text() || stdout.text(), 20);
    if (input instanceof Readable) feed(input, shell, stop.reject);
    const exit = await Promise.race([shell.exit, stop.promise]);
    if (means.connection.over.aborted) throw means.connection.over.reason;
    const code = codeOf(exit);
    if (code === undefined) throw broken(job.what, means.connection.label, latest());
    const truncated = stdout.truncated() || stderr.truncated();
    return { code, stdout: stdout.text(), stderr: stderr.text(), ...(truncated ? { truncated } : {}) };
  } catch (error) {
    if (error instanceof ShellRefused || means.connection.over.aborted) throw error;
    await endShell(shell, means);
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    if (input instanceof Readable) input.destroy();
  }
}

/** Ends the command of a shell; resolves when it is gone, or after a timeout. */
export async function endShell(shell: Shell, means: Means): Promise<void> {
  const { over } = means.connection;
  const patience = new AbortController();
  const waited = means.clock.sleep(longestEnd, AbortSignal.any([patience.signal, over])).catch(() => {});
  const nothingBegun = shell.begun.then(
    () => waited,
    () => {},
  );
  await Promise.race([Promise.all([means.reaper.end(shell), shell.closed]), nothingBegun, waited]);
  patience.abort();
  shell.drop();
}

/** Sends a stream as the command's input, no faster than the command reads it. */
function feed(input: Readable, shell: Shell, fail: (reason: unknown) => void): void {
  input.once('error', fail);
  input.pipe(shell.stdio);
  void shell.closed.then(() => input.destroy());
}

function codeOf(exit: Exit): number | undefined {
  if (exit.signal === undefined) return exit.code;
  return 128 + (constants.signals[exit.signal as NodeJS.Signals] ?? 0);
}

function timedOut(what: string, timeoutMs: number, label: string, output: string): UserError {
  return new UserError({
    code: 'host.command-timeout',
    message: `${what} on ${label} did not finish within ${timeoutMs < 10_000 ? `${timeoutMs} ms` : `${Math.round(timeoutMs / 1000)} s`} and was stopped`,
    ...(output === '' ? {} : { output }),
  });
}

function broken(what: string, label: string, output: string): UserError {
  return new UserError({
    code: 'host.command-broken',
    message: `${what} on ${label} ended without an exit status`,
    hint: 'Check the log of the host for out-of-memory kills and restarts of sshd.',
    ...(output === '' ? {} : { output }),
  });
}

function shellRefused(label: string, error: ShellRefused): UserError {
  const { code, signal } = error.exit;
  const how = signal ?? (code === undefined ? 'without an exit status' : `with exit code ${code}`);
  return new UserError({
    code: 'host.shell-refused',
    message: `The login shell on ${label} exited (${how}) instead of running Sluice’s command`,
    hint: 'Give the user a shell such as /bin/sh (see getent passwd), no forced command, and start-up files that do not exit.',
    ...(error.message === '' ? {} : { output: tail(error.message, 20) }),
    cause: error,
  });
}
