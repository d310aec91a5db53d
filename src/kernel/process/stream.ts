import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { UserError } from '../errors.ts';
import { plainEnv } from './child-env.ts';
import { endGroup, type ProcessOptions, type ProcessResult, tail } from './process.ts';

/**
 * Runs a program whose output is too large to keep and is read as a stream. The child leads a process group; an abort, or a
 * failing reader, ends its whole tree.
 *
 * @returns its exit code and stderr, once the reader is done and the program has ended.
 * @throws UserError `process.missing`; the signal's reason; the reader's error, unless the program itself failed.
 */
export async function streamProcess(
  argv: readonly [string, ...string[]],
  options: Pick<ProcessOptions, 'env' | 'signal'>,
  read: (stdout: Readable) => Promise<void>,
): Promise<Omit<ProcessResult, 'stdout'>> {
  const [program, ...args] = argv;
  const { signal } = options;
  signal?.throwIfAborted();
  const child = spawn(program, args, {
    env: { ...(options.env ?? plainEnv(process.env)) },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = tail(stderr + text, 50);
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      const message = `${program} is not on PATH`;
      reject(
        error.code === 'ENOENT'
          ? new UserError({ code: 'process.missing', message, hint: `Install ${program} on this machine.` })
          : error,
      );
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
  ended.catch(() => {});
  const onAbort = () => child.stdout.destroy(asError(signal?.reason));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const failed = await read(child.stdout).then(
      () => undefined,
      (reason: unknown) => ({ reason }),
    );
    const isCut = failed !== undefined && !child.stdout.readableEnded;
    if (isCut) {
      // Drain the output: the child counts as closed only when all bytes are read.
      child.stdout.destroy();
      await endGroup(child.pid);
    }
    const code = await ended;
    signal?.throwIfAborted();
    // A failing program cuts its output off: its stderr is more useful than the reader's error.
    if (failed !== undefined && (code === 0 || isCut)) throw failed.reason;
    return { code, stderr };
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
