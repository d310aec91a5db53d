import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { awaitedAfter, createNarrator } from '../../bed/demo/narrate.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function narrated() {
  const lines: string[] = [];
  const write = (text: string) => void lines.push(text.trimEnd());
  return { lines, narrator: createNarrator({ write, colour: false, silenceMs: 5000 }) };
}

test('long work says every few seconds what it waits for, and then that it is done', async () => {
  const { lines, narrator } = narrated();
  const work = Promise.withResolvers<void>();
  let tell = (_: string) => {};
  const done = narrator.work('a registry', (note) => {
    tell = note;
    return work.promise;
  });
  vi.advanceTimersByTime(4900);
  expect(lines).toEqual([]);
  vi.advanceTimersByTime(5200);
  tell('building host');
  vi.advanceTimersByTime(4950);
  expect(lines).toEqual([
    '    … waiting for a registry (5 s)',
    '    … waiting for a registry (10 s)',
    '    … waiting for a registry: building host (5 s)',
  ]);
  work.resolve();
  await done;
  expect(lines.at(-1)).toMatch(/^ {2}✓ a registry +15\.\d s$/);
});

test('nothing is said of waiting while others speak, nor after the end', async () => {
  const { lines, narrator } = narrated();
  const work = Promise.withResolvers<void>();
  const waiting = narrator.waiting(
    () => 'the release',
    () => work.promise,
  );
  for (let second = 0; second < 12; second += 3) {
    narrator.print(`step ${second}`);
    vi.advanceTimersByTime(3000);
  }
  work.reject(new Error('lost'));
  await expect(waiting).rejects.toThrow('lost');
  vi.advanceTimersByTime(60_000);
  expect(lines).toEqual(['step 0', 'step 3', 'step 6', 'step 9']);
});

test('a deploy tells what it works on after each step', () => {
  const step = (name: string, outcome: 'done' | 'failed' = 'done') =>
    awaitedAfter({ level: 'step', message: name, step: name, outcome });
  expect(awaitedAfter(undefined)).toBe('the compose model and the connections to the servers');
  expect(step('start')).toBe('the new release to be healthy');
  expect(step('health', 'failed')).toBe('what was begun to be undone');
  expect(step('undo start')).toBe('what was begun to be undone');
  expect(step('prune')).toBe('the step after "prune"');
});
