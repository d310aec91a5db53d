import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Host } from '../../../src/host/model.ts';
import { failure, kill, processesWith, type Sshd, startSshd } from '../../support/host/sshd.ts';

// Many commands over one connection, and servers that allow fewer than we would like.

let sshd: Sshd;
let host: Host;

beforeAll(async () => {
  sshd = await startSshd({ config: ['MaxSessions 10'] });
  host = await sshd.connect();
});
afterAll(async () => {
  await host?.close();
  await sshd[Symbol.asyncDispose]();
});

/** Runs scripts at once, each of which tells how many run beside it. */
async function many(on: Host, count: number): Promise<{ answers: string[]; most: number }> {
  let running = 0;
  let most = 0;
  const one = async (index: number) => {
    const { stdout } = await on.script('echo begin; sleep 0.1; echo "end $1"', {
      args: [String(index)],
      onLine: (line) => {
        running += line === 'begin' ? 1 : -1;
        most = Math.max(most, running);
      },
    });
    return stdout;
  };
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => one(index)));
  return { answers, most };
}

const expected = (count: number) => Array.from({ length: count }, (_, index) => `begin\nend ${index}\n`);

test('14 scripts at once with MaxSessions 10: all are answered, at most 8 run together', async () => {
  for (let round = 0; round < 3; round++) {
    const { answers, most } = await many(host, 14);
    expect(answers).toEqual(expected(14));
    expect(most).toBeLessThanOrEqual(8);
    expect(most).toBeGreaterThan(1);
  }
});

test.each([1, 2, 3])('MaxSessions %i: all are answered all the same', async (limit) => {
  await using narrow = await startSshd({ config: [`MaxSessions ${limit}`] });
  await using other = await narrow.connect();
  const { answers, most } = await many(other, 10);
  expect(answers).toEqual(expected(10));
  expect(most).toBeLessThanOrEqual(limit);
  expect((await other.script('echo after')).stdout).toBe('after\n');
});

test('MaxSessions 0: an error that names it', async () => {
  await using none = await startSshd({ config: ['MaxSessions 0'] });
  await using other = await none.connect();
  const error = await failure(other.script('true'));
  expect(error.code).toBe('host.sessions-refused');
  expect(error.hint).toContain('MaxSessions');
});

test('commands are taken in their order when they have to wait', async () => {
  await using narrow = await startSshd({ config: ['MaxSessions 1'] });
  await using other = await narrow.connect();
  const order: number[] = [];
  await Promise.all(
    [0, 1, 2, 3, 4].map(async (index) => {
      await other.script('true');
      order.push(index);
    }),
  );
  expect(order).toEqual([0, 1, 2, 3, 4]);
});

test('shells that died while they waited are replaced', async () => {
  await host.script('true');
  for (let round = 0; round < 5; round++) {
    // TMOUT or sshd's ChannelTimeout end an idle shell; here we are crueller.
    for (const pid of processesWith(`HOME=${sshd.folder}/home`)) kill(pid);
    expect((await host.script('echo alive')).stdout).toBe('alive\n');
  }
  await host.script('true');
  for (const pid of processesWith(`HOME=${sshd.folder}/home`)) kill(pid);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await host.script('echo alive')).stdout).toBe('alive\n');
});

describe('a dialogue', () => {
  const echo = [
    'sh',
    '-c',
    'while IFS= read -r line; do echo "<$line>"; done; echo end >&2; exit 5',
  ] as const;

  test('answers line by line, in order, also when asked in one go', async () => {
    const dialogue = await host.dialogue(echo);
    expect(await dialogue.ask('one')).toBe('<one>');
    const asked = Array.from({ length: 100 }, (_, index) => `line ${index} $(id) 'x' ☃`);
    expect(await Promise.all(asked.map((line) => dialogue.ask(line)))).toEqual(
      asked.map((line) => `<${line}>`),
    );
    await expect(dialogue.ask('two\nlines')).rejects.toThrow(RangeError);
    await dialogue.close();
    await dialogue.closed;
    const error = await failure(dialogue.ask('three'));
    expect(error.code).toBe('host.dialogue-ended');
    expect(error.output).toContain('end');
  });

  test('takes its first line along with its start', async () => {
    const dialogue = await host.dialogue(echo, 'hello $(id)');
    expect(await dialogue.ask('one')).toBe('<one>');
    expect(await dialogue.greeted).toBe('<hello $(id)>');
    await dialogue.close();
    await expect(host.dialogue(echo, 'two\nlines')).rejects.toThrow(RangeError);
  });

  test('whose program says something and ends: it can be read, then it is over', async () => {
    const dialogue = await host.dialogue(['sh', '-c', 'echo held; echo why >&2; exit 3']);
    expect(await dialogue.ask('hello')).toBe('held');
    const error = await failure(dialogue.ask('hello?'));
    expect(error.code).toBe('host.dialogue-ended');
    expect(error.message).toContain('(3)');
    expect(error.output).toBe('why');
  });

  test('that does not end by itself is ended', async () => {
    const mark = `sluice-test-${process.pid}-stubborn`;
    const dialogue = await host.dialogue([
      'env',
      `STUBBORN=${mark}`,
      'sh',
      '-c',
      "trap '' TERM; while :; do sleep 1; done",
    ]);
    await dialogue.close();
    expect(processesWith(mark)).toEqual([]);
  });

  test('leaves room for others', async () => {
    const dialogues = await Promise.all(Array.from({ length: 7 }, () => host.dialogue(echo)));
    expect((await many(host, 5)).answers).toEqual(expected(5));
    await Promise.all(dialogues.map((dialogue) => dialogue.close()));
  });
});

test('counts what went over the wire', async () => {
  const before = host.counts();
  await host.script('true');
  await host.exec(['true']);
  const after = host.counts();
  expect(after.execs - before.execs).toBe(2);
  expect(after.forwards).toBe(before.forwards);
});

test('after close() there is a clear error, and nothing is left running', async () => {
  const other = await sshd.connect();
  const slow = failure(other.script('sleep 30'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await other.close();
  expect((await slow).code).toBe('host.closed');
  expect((await failure(other.script('true'))).code).toBe('host.closed');
  expect((await failure(other.unixSocket('/x'))).code).toBe('host.closed');
  expect(other.lost.aborted).toBe(false);
  await other.close();
});
