import { readFileSync } from 'node:fs';
import { availableParallelism, freemem } from 'node:os';
import type { Cost } from '../tool.ts';

/** A check or a preparation. */
export interface Task {
  readonly id: string;
  /** Ids of the tasks that must have ended before. */
  readonly needs: readonly string[];
  readonly cost: Cost;
}

/** A task that begins, and the cores that it may use. */
export interface Start {
  readonly id: string;
  readonly cores: number;
}

/**
 * The tasks that may begin now, as many as cores and memory allow. Ready tasks are ordered: those that others need, then
 * instant ones, then the longest chains. A task that takes all cores begins alone, and once it is first in the queue no
 * other task overtakes it. A task with adjustable cores takes the free ones, at least half of all. A task that needs more
 * than the machine has runs alone rather than never.
 *
 * @param running cores by the id of each task that runs.
 * @param ended ids of the tasks that have ended, successfully or not.
 */
export function nextTasks(
  tasks: readonly Task[],
  running: ReadonlyMap<string, number>,
  ended: ReadonlySet<string>,
  limits: Limits,
): Start[] {
  const chains = chainSeconds(tasks);
  const waitedFor = new Set(tasks.flatMap(({ needs }) => needs));
  const busy = tasks.filter(({ id }) => running.has(id));
  let free = limits.cores - sum([...running.values()]);
  let memory = limits.memory - sum(busy.map((task) => task.cost.memory));
  let alone = busy.length === 0;
  const ready = tasks
    .filter(({ id, needs }) => !running.has(id) && !ended.has(id) && needs.every((need) => ended.has(need)))
    .sort(
      (a, b) => rank(a, waitedFor) - rank(b, waitedFor) || (chains.get(b.id) ?? 0) - (chains.get(a.id) ?? 0),
    );
  const begin: Start[] = [];
  for (const { id, cost } of ready) {
    const fits = leastCores(cost, limits) <= free && cost.memory <= memory;
    if (fits || alone) {
      const cores = cost.cores === 'any' ? Math.max(1, Math.floor(free)) : leastCores(cost, limits);
      begin.push({ id, cores });
      free -= cores;
      memory -= cost.memory;
      alone = false;
    } else if (cost.cores === 'all') break;
  }
  return begin;
}

/** Instant tasks delay nothing, and report mistakes such as a typo before the tests begin. */
const atOnceSeconds = 3;

function rank({ id, cost }: Task, waitedFor: ReadonlySet<string>): number {
  if (waitedFor.has(id)) return 0;
  return cost.seconds <= atOnceSeconds && typeof cost.cores === 'number' ? 1 : 2;
}

function leastCores({ cores }: Cost, limits: Limits): number {
  if (cores === 'all') return limits.cores;
  return cores === 'any' ? Math.ceil(limits.cores / 2) : Math.min(cores, limits.cores);
}

/** Seconds from the beginning of a task to the end of the longest chain that depends on it. */
function chainSeconds(tasks: readonly Task[]): ReadonlyMap<string, number> {
  const followers = new Map<string, Task[]>();
  for (const task of tasks) {
    for (const need of task.needs) followers.set(need, [...(followers.get(need) ?? []), task]);
  }
  const seconds = new Map<string, number>();
  const chainOf = (task: Task): number => {
    const known = seconds.get(task.id);
    if (known !== undefined) return known;
    const after = Math.max(0, ...(followers.get(task.id) ?? []).map(chainOf));
    seconds.set(task.id, task.cost.seconds + after);
    return task.cost.seconds + after;
  };
  for (const task of tasks) chainOf(task);
  return seconds;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

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
