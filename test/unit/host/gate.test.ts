import { expect, test } from 'vitest';
import { Gate } from '../../../src/host/commands/gate.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('lets in as many as it may, the others in their order', async () => {
  const gate = new Gate(2);
  const inside: number[] = [];
  const all = [0, 1, 2, 3, 4].map((index) => gate.enter([]).then(() => inside.push(index)));
  await turn();
  expect(inside).toEqual([0, 1]);
  gate.leave();
  await turn();
  expect(inside).toEqual([0, 1, 2]);
  gate.leave();
  gate.leave();
  await Promise.all(all);
  expect(inside).toEqual([0, 1, 2, 3, 4]);
});

test('one who had to step out comes back to the old place', async () => {
  const gate = new Gate(3);
  const inside: string[] = [];
  const first = gate.ticket();
  await gate.enter([], first);
  const second = gate.ticket();
  await gate.enter([], second);
  await gate.enter([]);
  gate.narrow(1);
  void gate.enter([]).then(() => inside.push('last'));
  gate.leave();
  void gate.enter([], second).then(() => inside.push('second'));
  gate.leave();
  void gate.enter([], first).then(() => inside.push('first'));
  await turn();
  expect(inside).toEqual([]);
  gate.leave();
  await turn();
  expect(inside).toEqual(['first']);
  gate.leave();
  await turn();
  expect(inside).toEqual(['first', 'second']);
  gate.leave();
  await turn();
  expect(inside).toEqual(['first', 'second', 'last']);
});

test('widened, it lets in who waits', async () => {
  const gate = new Gate(2);
  gate.narrow(1);
  await gate.enter([]);
  const second = gate.enter([]);
  gate.widen(2);
  await second;
  expect(gate.inside).toBe(2);
  expect(gate.limit).toBe(2);
});

test('is never narrowed to nothing, nor widened', () => {
  const gate = new Gate(8);
  gate.narrow(0);
  expect(gate.limit).toBe(1);
  gate.narrow(5);
  expect(gate.limit).toBe(1);
});

test('an abort takes one out of the queue and leaves the place to the next', async () => {
  const gate = new Gate(1);
  await gate.enter([]);
  const controller = new AbortController();
  const other = new AbortController();
  const given = gate.enter([other.signal, controller.signal]);
  const next = gate.enter([]);
  controller.abort('enough');
  await expect(given).rejects.toBe('enough');
  gate.leave();
  await next;
  expect(gate.inside).toBe(1);
  await expect(gate.enter([controller.signal])).rejects.toBe('enough');
});
