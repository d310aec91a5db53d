import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { isOpen } from './child-env.ts';

/** The environment this process was started with, taken out of it. */
export interface OwnEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether nothing of them is left for other processes of this user to read. */
  readonly isCleared: boolean;
}

/**
 * Takes the variables out of this process, but for those that are nobody's secret. `delete process.env.X` only forgets
 * where a value is: the block of memory that the kernel shows as /proc/PID/environ, to every process of the same user,
 * keeps it. So its bytes are overwritten as well, through /proc/self/mem (proc_pid_mem(5); where the block begins and ends
 * is in proc_pid_stat(5)).
 *
 * Call it first of all and once: `process.env` has less from then on.
 *
 * @param unwanted variables whose values this run has no use for: they are never read, so no copy of them lies in memory.
 */
export function takeEnvironment(unwanted: (name: string) => boolean = () => false): OwnEnvironment {
  const block = openBlock();
  if (block === undefined) return takeWithoutBlock(unwanted);
  const env: Record<string, string | undefined> = {};
  const { bytes } = block;
  for (const { name, from, to } of entriesOf(bytes)) {
    if (!unwanted(name)) {
      // A name that is there twice is, for getenv(3), the first.
      const value = bytes.toString('utf8', from + Buffer.byteLength(name) + 1, to);
      env[name] ??= value;
      if (isOpen(name, value)) continue;
    }
    delete process.env[name];
    bytes.fill(0, from, to);
  }
  const isCleared = block.write();
  bytes.fill(0);
  block.close();
  return { env, isCleared };
}

/** Systems without /proc: our children get none of it, other processes of the user may still read it. */
function takeWithoutBlock(unwanted: (name: string) => boolean): OwnEnvironment {
  for (const name of Object.keys(process.env).filter(unwanted)) delete process.env[name];
  const env = { ...process.env };
  for (const [name, value] of Object.entries(env)) if (!isOpen(name, value ?? '')) delete process.env[name];
  return { env, isCleared: false };
}

interface Block {
  readonly bytes: Buffer;
  /** @returns whether the process shows these bytes now. */
  readonly write: () => boolean;
  readonly close: () => void;
}

function openBlock(): Block | undefined {
  let file: number | undefined;
  try {
    // The 50th and 51st field; the program's name before the third may hold anything.
    const fields = readFileSync('/proc/self/stat', 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    const [start, end] = [Number(fields[47]), Number(fields[48])];
    if (!Number.isSafeInteger(start) || !(end > start)) return undefined;
    const memory = openSync('/proc/self/mem', 'r+');
    file = memory;
    const bytes = Buffer.alloc(end - start);
    if (readSync(memory, bytes, 0, bytes.length, start) !== bytes.length) throw new Error('cut');
    return {
      bytes,
      write: () => {
        try {
          return writeSync(memory, bytes, 0, bytes.length, start) === bytes.length;
        } catch {
          return false;
        }
      },
      close: () => closeSync(memory),
    };
  } catch {
    if (file !== undefined) closeSync(file);
    return undefined;
  }
}

function* entriesOf(bytes: Buffer): Iterable<{ name: string; from: number; to: number }> {
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0, from);
    const to = end < 0 ? bytes.length : end;
    const equals = bytes.indexOf('=', from);
    if (equals > from && equals < to) yield { name: bytes.toString('utf8', from, equals), from, to };
    from = to + 1;
  }
}
