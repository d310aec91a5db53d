import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { killScript } from '../../../src/host/commands/kill-script.ts';
import { scriptLine, scriptText, waitCommand } from '../../../src/host/commands/shell.ts';
import type { Host } from '../../../src/host/model.ts';
import { effects, failure, kill, processesWith, type Sshd, startSshd } from '../../support/host/sshd.ts';

// A command that is given up ends on the host too, with everything it started.

let sshd: Sshd;
let host: Host;
let scratch: string;

beforeAll(async () => {
  sshd = await startSshd();
  host = await sshd.connect();
  scratch = await mkdtemp(join(tmpdir(), 'sluice-end-'));
});
afterAll(async () => {
  await host?.close();
  await sshd[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true, force: true });
});

let count = 0;
/** A text by which the processes of one test are found. */
function freshMark(): string {
  return `sluice-test-${process.pid}-${count++}`;
}

/** Ids of the processes whose command line holds the text. */
async function running(mark: string): Promise<string> {
  const { stdout } = await host.script(
    'for f in /proc/[0-9]*/cmdline; do tr "\\0" " " <"$f" 2>/dev/null | grep -q "sleep $1" && echo "$f"; done; true',
    { args: [mark] },
  );
  return stdout;
}

// sleep's argument tells the processes of a test from all others.
let seconds = 100_000 + (process.pid % 10_000) * 10;
const trees: readonly [string, (sleep: string) => string][] = [
  ['a child', (sleep) => `${sleep}`],
  ['children in the background', (sleep) => `${sleep} & ${sleep} & wait`],
  ['grandchildren', (sleep) => `sh -c 'sh -c "${sleep}; true"; true'; true`],
  ['a child in a process group of its own', (sleep) => `set -m; ${sleep} & wait`],
  ['a child that left for a session of its own', (sleep) => `setsid sh -c '${sleep}; true' & wait`],
  [
    'a daemon that holds nothing',
    (sleep) => `(setsid sh -c '${sleep}; true' >/dev/null 2>&1 </dev/null &) & ${sleep}`,
  ],
  ['a child without our environment', (sleep) => `env -i ${sleep} & wait`],
  ['a child that ignores SIGTERM', (sleep) => `trap '' TERM; ${sleep}; ${sleep}`],
  ['a stopped child', (sleep) => `sh -c 'kill -STOP $$; true' & ${sleep}`],
];

describe.each(trees)('%s', (_, script) => {
  test('ends at the time-out', async () => {
    const id = String(seconds++);
    const error = await failure(
      host.script(`echo begun; ${script(`sleep ${id}`)}`, { timeoutMs: 400, what: 'The sleeper' }),
    );
    expect(error.code).toBe('host.command-timeout');
    expect(error.message).toContain('The sleeper');
    expect(error.output).toMatch(/begun|job control turned off/);
    expect(await running(id)).toBe('');
  });
});

test('an abort ends it with the signal’s own reason', async () => {
  const id = String(seconds++);
  const controller = new AbortController();
  const reason = new Error('cancelled');
  const running1 = host.exec(['sleep', id], { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 200);
  await expect(running1).rejects.toBe(reason);
  expect(await running(id)).toBe('');
  await expect(host.exec(['sleep', id], { signal: controller.signal })).rejects.toBe(reason);
});

test('an abort right after the start catches it too', async () => {
  for (let delay = 0; delay < 5; delay++) {
    await using fresh = await sshd.connect();
    const id = String(seconds++);
    const controller = new AbortController();
    const attempt = fresh.exec(['sleep', id], { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('at once')), delay * 3);
    await expect(attempt).rejects.toThrow('at once');
    expect(await running(id)).toBe('');
  }
});

test('all of many end together, also those that still wait for their turn', async () => {
  const id = String(seconds++);
  const controller = new AbortController();
  const all = Array.from({ length: 12 }, () => host.exec(['sleep', id], { signal: controller.signal }));
  const settled = Promise.allSettled(all);
  setTimeout(() => controller.abort(new Error('all of you')), 300);
  const results = await settled;
  expect(
    results.every((result) => result.status === 'rejected' && String(result.reason).includes('all of you')),
  ).toBe(true);
  expect(await running(id)).toBe('');
  expect((await host.script('echo free')).stdout).toBe('free\n');
});

test('with a single session there is no second channel: sshd’s own signal ends it, or a warning says that it goes on', async () => {
  await using narrow = await startSshd({ config: ['MaxSessions 1'] });
  const lines: string[] = [];
  await using other = await narrow.connect({}, effects(lines));
  const id = String(seconds++);
  expect((await failure(other.script(`sleep ${id} & wait`, { timeoutMs: 400 }))).code).toBe(
    'host.command-timeout',
  );
  // OpenSSH signals only sessions of users other than root (session.c, "requires privilege separation").
  const left = await running(id);
  expect(left === '' || lines.join('').includes('cannot end')).toBe(true);
  for (const pid of left.match(/\d+/g) ?? []) kill(Number(pid));
});

test('a script with a trap may clean up', async () => {
  const file = join(scratch, 'cleaned');
  const script = `trap 'echo cleaned >"$1"; exit 1' TERM; sleep 60 & wait`;
  await failure(host.script(script, { args: [file], timeoutMs: 400 }));
  expect(await readFile(file, 'utf8')).toBe('cleaned\n');
});

describe.each([['dash'], ['bash'], ['busybox ash']])('with %s as the shell', (shell) => {
  const [program, ...applet] = shell.split(' ') as [string, ...string[]];
  const run = (command: string, input: string) =>
    new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
      const child = spawn(program, [...applet, '-c', command], { stdio: 'pipe' });
      let out = '';
      let err = '';
      child.stdout.on('data', (chunk) => {
        out += chunk;
      });
      child.stderr.on('data', (chunk) => {
        err += chunk;
      });
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, out, err }));
      child.stdin.end(input);
    });
  // The login shell reads the command, and the same shell stands in for /bin/sh.
  const waiting = (mark: string) => waitCommand(mark).replace('/bin/sh', shell);

  test('arguments and script arrive, a script that was cut off is not run', async () => {
    const line = scriptLine('sluice-m', ["it's", 'a\nb', '\\ $(id)']);
    const text = scriptText('sluice-m', 'for arg; do printf "[%s]" "$arg"; done; cat; exit 7');
    const whole = await run(waiting('sluice-m'), `${line}\n${text}`);
    expect(whole.code).toBe(7);
    expect(whole.out.split('sluice-m go\n')[1]).toBe("[it's][a\nb][\\ $(id)]");
    expect(whole.err).toBe('sluice-m go\n');
    const cut = await run(waiting('sluice-m'), `${line}\n${text.slice(0, -3)}`);
    expect(cut.code).toBe(75);
    expect(cut.out.split('sluice-m go\n')[1]).toBe('');
    expect((await run(waiting('sluice-m'), '')).code).toBe(75);
  });

  test('what follows the line is the program’s input, to the byte', async () => {
    const { out } = await run(waiting('sluice-m'), 'exec cat\nline 1\n  line 2 \\ \n');
    expect(out.split('sluice-m go\n')[1]).toBe('line 1\n  line 2 \\ \n');
  });

  test('the script that ends processes finds them by mark and by session', async () => {
    const mark = freshMark();
    const tree = spawn(
      'setsid',
      [
        'sh',
        '-c',
        "sleep 3000 & setsid sh -c 'sleep 3000; true' & env -i sleep 3000 & trap '' TERM; while :; do sleep 1; done",
      ],
      {
        env: { ...process.env, SLUICE_RUN: mark },
        stdio: 'ignore',
      },
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(processesWith(`SLUICE_RUN=${mark}`).length).toBeGreaterThanOrEqual(4);
    const bystander = spawn('sleep', ['3000'], {
      env: { ...process.env, SLUICE_RUN: freshMark() },
      stdio: 'ignore',
    });
    const line = scriptLine('sluice-k', ['now', `${mark}:${tree.pid}`]);
    const { code, out } = await run(waiting('sluice-k'), `${line}\n${scriptText('sluice-k', killScript)}`);
    expect(out).toContain('left:');
    expect(code).toBe(0);
    expect(processesWith(`SLUICE_RUN=${mark}`)).toEqual([]);
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    bystander.kill();
  });
});
