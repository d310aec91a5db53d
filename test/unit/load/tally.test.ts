import { expect, test } from 'vitest';
import { Histogram } from '../../bed/load/histogram.ts';
import { type Asked, type ClientName, samplesPerGroup } from '../../bed/load/model.ts';
import { Tally } from '../../bed/load/tally.ts';

const url = 'http://127.0.0.11:8080';
const other = 'http://127.0.0.12:8080';

function tallyAt(): { tally: Tally; at: (ms: number) => Tally } {
  let now = 0;
  const tally = new Tally(() => now, [url, other]);
  return {
    tally,
    at: (ms) => {
      now = ms;
      return tally;
    },
  };
}

function asked(client: ClientName, at: number, more: Partial<Asked> = {}): Asked {
  return { client, url, who: 0, at, ...more };
}

test('the longest gap is that of one host, also while the other one answers', () => {
  const { at } = tallyAt();
  for (let ms = 0; ms <= 3000; ms += 100) at(ms).good(asked('fresh', ms, { url: other }), 'v1');
  at(100).good(asked('fresh', 90), 'v1');
  at(2600).good(asked('fresh', 2590), 'v2');
  expect(at(3000).result().clients.fresh.longestGapMs).toBe(2500);
});

test('a gap that still lasts counts, and a client without requests has none', () => {
  const { at } = tallyAt();
  at(1000).bad(asked('post', 990), { kind: 'refused', detail: 'ECONNREFUSED' });
  const result = at(5000).result();
  expect(result.clients.post.longestGapMs).toBe(5000);
  expect(result.clients.stream.longestGapMs).toBe(0);
});

test('times can be measured anew, and what was counted stays counted', () => {
  const { at } = tallyAt();
  at(900).good(asked('post', 0), 'v1');
  at(900).good(asked('post', 0, { url: other }), 'v1');
  at(1000).forgetTimes();
  at(1010).good(asked('post', 1000), 'v1');
  const { requests, maxMs, longestGapMs } = at(1020).result().clients.post;
  expect({ requests, maxMs, longestGapMs }).toEqual({ requests: 3, maxMs: 10, longestGapMs: 20 });
});

test('after the stop nobody asks: that is no gap', () => {
  const { at } = tallyAt();
  at(100).good(asked('post', 99), 'v1');
  at(100).good(asked('post', 99, { url: other }), 'v1');
  at(200).stopped();
  expect(at(5000).result().clients.post.longestGapMs).toBe(100);
});

test('failures are grouped by client, kind and version, with first and last time', () => {
  const { at } = tallyAt();
  at(10).bad(asked('post', 5), { kind: '5xx', version: 'v4', detail: '500' });
  at(250).bad(asked('post', 240, { url: other, who: 3 }), { kind: '5xx', version: 'v4', detail: '500' });
  at(300).bad(asked('post', 290), { kind: 'reset', detail: 'ECONNRESET' });
  const result = at(400).result();
  expect(result.failures).toEqual([
    { client: 'post', kind: '5xx', version: 'v4', count: 2, firstAt: 10, lastAt: 250 },
    { client: 'post', kind: 'reset', version: undefined, count: 1, firstAt: 300, lastAt: 300 },
  ]);
  expect(result).toMatchObject({ requests: 3, failed: 3 });
  expect(result.samples).toHaveLength(3);
  expect(result.samples[1]).toMatchObject({ at: 250, askedAt: 240, url: other, who: 3 });
});

test('versions are told apart by host', () => {
  const { at } = tallyAt();
  at(1).good(asked('keep-alive', 0), 'v1');
  at(2).good(asked('keep-alive', 1), 'v2');
  at(3).good(asked('keep-alive', 2, { url: other }), 'v1');
  at(4).good(asked('keep-alive', 3, { who: 1 }), 'v2');
  expect(at(5).result().versions).toEqual([
    { url, version: 'v1', count: 1, firstAt: 1, lastAt: 1 },
    { url, version: 'v2', count: 2, firstAt: 2, lastAt: 4 },
    { url: other, version: 'v1', count: 1, firstAt: 3, lastAt: 3 },
  ]);
});

test('a client that gets a version twice tells when it asked for the first of the two', () => {
  const { at } = tallyAt();
  const twiceAfter = () =>
    at(99)
      .result()
      .versions.find((seen) => seen.version === 'v5')?.twiceAfter;
  at(12).good(asked('fresh', 10, { who: 0 }), 'v5');
  at(14).good(asked('fresh', 11, { who: 1 }), 'v5');
  at(15).good(asked('post', 13, { who: 0 }), 'v5');
  expect(twiceAfter()).toBeUndefined();
  at(30).bad(asked('fresh', 20, { who: 1 }), { kind: '5xx', version: 'v5', detail: '500' });
  expect(twiceAfter()).toBe(11);
  at(31).good(asked('fresh', 22, { who: 0 }), 'v5');
  expect(twiceAfter()).toBe(11);
  at(40).good(asked('fresh', 35, { who: 0 }), 'v5');
  expect(twiceAfter()).toBe(22);
});

test('a storm of failures does not fill the memory, and each is counted', () => {
  const { at } = tallyAt();
  for (let ms = 0; ms < samplesPerGroup + 50; ms++) {
    at(ms).bad(asked('post', ms), { kind: 'reset', detail: 'ECONNRESET' });
  }
  const result = at(9999).result();
  expect(result.samples).toHaveLength(samplesPerGroup);
  expect(result.failures[0]?.count).toBe(samplesPerGroup + 50);
});

test('a WebSocket that we ended is no cut', () => {
  const { at } = tallyAt();
  at(0).socketOpened();
  at(0).socketOpened();
  at(5).socketClosed();
  at(9).socketClosed({ url, version: 'v1', ageMs: 9, code: 1012 });
  expect(at(10).result().webSockets).toEqual({
    opened: 2,
    open: 0,
    ticks: 0,
    echoes: 0,
    cuts: [{ at: 9, url, version: 'v1', ageMs: 9, code: 1012 }],
  });
});

test('quantiles are at most 5 % too high, and never above the maximum', () => {
  const histogram = new Histogram();
  for (let ms = 1; ms <= 1000; ms++) histogram.add(ms);
  expect(histogram.quantile(0.5)).toBeGreaterThanOrEqual(500);
  expect(histogram.quantile(0.5)).toBeLessThanOrEqual(525);
  expect(histogram.quantile(1)).toBe(1000);
  expect(new Histogram().quantile(0.99)).toBe(0);
});
