import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { image } from '../../support/edge/bed.ts';

// watch.lua by itself, in HAProxy's Lua with a clock of our own: what a real load would need minutes for.
const dir = mkdtempSync(join(tmpdir(), 'sluice-watch-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Runs a Lua script that may print; the directory of watch.lua is on its path. */
function lua(script: string): string {
  cpSync(join(import.meta.dirname, '../../../edge/watch.lua'), join(dir, 'watch.lua'));
  writeFileSync(join(dir, 'script.lua'), `${helpers}\n${script}`);
  writeFileSync(
    join(dir, 'haproxy.cfg'),
    `global\n  lua-prepend-path ${dir}/?.lua\n  lua-load ${dir}/script.lua\ndefaults\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\nfrontend f\n  bind unix@${dir}/f.sock\n`,
  );
  const check = ['-c', '-f', join(dir, 'haproxy.cfg')];
  const own = process.env.HAPROXY_BIN;
  try {
    const argv = [
      'run',
      '--rm',
      '--user',
      `${process.getuid?.()}`,
      '-v',
      `${dir}:${dir}`,
      image,
      'haproxy',
      ...check,
    ];
    const output = own ? execFileSync(own, check) : execFileSync('docker', argv);
    return output
      .toString()
      .replace(/^Configuration file is valid\n?/m, '')
      .trim();
  } finally {
    rmSync(join(dir, 'f.sock'), { force: true });
  }
}

const helpers = `
  local Watch = require('watch')
  -- Answers per second for some seconds, then what the guard says of them at each of its looks.
  local function watch(limits)
    local totals = { begun = 0, aborted = 0, current = 0, tcp = 0, tcp_failed = 0 }
    local w = { time = 100, totals = totals, w = Watch.new('green', assert(Watch.limits(limits)), 100, {
      begun = 0, aborted = 0, current = 0, tcp = 0, tcp_failed = 0 }) }
    function w.go(seconds, rate, answer, up)
      local due = 0
      for _ = 1, math.floor(seconds / 0.02 + 0.5) do
        w.time = w.time + 0.02
        due = due + rate * 0.02
        while due >= 1 do
          due = due - 1
          totals.begun = totals.begun + 1
          local status, ms = answer(totals.begun)
          if status then w.w:answer(status, ms, w.time) else totals.current = totals.current + 1 end
        end
        local reason, detail = w.w:verdict(w.time, totals, up or 1)
        if reason then print(('%s after %.1f s: %s'):format(reason, w.time - 100, detail)) return true end
      end
      return false
    end
    return w
  end
  local function good() return 200, 5 end
  local function every(n, status, ms) return function(i) if i % n == 0 then return status, ms end return 200, 5 end end
  local function fine(w) print('fine') return w end
`;

test('limits are read, and nonsense is refused', () => {
  const output = lua(`
    for _, text in ipairs({ '-', 'max-5xx=1%', 'max-5xx=0.5%,min-5xx=3,max-p95=800ms,min-slow=2' }) do
      local l = Watch.limits(text)
      print(l.text, l.max_5xx, l.min_5xx, l.max_ms, l.min_slow)
    end
    for _, text in ipairs({ 'max-5xx=1', 'max-5xx=101%', 'max-p95=1s', 'min-5xx=0', 'more=1', 'max-5xx' }) do
      print(select(2, Watch.limits(text)))
    end`);
  expect(output.split('\n')).toEqual([
    '-\tnil\tnil\tnil\tnil',
    'max-5xx=1%\t0.01\tnil\tnil\tnil',
    'max-5xx=0.5%,min-5xx=3,max-p95=800ms,min-slow=2\t0.005\t3\t800\t2',
    'bad limit "max-5xx=1"',
    'bad limit "max-5xx=101%"',
    'bad limit "max-p95=1s"',
    'bad limit "min-5xx=0"',
    'bad limit "more=1"',
    'bad limit "max-5xx"',
  ]);
});

test('errors count by share and by number, over the watch and over its last seconds', () => {
  const output = lua(`
    -- Below the share for ever; without limits for ever.
    if not watch('max-5xx=1%').go(60, 100, every(101, 500, 5)) then fine() end
    if not watch('-').go(60, 100, every(2, 500, 5)) then fine() end
    -- Few requests: four errors are too few to mean anything, the fifth is one too many.
    watch('max-5xx=1%').go(60, 0.5, every(1, 500, 5))
    -- At once when all is wrong.
    watch('max-5xx=1%').go(60, 300, every(1, 503, nil))
    -- A long good time does not hide what comes after it.
    local w = watch('max-5xx=10%')
    w.go(60, 100, good)
    w.go(10, 100, every(2, 502, nil))`);
  expect(output.split('\n')).toEqual([
    'fine',
    'fine',
    'errors after 10.0 s: 5 of 5 answers since the switch were errors (100%, limit 1%)',
    'errors after 0.0 s: 6 of 6 answers since the switch were errors (100%, limit 1%)',
    expect.stringMatching(
      /^errors after 61\.\d s: \d+ of \d+ answers in 5 s were errors \(1\d(?:\.\d)?%, limit 10%\)$/,
    ),
  ]);
});

test('latency counts after a warm-up, by share and by number', () => {
  const output = lua(`
    -- 4 % slow is a p95 below the limit, 7 % is not.
    if not watch('max-p95=300ms').go(60, 100, every(25, 200, 900)) then fine() end
    watch('max-p95=300ms').go(60, 100, every(14, 200, 900))
    -- Slow first answers are forgiven, however many.
    local w = watch('max-p95=300ms')
    w.go(0.9, 200, every(1, 200, 900))
    if not w.go(20, 100, good) then fine() end
    -- HAProxy's own answers have no latency.
    if not watch('max-p95=300ms').go(20, 100, every(2, 503, nil)) then fine() end`);
  expect(output.split('\n')).toEqual([
    'fine',
    expect.stringMatching(
      /^latency after [1-9]\.\d s: \d+ of \d+ answers since the switch took longer than 300 ms$/,
    ),
    'fine',
    'fine',
  ]);
});

test('requests without an answer count as slow once they are older than the limit', () => {
  const output = lua(`
    watch('max-p95=500ms').go(60, 50, function() return nil end)
    -- Given up by their clients: nobody waits any more.
    local w = watch('max-p95=500ms')
    w.totals.aborted = 1e6
    if not w.go(10, 50, function() return nil end) then fine() end
    -- Long answers that have begun (streams, tunnels) are answers.
    local s = watch('max-p95=500ms')
    s.totals.current = 500
    if not s.go(10, 50, good) then fine() end`);
  expect(output.split('\n')).toEqual([
    expect.stringMatching(
      /^latency after 0?[01]\.\d s: \d+ of \d+ answers .* took longer than 500 ms, \d+ of them are still unanswered$/,
    ),
    'fine',
    'fine',
  ]);
});

test('a colour is down after a moment without a replica', () => {
  expect(
    lua(`
      local w = watch('-')
      w.go(1, 10, good, 1)
      if not w.go(0.2, 10, good, 0) then fine() end
      w.go(0.1, 10, good, 1)
      w.go(5, 10, good, 0)`).split('\n'),
  ).toEqual(['fine', 'down after 1.6 s: no replica is up']);
});

test('the report estimates the p95 from above, at most ten per cent too high', () => {
  const output = lua(`
    for _, ms in ipairs({ 0, 1, 7, 95, 800, 12345 }) do
      local w = watch('-')
      w.go(10, 100, function(i) if i % 100 < 94 then return 200, 1 end return 200, ms end)
      print(ms, w.w:report(w.time).p95Ms)
    end
    print(watch('-').w:report(100).p95Ms)`);
  const rows = output.split('\n').map((line) => line.split('\t').map(Number));
  for (const [ms, p95] of rows.slice(0, -1)) {
    expect(p95).toBeGreaterThanOrEqual(ms ?? 0);
    expect(p95).toBeLessThanOrEqual(Math.ceil(Math.max(1, ms ?? 0) * 1.1));
  }
  expect(output.endsWith('nil')).toBe(true);
});
