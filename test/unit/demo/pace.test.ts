import { expect, test } from 'vitest';
import { acts, settingsAt } from '../../bed/demo/acts.ts';
import { isKept, type Measured, measuredOf, measuredText, paces, pacesFor } from '../../bed/demo/pace.ts';
import { Tally } from '../../bed/load/tally.ts';

const url = 'http://127.0.0.11:8080';
const [calm] = paces;
if (calm === undefined) throw new Error('there is a pace for a calm machine');

function measured(more: Partial<Measured> = {}): Measured {
  return {
    pace: calm as typeof calm & {},
    requests: 480,
    failed: 0,
    share: 1,
    p99Ms: 12,
    longestGapMs: 90,
    ...more,
  };
}

test('a machine keeps a pace when nothing fails, nothing waits long and clients ask as often as they want', () => {
  expect(isKept(measured())).toBe(true);
  expect(isKept(measured({ failed: 1 }))).toBe(false);
  expect(isKept(measured({ p99Ms: 60 }))).toBe(false);
  expect(isKept(measured({ p99Ms: 60, pace: { rate: 80, patience: 2 } }))).toBe(true);
  expect(isKept(measured({ share: 0.7 }))).toBe(false);
});

test('a machine on which the web process starts slowly is not asked to keep a fast pace', () => {
  expect(pacesFor(1_500)).toEqual(paces);
  expect(pacesFor(4_000)).toEqual(paces.slice(1));
  expect(pacesFor(50_000)).toEqual(paces.slice(-1));
});

test('a control run counts every failure, and the rate of the quick clients alone', () => {
  let now = 0;
  const tally = new Tally(() => now, [url]);
  for (let at = 0; at < 1000; at += 10) {
    now = at + 5;
    tally.good({ client: at % 20 === 0 ? 'fresh' : 'keep-alive', url, who: 0, at }, 'v1');
  }
  tally.bad({ client: 'stream', url, who: 0, at: 900 }, { kind: 'truncated', detail: 'cut' });
  tally.socketOpened();
  tally.socketClosed({ url, version: 'v1', ageMs: 9 });
  const result = measuredOf({ rate: 125, patience: 1 }, { ...tally.result(), at: 1000 });
  expect(result).toMatchObject({ requests: 101, failed: 2, share: 0.8 });
  expect(measuredText(result)).toMatch(/^101 requests at 125\/s, 80% of that rate reached, 2 failed, /);
});

test('the slower the load, the more time a release and a runner get', () => {
  const rates = paces.map(({ rate }) => rate);
  const patience = paces.map((pace) => pace.patience);
  expect(rates).toEqual([...rates].sort((a, b) => b - a));
  expect(patience).toEqual([...patience].sort((a, b) => a - b));
  for (const pace of paces) {
    const settings = settingsAt(pace);
    // On one of two servers, most of the load: the watch must be long enough to meet as many errors as it takes.
    expect((pace.rate / 2) * 0.8 * settings.watch).toBeGreaterThan(2 * settings.min5xx);
    expect(acts.map((act) => act.why(settings)).join('\n')).toContain(
      `wait until ${settings.watch + settings.deadline} s after the switch`,
    );
  }
});
