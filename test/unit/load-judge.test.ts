import { expect, test } from 'vitest';
import { judgeLoad, judgeRows, judgeServing, judgeWebSockets, stageLoad } from '../bed/demo/judge.ts';
import type { Stage } from '../bed/demo/model.ts';
import { wrap } from '../bed/demo/narrate.ts';
import { table } from '../bed/demo/table.ts';
import type { FailureGroup, LoadResult } from '../bed/load/model.ts';
import { Tally } from '../bed/load/tally.ts';

const url = 'http://127.0.0.11:8080';

function load(more: Partial<LoadResult> = {}): LoadResult {
  return { ...new Tally(() => 0, [url]).result(), ...more };
}

function failure(more: Partial<FailureGroup>): FailureGroup {
  return { client: 'post', kind: '5xx', version: 'v4', count: 1, firstAt: 0, lastAt: 0, ...more };
}

function stage(more: Partial<Stage>): Stage {
  const run = {
    ...{ code: 0, startedAt: 0, endedAt: 1, startedWall: 0, lines: [], report: undefined, html: undefined },
    ...{ stdout: '', peakMemory: 0 },
  };
  return { name: 'x', title: 'x', run, serves: 'v2', served: ['v2'], promised: [], ...more };
}

test('a stage has only the failures that it added', () => {
  const before = load({ requests: 10, failures: [failure({ version: 'v3', count: 2 })] });
  const after = load({
    requests: 30,
    failures: [
      failure({ version: 'v3', count: 2 }),
      failure({ kind: 'reset', version: undefined, count: 3 }),
    ],
  });
  const seen = stageLoad({ before, after });
  expect(seen).toMatchObject({ requests: 20, failed: 3, sickAnswers: 0 });
});

test('answers of the sick release are counted apart, and only its own 5xx', () => {
  const failures = [
    failure({ count: 20, firstAt: 100, lastAt: 180 }),
    failure({ client: 'fresh', count: 5, firstAt: 90, lastAt: 220 }),
    failure({ kind: 'truncated', count: 1 }),
    failure({ version: 'v2', count: 1 }),
  ];
  const sick = stage({ sick: 'v4', before: load(), after: load({ requests: 100, failures }) });
  expect(stageLoad(sick)).toMatchObject({ failed: 2, sickAnswers: 25, sickMs: 130 });
  expect(judgeLoad(sick).map((each) => each.held)).toEqual([false, true]);
});

test('a sick release that stayed too long, or that nobody saw, breaks the promise', () => {
  const late = failure({ count: 2, firstAt: 0, lastAt: 301 });
  const held = (failures: FailureGroup[]) =>
    judgeLoad(stage({ sick: 'v4', before: load(), after: load({ failures }) })).at(-1)?.held;
  expect(held([late])).toBe(false);
  expect(held([])).toBe(false);
  expect(held([{ ...late, lastAt: 300 }])).toBe(true);
});

test('one host that serves something else is enough', () => {
  expect(judgeServing(stage({ served: ['v2', 'v2', 'v1'] })).held).toBe(false);
  expect(judgeServing(stage({ served: ['no answer', 'v2'] })).held).toBe(false);
  expect(judgeServing(stage({ served: ['v2', 'v2'] })).held).toBe(true);
});

test('a row too many is as wrong as one too few', () => {
  const result = load({ acknowledged: 7 });
  expect(judgeRows(result, 3, 10).held).toBe(true);
  expect(judgeRows(result, 3, 9).held).toBe(false);
  expect(judgeRows(result, 3, 11).held).toBe(false);
});

test('a WebSocket may end when its release was replaced and the drain is over', () => {
  const cut = (version: string, at: number) => ({ at, url, version, ageMs: 1, code: 1012 });
  const held = (cuts: ReturnType<typeof cut>[]) =>
    judgeWebSockets(
      load({ webSockets: { opened: 9, open: 0, ticks: 0, echoes: 0, cuts } }),
      [
        { version: 'v1', at: 1000 },
        { version: 'v2', at: 9000 },
      ],
      3000,
    ).held;
  expect(held([])).toBe(true);
  expect(held([cut('v1', 4000)])).toBe(true);
  expect(held([cut('v1', 3500)])).toBe(false);
  expect(held([cut('v2', 4000)])).toBe(false);
  expect(held([cut('v3', 20_000)])).toBe(false);
});

test('tables put numbers to the right and words to the left', () => {
  expect(
    table(
      ['act', 'n'],
      [
        ['first', '7'],
        ['x', '–'],
      ],
    ),
  ).toBe('act    n\n─────  ─\nfirst  7\nx      –');
  expect(table(['act', 'count'], [['x', '12']])).toBe('act  count\n───  ─────\nx       12');
});

test('a paragraph is wrapped between words', () => {
  expect(wrap('one two  three', 7)).toBe('one two\nthree');
});
