import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextTasks, type Start, type Task } from '../../../src/checks/runner/schedule.ts';

const limits = { cores: 2, memory: 1000 };

function task(id: string, cost: Partial<Task['cost']> = {}, needs: readonly string[] = []): Task {
  return { id, needs, cost: { cores: 1, memory: 10, seconds: 4, ...cost } };
}

function starts(
  tasks: readonly Task[],
  running: readonly string[] = [],
  ended: readonly string[] = [],
): Start[] {
  const takes = (id: string) =>
    tasks.find((candidate) => candidate.id === id)?.cost.cores === 'all' ? limits.cores : 1;
  return nextTasks(tasks, new Map(running.map((id) => [id, takes(id)])), new Set(ended), limits);
}

function next(...given: Parameters<typeof starts>): string[] {
  return starts(...given).map(({ id }) => id);
}

describe('what may begin', () => {
  test('is as much as there are cores, what takes longest first', () => {
    const tasks = [task('short'), task('long', { seconds: 60 }), task('middle', { seconds: 5 })];
    expect(next(tasks)).toEqual(['long', 'middle']);
    expect(next(tasks, ['long'], ['middle'])).toEqual(['short']);
    expect(next(tasks, ['long', 'middle'])).toEqual([]);
  });

  test('is a preparation that much hangs on before a check of its own length', () => {
    const tasks = [
      task('check', { seconds: 8 }),
      task('install', { seconds: 5 }),
      task('tests', { seconds: 9 }, ['install']),
    ];
    expect(next(tasks)).toEqual(['install', 'check']);
  });

  test('is what is over at once before what takes long, and what others wait for before both', () => {
    const tasks = [
      task('mypy', { seconds: 20 }),
      task('ruff', { seconds: 1 }),
      task('tool', { seconds: 1 }),
      task('hadolint', { seconds: 1 }, ['tool']),
    ];
    expect(next(tasks)).toEqual(['tool', 'ruff']);
    expect(next(tasks, [], ['tool', 'ruff'])).toEqual(['hadolint', 'mypy']);
  });

  test('is nothing that waits for another', () => {
    const tasks = [task('install'), task('tests', {}, ['install'])];
    expect(next(tasks, ['install'])).toEqual([]);
    expect(next(tasks, [], ['install'])).toEqual(['tests']);
  });

  test('is what takes all cores, alone', () => {
    const all = task('vitest', { cores: 'all', seconds: 9 });
    const tasks = [all, task('ruff')];
    expect(next(tasks)).toEqual(['vitest']);
    expect(next(tasks, ['vitest'])).toEqual([]);
    // Nothing overtakes it for ever: it is the first in the queue.
    expect(next([...tasks, task('eslint')], ['eslint'])).toEqual([]);
    expect(starts(tasks)).toEqual([{ id: 'vitest', cores: 2 }]);
  });

  test('is what can be told how many cores it may use, with those that are free, half of all at least', () => {
    const any = task('vitest', { cores: 'any', seconds: 9 });
    expect(starts([any, task('eslint')])).toEqual([{ id: 'vitest', cores: 2 }]);
    expect(starts([any, task('mypy', { seconds: 20 })])).toEqual([
      { id: 'mypy', cores: 1 },
      { id: 'vitest', cores: 1 },
    ]);
    expect(next([any, task('mypy'), task('tsc')], ['mypy', 'tsc'])).toEqual([]);
  });

  test('is what fits beside something that waits for memory', () => {
    const tasks = [
      task('large', { memory: 900, seconds: 9 }),
      task('other', { memory: 500, seconds: 5 }),
      task('small'),
    ];
    expect(next(tasks)).toEqual(['large', 'small']);
  });

  test('is what needs more than the machine has, when nothing else runs', () => {
    const tasks = [task('huge', { memory: 5000, cores: 64, seconds: 9 }), task('small')];
    expect(next(tasks)).toEqual(['huge']);
    expect(next(tasks, ['small'])).toEqual([]);
  });
});

const anyTasks = fc
  .array(
    fc.record({
      cores: fc.oneof(
        fc.constantFrom('all' as const, 'any' as const),
        fc.double({ min: 0.1, max: 8, noNaN: true }),
      ),
      memory: fc.integer({ min: 0, max: 2000 }),
      seconds: fc.integer({ min: 0, max: 100 }),
      needs: fc.array(fc.nat(20), { maxLength: 3 }),
    }),
    { maxLength: 12 },
  )
  .map((costs) =>
    costs.map(({ needs, ...cost }, index): Task => {
      const before = index === 0 ? [] : [...new Set(needs.map((need) => `t${need % index}`))];
      return { id: `t${index}`, cost, needs: before };
    }),
  );

test('every task runs once, after what it needs, within the limits', () => {
  fc.assert(
    fc.property(anyTasks, fc.infiniteStream(fc.nat()), (tasks, choices) => {
      const [running, ended] = [new Map<string, number>(), new Set<string>()];
      while (ended.size < tasks.length) {
        for (const { id, cores } of nextTasks(tasks, running, ended, limits)) {
          expect(tasks.find((candidate) => candidate.id === id)?.needs.every((need) => ended.has(need))).toBe(
            true,
          );
          expect(cores).toBeGreaterThan(0);
          running.set(id, cores);
        }
        expect(running.size).toBeGreaterThan(0);
        if (running.size > 1) {
          const busy = tasks.filter(({ id }) => running.has(id));
          const used = [...running.values()].reduce((sum, value) => sum + value, 0);
          expect(used).toBeLessThanOrEqual(limits.cores + 1e-9);
          expect(busy.reduce((sum, item) => sum + item.cost.memory, 0)).toBeLessThanOrEqual(limits.memory);
        }
        const chosen = [...running.keys()][Number(choices.next().value) % running.size];
        if (chosen === undefined) throw new Error('nothing runs');
        running.delete(chosen);
        expect(ended.has(chosen)).toBe(false);
        ended.add(chosen);
      }
    }),
  );
});
