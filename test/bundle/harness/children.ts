import { readdirSync, readFileSync } from 'node:fs';

/** A program that runs; a process id alone may be given to another one in the meantime. */
export interface Program {
  readonly pid: number;
  readonly parent: number;
  /** Since boot, in the kernel's ticks. */
  readonly started: string;
  readonly command: string;
}

/** Programs that run in a step's environment, told by a variable that no other step has. */
export function programsWith(variable: string): string[] {
  return programs()
    .filter(({ pid }) => (read(pid, 'environ') ?? '').split('\0').includes(variable))
    .map(({ command }) => command);
}

/** The programs that a process has started, and theirs, whatever their environment. */
export function descendantsOf(pid: number): Program[] {
  const all = programs();
  const found: Program[] = [];
  for (let parents = [pid]; parents.length > 0; ) {
    const children = all.filter(({ parent }) => parents.includes(parent));
    found.push(...children);
    parents = children.map((child) => child.pid);
  }
  return found;
}

/** Those of them that still run, as they were called. */
export function stillRunning(before: readonly Program[]): string[] {
  const now = programs();
  return before
    .filter(({ pid, started }) => now.some((program) => program.pid === pid && program.started === started))
    .map(({ command }) => command);
}

function programs(): Program[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? read(pid, 'stat') : undefined;
    if (stat === undefined) return [];
    // proc_pid_stat(5), behind the program's name, which may hold anything: state, parent, …, start as the 22nd field.
    const fields = stat.replace(/^.*\) /s, '').split(' ');
    if (fields[0] === 'Z') return [];
    const command = (read(pid, 'cmdline') ?? '').replaceAll('\0', ' ').trim();
    return [{ pid, parent: Number(fields[1]), started: fields[19] ?? '', command }];
  });
}

function read(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It has ended, or is another user's.
    return undefined;
  }
}
