import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateDir } from './layout.ts';

/** Set while this process, or the one that started it, holds the bed: a test worker must not wait for its runner. */
const heldBy = 'SLUICE_BED_LOCK';

/**
 * Takes the machine's only bed for this process and returns the release. Waits up to `seconds` for another holder.
 *
 * flock(1) holds the lock in a child whose stdin is ours: however this process ends, the kernel closes the pipe, the
 * child ends and the lock is free. A pid file would need guessing after a SIGKILL.
 */
export async function lockBed(seconds: number, log: (line: string) => void): Promise<() => void> {
  if (process.env[heldBy] !== undefined) return () => {};
  const dir = stateDir();
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, 'lock');
  const holder = join(dir, 'lock.holder');

  const child = spawn('flock', ['-w', String(seconds), '-E', '75', file, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Its own process group: Ctrl-C must reach us first, and we may still need the bed to clean up.
    detached: true,
  });
  const notice = setTimeout(() => log(`waiting for the bed, in use by ${readHolder(holder)}`), 1000);
  const held = once(child.stdout, 'data').then(() => true);
  const ended = once(child, 'exit').then(
    () => false,
    (cause: unknown) => {
      throw new Error('flock (package util-linux) is needed to share the bed and could not be run', {
        cause,
      });
    },
  );
  const got = await Promise.race([held, ended]).finally(() => clearTimeout(notice));
  if (!got) throw new Error(`the bed is still in use after ${seconds} s, by ${readHolder(holder)}`);

  writeFileSync(
    holder,
    `process ${process.pid} (${process.argv.slice(1).join(' ')}) since ${new Date().toISOString()}`,
  );
  process.env[heldBy] = String(process.pid);
  // It must not keep this process alive.
  child.unref();
  for (const stream of [child.stdin, child.stdout])
    if ('unref' in stream) (stream as { unref(): void }).unref();
  return () => {
    delete process.env[heldBy];
    child.stdin.end();
  };
}

function readHolder(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return 'another process';
  }
}
