import type { Cost } from '../tool.ts';
import type { Limits } from './limits.ts';

/** Something to run: a check or a preparation. */
export interface Task {
  readonly id: string;
  /** Ids of the tasks that must have come to their end before. */
  readonly needs: readonly string[];
  readonly cost: Cost;
}

/**
 * The tasks that may begin now, as many as cores and memory allow: of those that wait for nothing first what others wait for,
 * then what is over at once, then what takes longest. A task that takes all cores begins alone, and once it is the first in the queue nothing
 * overtakes it. A task that needs more than there is runs alone rather than never.
 *
 * @param ended ids of the tasks that are over, however they ended.
 */
export function nextTasks(
  tasks: readonly Task[],
  running: ReadonlySet<string>,
  ended: ReadonlySet<string>,
  limits: Limits,
): Task[] {
  const chains = chainSeconds(tasks);
  const waitedFor = new Set(tasks.flatMap(({ needs }) => needs));
  const busy = tasks.filter(({ id }) => running.has(id));
  let cores = limits.cores - sum(busy.map((task) => coresOf(task, limits)));
  let memory = limits.memory - sum(busy.map((task) => task.cost.memory));
  let alone = busy.length === 0;
  const ready = tasks
    .filter(({ id, needs }) => !running.has(id) && !ended.has(id) && needs.every((need) => ended.has(need)))
    .sort(
      (a, b) => rank(a, waitedFor) - rank(b, waitedFor) || (chains.get(b.id) ?? 0) - (chains.get(a.id) ?? 0),
    );
  const begin: Task[] = [];
  for (const task of ready) {
    const fits = coresOf(task, limits) <= cores && task.cost.memory <= memory;
    if (fits || alone) {
      begin.push(task);
      cores -= coresOf(task, limits);
      memory -= task.cost.memory;
      alone = false;
    } else if (task.cost.cores === 'all') break;
  }
  return begin;
}

/** What is over at once delays nothing, and who has mistyped a name hears of it before the tests have begun. */
const atOnceSeconds = 3;

function rank({ id, cost }: Task, waitedFor: ReadonlySet<string>): number {
  if (waitedFor.has(id)) return 0;
  return cost.seconds <= atOnceSeconds && cost.cores !== 'all' ? 1 : 2;
}

/** Cores that a task gets, and keeps busy. */
export function coresOf({ cost }: Pick<Task, 'cost'>, limits: Limits): number {
  return cost.cores === 'all' ? limits.cores : Math.min(cost.cores, limits.cores);
}

/** Seconds from the beginning of a task to the end of the longest chain that hangs on it. */
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
  return numbers.reduce((total, each) => total + each, 0);
}
