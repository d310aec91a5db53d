import { expect, test } from 'vitest';
import { Histogram } from '../bed/load/histogram.ts';
import { Tally } from '../bed/load/tally.ts';

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

test('the longest gap is that of one host, also while the other one answers', () => {
  const { at } = tallyAt();
  for (let ms = 0; ms <= 3000; ms += 100) at(ms).good('fresh', other, 1, 'v1');
  at(100).good('fresh', url, 1, 'v1');
  at(2600).good('fresh', url, 1, 'v2');
  expect(at(3000).result().clients.fresh.longestGapMs).toBe(2500);
});

test('a gap that still lasts counts, and a client without requests has none', () => {
  const { at } = tallyAt();
  at(1000).bad('post', url, { kind: 'refused', detail: 'ECONNREFUSED' });
  const result = at(5000).result();
  expect(result.clients.post.longestGapMs).toBe(5000);
  expect(result.clients.stream.longestGapMs).toBe(0);
});

test('after the stop nobody asks: that is no gap', () => {
  const { at } = tallyAt();
  at(100).good('post', url, 1, 'v1');
  at(100).good('post', other, 1, 'v1');
  at(200).stopped();
  expect(at(5000).result().clients.post.longestGapMs).toBe(100);
});

test('failures are grouped by client, kind and version, with first and last time', () => {
  const { at } = tallyAt();
  at(10).bad('post', url, { kind: '5xx', version: 'v4', detail: '500' });
  at(250).bad('post', other, { kind: '5xx', version: 'v4', detail: '500' });
  at(300).bad('post', url, { kind: 'reset', detail: 'ECONNRESET' });
  const result = at(400).result();
  expect(result.failures).toEqual([
    { client: 'post', kind: '5xx', version: 'v4', count: 2, firstAt: 10, lastAt: 250 },
    { client: 'post', kind: 'reset', version: undefined, count: 1, firstAt: 300, lastAt: 300 },
  ]);
  expect(result).toMatchObject({ requests: 3, failed: 3 });
  expect(result.samples).toHaveLength(3);
});

test('versions are told apart by host', () => {
  const { at } = tallyAt();
  at(1).good('keep-alive', url, 1, 'v1');
  at(2).good('keep-alive', url, 1, 'v2');
  at(3).good('keep-alive', other, 1, 'v1');
  at(4).good('keep-alive', url, 1, 'v2');
  expect(at(5).result().versions).toEqual([
    { url, version: 'v1', count: 1, firstAt: 1, lastAt: 1 },
    { url, version: 'v2', count: 2, firstAt: 2, lastAt: 4 },
    { url: other, version: 'v1', count: 1, firstAt: 3, lastAt: 3 },
  ]);
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
