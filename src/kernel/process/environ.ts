import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { isOpen } from './child-env.ts';

/** The environment this process was started with. */
export interface OwnEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether other processes of this user can no longer read any of it. */
  readonly isCleared: boolean;
}

/**
 * Removes all variables that may be secret from this process. `delete process.env.X` removes only the reference: the
 * memory that the kernel shows as /proc/PID/environ to every process of the same user keeps the value. Its bytes are
 * therefore overwritten through /proc/self/mem (proc_pid_mem(5); proc_pid_stat(5) has the limits of the block).
 *
 * Call it once, at the start: `process.env` is smaller afterwards.
 *
 * @param unwanted variables that this run does not need: their values are never read, so memory has no copy of them.
 */
export function takeEnvironment(unwanted: (name: string) => boolean = () => false): OwnEnvironment {
  const block = openBlock();
  if (block === undefined) return takeWithoutBlock(unwanted);
  const env: Record<string, string | undefined> = {};
  const { bytes } = block;
  for (const { name, from, to } of entriesOf(bytes)) {
    if (!unwanted(name)) {
      // Of a duplicate name, getenv(3) uses the first.
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

/** Systems without /proc: children get none of it; other processes of the user may still read it. */
function takeWithoutBlock(unwanted: (name: string) => boolean): OwnEnvironment {
  for (const name of Object.keys(process.env).filter(unwanted)) delete process.env[name];
  const env = { ...process.env };
  for (const [name, value] of Object.entries(env)) if (!isOpen(name, value ?? '')) delete process.env[name];
  return { env, isCleared: false };
}

interface Block {
  readonly bytes: Buffer;
  /** @returns whether /proc shows these bytes now. */
  readonly write: () => boolean;
  readonly close: () => void;
}

function openBlock(): Block | undefined {
  let file: number | undefined;
  try {
    // The 50th and 51st field; the program's name before the third may contain any character.
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
