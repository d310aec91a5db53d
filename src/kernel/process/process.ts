import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../errors.ts';
import { type ChildEnv, plainEnv } from './child-env.ts';

export interface ProcessOptions {
  readonly cwd?: string;
  /** The whole environment of the child; default: `plainEnv` of this process's. */
  readonly env?: ChildEnv;
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Limit of kept characters of each stream; default: all. The program may print more. */
  readonly keep?: number;
}

export interface ProcessResult {
  /** 128 and the signal's number when one ended it, as shells have it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether the output exceeded `keep`. */
  readonly truncated?: boolean;
}

/** Longest wait for the pipes: a process that left the group may hold them open forever. */
const pipesMs = 100;

/**
 * Runs a program with an argument array, never through a shell. The child leads a process group, so that an abort or a
 * timeout ends its whole tree.
 *
 * @returns exit code and output; the caller interprets the code.
 * @throws UserError `process.missing` if the program does not exist, `process.timeout`; the signal's reason on abort.
 */
export function runProcess(
  argv: readonly [string, ...string[]],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  const [program, ...args] = argv;
  const { signal, timeoutMs } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);

  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...(options.env ?? plainEnv(process.env)) },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout = collect(child.stdout, options.keep, (line) => options.onLine?.(line, 'stdout'));
    const stderr = collect(child.stderr, options.keep, (line) => options.onLine?.(line, 'stderr'));
    let endedBy: unknown;
    let groupGone: Promise<void> = Promise.resolve();

    const end = (reason: unknown) => {
      if (endedBy !== undefined) return;
      endedBy = reason;
      groupGone = endGroup(child.pid);
      groupGone
        .then(() => sleep(pipesMs))
        .then(() => {
          child.stdout.destroy();
          child.stderr.destroy();
        });
    };
    const onAbort = () => end(signal?.reason ?? new Error('aborted'));
    signal?.addEventListener('abort', onAbort, { once: true });
    const deadline =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            const lines = tail(stderr.text() || stdout.text(), 20);
            const message = `${program} did not finish within ${timeoutMs / 1000} s`;
            end(new UserError({ code: 'process.timeout', message, output: lines }));
          }, timeoutMs);

    const settle = (finish: () => void) => {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    child.on('error', (error: NodeJS.ErrnoException) =>
      settle(() =>
        reject(
          error.code === 'ENOENT' && (options.cwd === undefined || existsSync(options.cwd))
            ? new UserError({
                code: 'process.missing',
                message: `${program} is not on PATH`,
                hint: `Install ${program} on this machine.`,
              })
            : error,
        ),
      ),
    );
    child.on('close', (code, exitSignal) =>
      settle(() => {
        if (endedBy !== undefined) return groupGone.then(() => reject(endedBy));
        const said = { stdout: stdout.text(), stderr: stderr.text() };
        const truncated = stdout.isCut() || stderr.isCut() ? { truncated: true } : {};
        resolve({ code: code ?? signalCode(exitSignal), ...said, ...truncated });
      }),
    );
    // The write fails with EPIPE if the child closes its stdin early; the exit code has the outcome.
    child.stdin.on('error', () => {});
    child.stdin.end(options.stdin ?? '');
  });
}

/** The last `count` lines of a text, without trailing blank ones. */
export function tail(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

function signalCode(name: NodeJS.Signals | null): number {
  return name === null ? 1 : 128 + constants.signals[name];
}

/** An endless line is passed on in pieces of this length. */
const longestLine = 1024 * 1024;

function collect(
  stream: NodeJS.ReadableStream,
  keep = Number.POSITIVE_INFINITY,
  onLine: (line: string) => void,
) {
  const chunks: string[] = [];
  let kept = 0;
  let cut = false;
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const part = chunk.slice(0, keep - kept);
    kept += part.length;
    cut ||= part.length < chunk.length;
    if (part !== '') chunks.push(part);
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
    if (rest.length > longestLine) {
      onLine(rest);
      rest = '';
    }
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
  return { text: () => chunks.join(''), isCut: () => cut };
}

/** Time between SIGTERM and SIGKILL; a canceled job has about 7 s in all. */
const graceMs = 2_000;

/** Ends a process group, with SIGTERM first. Its leader may be gone while other members still run. */
export async function endGroup(pid: number | undefined): Promise<void> {
  signalGroup(pid, 'SIGTERM');
  const begun = performance.now();
  while (groupLives(pid)) {
    if (performance.now() - begun > graceMs) {
      signalGroup(pid, 'SIGKILL');
      return;
    }
    await sleep(20);
  }
}

/**
 * Whether any process of the group still runs. Zombies do not count, although signals reach them: their parent may be gone,
 * and the first process of a container often never reaps them.
 */
function groupLives(pid: number | undefined): boolean {
  if (!signalGroup(pid, 0)) return false;
  try {
    return readdirSync('/proc').some((name) => {
      const [state, group] = /^\d+$/.test(name) ? stateOf(name) : [];
      return group === String(pid) && state !== 'Z';
    });
  } catch {
    return true;
  }
}

/** State letter and process group, see proc_pid_stat(5); the program's name before them may contain any character. */
function stateOf(pid: string): [state: string, group: string] | [] {
  try {
    const [state = '', , group = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return [state, group];
  } catch {
    return [];
  }
}

/** @returns whether the group still exists. */
function signalGroup(pid: number | undefined, name: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, name);
  } catch {
    return false;
  }
}
