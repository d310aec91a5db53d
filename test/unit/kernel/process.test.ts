import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { exactEnv } from '../../../src/kernel/process/child-env.ts';
import { runProcess, tail } from '../../../src/kernel/process/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-process-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sh = (script: string, ...args: string[]) => ['sh', '-c', script, 'sh', ...args] as const;

function isAlive(pid: number): boolean {
  try {
    // A dead process whose parent has not asked for its exit code yet is dead enough.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Runs a script that writes process ids; aborts it when `count` of them are known. */
async function abortWhenReady(script: string, count: number) {
  const controller = new AbortController();
  const reason = new Error('enough');
  const pids: number[] = [];
  const running = runProcess(sh(script), {
    signal: controller.signal,
    onLine: (line) => {
      if (pids.push(Number(line)) === count) controller.abort(reason);
    },
  });
  const begun = performance.now();
  await expect(running).rejects.toBe(reason);
  return { pids, took: performance.now() - begun };
}

describe('a program that ends by itself', () => {
  test('gives its exit code and its output', async () => {
    expect(await runProcess(sh('echo out; echo err >&2; exit 3'))).toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('has the exit code of a shell when a signal ended it', async () => {
    expect((await runProcess(sh('kill -KILL $$'))).code).toBe(137);
    expect((await runProcess(sh('kill -TERM $$'))).code).toBe(143);
    expect((await runProcess(sh('kill -HUP $$'))).code).toBe(129);
    expect((await runProcess(sh('kill -SEGV $$'))).code).toBe(139);
  });

  test('gets its arguments, folder, environment and input as they are', async () => {
    const odd = 'a "b" \'c\' $(d) `e` \\ \n ü 🚀 *';
    const result = await runProcess(sh('printf %s "$1"; printf %s "$NAME" >&2; pwd; cat', odd), {
      cwd: folder,
      env: exactEnv({ PATH: process.env.PATH, NAME: odd }),
      stdin: odd,
    });
    expect(result).toEqual({ code: 0, stdout: `${odd}${folder}\n${odd}`, stderr: odd });
  });

  test('tells its lines one by one, the last one too', async () => {
    const lines: string[] = [];
    await runProcess(sh("printf 'a\\nb ä'; printf 'c\\n\\nd' ; echo e >&2"), {
      onLine: (line, stream) => lines.push(`${stream} ${line}`),
    });
    expect(lines.filter((line) => line.startsWith('stdout'))).toEqual([
      'stdout a',
      'stdout b äc',
      'stdout ',
      'stdout d',
    ]);
    expect(lines).toContain('stderr e');
  });

  test('may ignore its input, however long that is', async () => {
    const stdin = 'x'.repeat(4_000_000);
    expect(await runProcess(sh('exec 0<&-; echo done'), { stdin })).toMatchObject({
      code: 0,
      stdout: 'done\n',
    });
  });

  test('may say a lot', async () => {
    const { stdout } = await runProcess(sh('head -c 3000000 /dev/zero | tr "\\0" x'));
    expect(stdout.length).toBe(3_000_000);
  });
});

describe('what a program says', () => {
  test('is kept as far as asked for, and the rest is known to be missing', async () => {
    const says = sh('echo 123456789; echo 12345 >&2');
    expect(await runProcess(says, { keep: 4 })).toEqual({
      code: 0,
      stdout: '1234',
      stderr: '1234',
      truncated: true,
    });
    expect(await runProcess(says, { keep: 10 })).toEqual({
      code: 0,
      stdout: '123456789\n',
      stderr: '12345\n',
    });
  });

  test('comes in pieces when it has no line ends', async () => {
    const lengths: number[] = [];
    const onLine = (line: string) => lengths.push(line.length);
    await runProcess(sh('head -c 5000000 /dev/zero | tr "\\0" x'), { keep: 1, onLine });
    expect(lengths.length).toBeGreaterThan(1);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(5_000_000);
  });
});

describe('a program that cannot be started', () => {
  test('is named, with what to do', async () => {
    const missing = { code: 'process.missing', message: 'no-such-program is not on PATH' };
    await expect(runProcess(['no-such-program'])).rejects.toMatchObject(missing);
    await expect(runProcess(['no-such-program'], { cwd: folder })).rejects.toMatchObject(missing);
  });

  test('because its folder is missing: that is a bug of ours', async () => {
    await expect(runProcess(['true'], { cwd: join(folder, 'none') })).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });

  test('is not started at all when the signal has aborted before', async () => {
    const marker = join(folder, 'started');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(runProcess(sh('touch "$1"', marker), { signal })).rejects.toThrow('enough');
    expect(() => readFileSync(marker)).toThrow();
  });
});

describe('an abort', () => {
  test('ends the whole tree at once', async () => {
    const { pids, took } = await abortWhenReady(
      'sleep 60 & echo $!; (sleep 61 & echo $!; wait) & echo $$; wait',
      3,
    );
    expect(pids.filter(isAlive)).toEqual([]);
    expect(took).toBeLessThan(1_500);
  });

  test('lets a program clean up', async () => {
    const marker = join(folder, 'cleaned');
    await abortWhenReady(`trap 'echo yes >"${marker}"; exit' TERM; echo $$; while :; do sleep 0.05; done`, 1);
    expect(readFileSync(marker, 'utf8')).toBe('yes\n');
  });

  test('kills what does not obey, also when its parent has gone', async () => {
    const stubborn = 'trap "" TERM; echo $$; exec >/dev/null 2>&1; while :; do sleep 0.1; done';
    const { pids, took } = await abortWhenReady(`sh -c '${stubborn}' & echo $$; wait`, 2);
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]));
    expect(took).toBeGreaterThan(1_900);
    expect(took).toBeLessThan(4_000);
  });

  test('does not wait for a process that left the group with our pipes in its hands', async () => {
    const { pids, took } = await abortWhenReady('setsid sleep 20 & echo $!; echo $$; wait', 2);
    for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
    expect(took).toBeLessThan(1_500);
  });
});

describe('a time-out', () => {
  test('ends the tree and shows the last lines', async () => {
    const pidFile = join(folder, 'pid');
    const script = 'seq 1 30; sleep 60 & echo $! >"$1"; wait';
    await expect(runProcess(sh(script, pidFile), { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'process.timeout',
      message: 'sh did not finish within 0.3 s',
      output: Array.from({ length: 20 }, (_, index) => index + 11).join('\n'),
    });
    expect(isAlive(Number(readFileSync(pidFile, 'utf8')))).toBe(false);
  });

  test('that is not reached changes nothing', async () => {
    expect(await runProcess(sh('echo ok'), { timeoutMs: 20_000 })).toMatchObject({ code: 0, stdout: 'ok\n' });
  });
});

test('a file that may not be executed is not taken for a missing program', async () => {
  const file = join(folder, 'plain.txt');
  writeFileSync(file, 'text', { mode: 0o644 });
  await expect(runProcess([file])).rejects.toMatchObject({ code: 'EACCES' });
});

test('tail gives the last lines without blank ones', () => {
  expect(tail('a\nb\nc\n\n', 2)).toBe('b\nc');
  expect(tail('', 2)).toBe('');
  expect(tail('a', 2)).toBe('a');
});
