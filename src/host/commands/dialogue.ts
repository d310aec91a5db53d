import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import type { HostDialogue } from '../model.ts';
import { collect, splitLines } from './output.ts';
import { endShell, type Means, withShell } from './run.ts';
import { execLine } from './shell.ts';

const oneLine = 'A dialogue takes one line at a time';

/** Grace of a program after the end of its input, ms. */
const graceMs = 2_000;

/**
 * Starts a line-based program. It takes one of the eight places until it ends.
 *
 * @param greeting its first line, which is sent with the start and costs no extra round trip.
 * @throws the errors of runJob(); `host.dialogue-ended` if the program ends at once.
 */
export async function openDialogue(
  argv: readonly [string, ...string[]],
  means: Means,
  greeting?: string,
): Promise<HostDialogue> {
  if (greeting?.includes('\n')) throw new RangeError(oneLine);
  const { connection } = means;
  const shell = await withShell(means, undefined, async (opened) => {
    opened.begin(execLine(argv));
    if (greeting !== undefined) opened.stdio.write(`${greeting}\n`);
    await opened.begun;
    return opened;
  });

  const waiting: { resolve: (line: string) => void; reject: (reason: unknown) => void }[] = [];
  const early: string[] = [];
  const lines = splitLines((line) => {
    const first = waiting.shift();
    if (first === undefined) early.push(line);
    else first.resolve(line);
  });
  const errors = collect(shell.stderr, 64 * 1024);
  shell.stdio.on('data', lines.write);
  shell.stdio.once('end', lines.end);
  shell.stdio.resume();

  let over: unknown;
  const closed = shell.exit.then((exit) => {
    over = connection.over.aborted
      ? connection.over.reason
      : ended(argv[0], connection.label, exit.signal ?? exit.code, errors.text());
    for (const waiter of waiting.splice(0)) waiter.reject(over);
  });

  const nextLine = (): Promise<string> => {
    const ready = early.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (over !== undefined) return Promise.reject(over);
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };
  const greeted = greeting === undefined ? Promise.resolve('') : nextLine();
  greeted.catch(() => {});

  return {
    closed,
    greeted,
    ask: (line) => {
      if (line.includes('\n')) return Promise.reject(new RangeError(oneLine));
      // Output from before the end can still be read; later input is dropped.
      shell.stdio.write(`${line}\n`);
      return nextLine();
    },
    close: async () => {
      shell.stdio.end();
      const patience = new AbortController();
      const late = means.clock.sleep(graceMs, patience.signal).then(
        () => endShell(shell, means),
        () => {},
      );
      await Promise.race([closed, late]);
      patience.abort();
    },
  };
}

function ended(program: string, label: string, how: string | number | undefined, output: string): UserError {
  return new UserError({
    code: 'host.dialogue-ended',
    message: `${program} on ${label} ended (${how ?? 'without an exit status'}) while it was still needed`,
    ...(output.trim() === '' ? {} : { output: tail(output, 20) }),
  });
}
