import { expect, test } from 'vitest';
import type { WatchRecord } from '../../../src/report/model.ts';
import {
  isSpoiled,
  judgeDeadline,
  judgeLoad,
  judgeRows,
  judgeServing,
  judgeWebSockets,
  sickHosts,
  stageLoad,
} from '../../bed/demo/judge.ts';
import type { Stage } from '../../bed/demo/model.ts';
import { wrap } from '../../bed/demo/narrate.ts';
import { table } from '../../bed/demo/table.ts';
import type { Asked, FailureGroup, LoadResult } from '../../bed/load/model.ts';
import { Tally } from '../../bed/load/tally.ts';

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
  const [lost, own] = judgeLoad(sick);
  expect(lost).toMatchObject({ held: false, detail: '1 of 100: 1 × truncated of v4 (post)' });
  expect(own).toMatchObject({ held: false, detail: '1 of 100: 1 × 5xx of v2 (post)' });
});

test('what was lost on its way is told apart from what the application itself answered', () => {
  const held = (failures: FailureGroup[]) =>
    judgeLoad(stage({ before: load(), after: load({ requests: 100, failures }) })).map(
      (promised) => promised.held,
    );
  expect(held([])).toEqual([true, true]);
  // The application's own 503 carries its version; that of an edge or a proxy does not.
  expect(held([failure({ kind: '503', version: 'v1' })])).toEqual([true, false]);
  for (const kind of ['502', '503', '504', 'refused', 'reset', 'timeout'] as const) {
    expect(held([failure({ kind, version: undefined })]), kind).toEqual([false, true]);
  }
  expect(held([failure({ kind: 'truncated', version: 'v1' })])).toEqual([false, true]);
});

test('what the application answers on a busy machine is told and not judged', () => {
  const failures = [failure({ kind: '503', version: 'v1', count: 3 }), failure({ kind: 'reset', count: 1 })];
  const busy = judgeLoad(stage({ before: load(), after: load({ requests: 100, failures }) }), true);
  expect(busy.map(({ held }) => held)).toEqual([false, true]);
  expect(busy[1]?.detail).toMatch(/^3 of 100: 3 × 503 of v1 \(post\) \(not judged: /);
});

test('only a good release that was given up for its health makes an act void', () => {
  const run = (outcome: string, code: string) =>
    ({ report: { outcome, error: { code } } }) as unknown as Parameters<typeof isSpoiled>[1];
  const good = { outcome: 'confirmed' };
  expect(isSpoiled(good, run('undone', 'health.unhealthy'))).toBe(true);
  expect(isSpoiled({ outcome: 'reverted' }, run('undone', 'health.timeout'))).toBe(true);
  expect(isSpoiled({ killAt: () => true }, run('undone', 'health.timeout'))).toBe(true);
  expect(isSpoiled({ outcome: 'undone', unseen: 'v3' }, run('undone', 'health.timeout'))).toBe(false);
  expect(isSpoiled(good, run('reverted', 'watch.reverted'))).toBe(false);
  expect(isSpoiled(good, run('undone', 'health.exited'))).toBe(false);
});

/** What clients asked and when, answered by an error of v4 10 ms later unless told otherwise. */
interface Errors {
  readonly who: number;
  readonly at: number;
  readonly took?: number;
}

/** A stage in which a guard with a limit of 3 errors judges v4. */
function sickStage(errors: readonly Errors[], more: { guard?: boolean; seen?: number } = {}): Stage {
  let now = 0;
  const tally = new Tally(() => now, [url]);
  const before = tally.result();
  for (const { who, at, took = 10 } of errors) {
    now = at + took;
    const asked: Asked = { client: 'post', url, who, at };
    tally.bad(asked, { kind: '5xx', version: 'v4', detail: '500' });
  }
  const record = { host: 'one', service: 'backend', seconds: 1, requests: 9, errors5xx: 3, slow: 0 };
  const watch: WatchRecord[] = [
    { ...record, outcome: more.guard === false ? 'kept' : 'reverted', reason: '3 of 6 were errors' },
  ];
  const { run } = stage({});
  const report = { watch } as unknown as NonNullable<typeof run.report>;
  const after = tally.result();
  return stage({ sick: 'v4', limit: 3, before, after, run: { ...run, report } });
}

const untilLimit: Errors[] = [0, 1, 2].map((who) => ({ who, at: 100 + 50 * who }));
/** When the client had the third answer. */
const limitAt = 210;

function judgedSick(errors: readonly Errors[], more?: { guard?: boolean }): boolean[] {
  return judgeLoad(sickStage(errors, more))
    .slice(2)
    .map((promised) => promised.held);
}

test('what was on its way when the limit was reached may still be answered, however late', () => {
  const onItsWay = [3, 4, 5].map((who) => ({ who, at: limitAt - 1, took: 5000 }));
  expect(judgedSick([...untilLimit, ...onItsWay])).toEqual([true, true]);
});

test('a client may meet a sick release once after the limit, and not twice', () => {
  const once = [0, 3].map((who) => ({ who, at: limitAt + 5 }));
  expect(judgedSick([...untilLimit, ...once])).toEqual([true, true]);
  const twice = [...untilLimit, ...once, { who: 3, at: limitAt + 40 }];
  expect(judgedSick(twice)).toEqual([true, false]);
  expect(sickHosts(sickStage(twice), 'v4', 3)).toEqual([{ url, answers: 6, late: 3, again: 1 }]);
});

test('a sick release that nobody saw, or that no guard took out, proves nothing', () => {
  expect(judgedSick([])).toEqual([true, false]);
  expect(judgedSick(untilLimit, { guard: false })).toEqual([false, true]);
});

test('more sick answers than are kept one by one are too many', () => {
  const storm = Array.from({ length: 600 }, (_, index) => ({ who: index, at: 100 + index }));
  expect(judgedSick(storm)).toEqual([true, false]);
});

test('after the deadline a client may get the release once, which was on its way, and not twice', () => {
  const deadlineAt = 4000;
  const held = (asks: readonly Errors[]) => {
    let now = 0;
    const tally = new Tally(() => now, [url]);
    for (const { who, at } of asks) {
      now = at + 300;
      tally.good({ client: 'fresh', url, who, at }, 'v5');
    }
    return judgeDeadline(tally.result(), 'v5', deadlineAt).held;
  };
  const before = [0, 1, 0, 1].map((who, index) => ({ who, at: 1000 + 500 * index }));
  expect(held(before)).toBe(true);
  expect(held([...before, { who: 0, at: 4010 }, { who: 1, at: 4900 }])).toBe(true);
  expect(held([...before, { who: 0, at: 4010 }, { who: 0, at: 4300 }])).toBe(false);
  expect(held([])).toBe(false);
  expect(judgeDeadline(undefined, 'v5', deadlineAt).held).toBe(false);
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
  expect(judgeRows(result, 3, Number.NaN).held).toBe(false);
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
