import { readFileSync } from 'node:fs';
import { availableParallelism, freemem } from 'node:os';

/** Resources for the checks. */
export interface Limits {
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
}

/** Cores and free memory of this machine, or of its container, if that has less. */
export function machineLimits(): Limits {
  return {
    cores: availableParallelism(),
    memory: Math.min(freeMemory(), containerMemory()),
  };
}

/** Memory available to programs, including reclaimable caches: proc(5), MemAvailable. */
function freeMemory(): number {
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo'))?.[1];
  return available === undefined ? freemem() : Number(available) * 1024;
}

function containerMemory(): number {
  const limit = Number(
    read('/sys/fs/cgroup/memory.max') || read('/sys/fs/cgroup/memory/memory.limit_in_bytes'),
  );
  return Number.isFinite(limit) && limit > 0 ? limit : Number.POSITIVE_INFINITY;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
