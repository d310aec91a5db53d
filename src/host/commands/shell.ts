import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { quoteWords } from '../../kernel/quote.ts';
import type { ChannelStream } from '../ssh/channel-stream.ts';
import type { Connection } from '../ssh/connection.ts';
import type { Exit, Session } from '../ssh/session.ts';

/**
 * The command that sshd starts through the user's login shell: a POSIX shell with a mark in its environment, which reports
 * that it is ready and waits on stdin for one line to run. So
 * - it (and the login shell, which may be slow) can start before it is needed;
 * - arguments and scripts travel on stdin and never appear on a command line;
 * - output of the login shell's start-up files can be distinguished from the command's;
 * - every process of the command can be found by the mark, in any process group or session.
 * The line has only the outer quotes and no backslash, so that sh, csh and fish read it alike.
 */
export function waitCommand(mark: string): string {
  const body =
    `read -r sluice_line </proc/$$/stat; echo "${mark} $$ \${sluice_line##*) }"; ` +
    `IFS= read -r sluice_line || exit ${unused}; echo "${mark} go" >&2; echo "${mark} go"; eval "$sluice_line"`;
  return `exec env SLUICE_RUN=${mark} /bin/sh -c '${body}' sluice`;
}

/** Exit code of a shell that got no line, or only half a script (EX_TEMPFAIL). */
const unused = 75;

/** Limit of the output of start-up files, in bytes. */
const chatterLimit = 64 * 1024;

/** The login shell did not run the command: a forced command, nologin, a start-up file that exits or hangs. */
export class ShellRefused extends Error {
  readonly exit: Exit;
  constructor(output: string, exit: Exit) {
    super(output.trim());
    this.exit = exit;
  }
}

/** A shell on the host that waits for one line. */
export class Shell {
  /** SLUICE_RUN in the environment of every process of the shell. */
  readonly mark: string;
  readonly stdio: ChannelStream;
  readonly stderr: Readable;
  /** See Session. */
  readonly exit: Promise<Exit>;
  /** See Session. */
  readonly closed: Promise<Exit>;
  /** The line has been read: from here on stdout and stderr are the command's. Rejects with ShellRefused. */
  readonly begun: Promise<void>;
  readonly #session: Session;
  readonly #preludes: readonly Prelude[];

  /** @throws SessionRefused; the reason why the connection has ended. */
  static async open(connection: Connection): Promise<Shell> {
    const mark = `sluice-${randomBytes(8).toString('hex')}`;
    return new Shell(mark, await connection.session(waitCommand(mark)), connection.over);
  }

  private constructor(mark: string, session: Session, over: AbortSignal) {
    this.mark = mark;
    this.#session = session;
    this.stdio = session.stdio;
    this.stderr = session.stderr;
    this.exit = session.exit;
    this.closed = session.closed;
    this.#preludes = [this.stdio, this.stderr].map((stream) => prelude(stream, `${mark} go\n`));
    const early = session.exit.then((exit) => {
      if (over.aborted) throw over.reason;
      throw new ShellRefused(this.chatter(), exit);
    });
    this.begun = Promise.race([
      Promise.all(this.#preludes.map((earlier) => earlier.end)).then(() => {}),
      early,
    ]);
    this.begun.catch(() => {});
  }

  /** The shell has reported that it waits for its line. */
  ready(): boolean {
    return this.#preludes.some((earlier) => earlier.text().includes(this.mark));
  }

  /** Output of start-up files (or of a forced command) before the command's. */
  chatter(): string {
    const text = this.#preludes.map((earlier) => earlier.text()).join('');
    return text.replace(new RegExp(`${this.mark} .*\n`), '').trim();
  }

  /** Number of the shell's session, if it leads one; undefined until the shell is ready. */
  session(): number | undefined {
    // The fields of /proc/PID/stat after the name: state, parent, process group, session.
    const text = this.#preludes.map((earlier) => earlier.text()).join('');
    const [, pid, session] = new RegExp(`${this.mark} (\\d+) \\w -?\\d+ \\d+ (\\d+) `).exec(text) ?? [];
    return pid !== undefined && pid === session ? Number(pid) : undefined;
  }

  /** Gives the shell its line. Everything written to `stdio` afterwards is the command's input. */
  begin(line: string): void {
    this.stdio.write(`${line}\n`);
  }

  /** Signals the process group, see Session.signal. */
  signal(name: 'TERM' | 'KILL'): void {
    this.#session.signal(name);
  }

  /** Abandons the shell, unused or without waiting for its end. */
  drop(): void {
    this.stdio.destroy();
  }
}

/** The line that runs a program in place of the shell. Its input is what follows the line. */
export function execLine(argv: readonly string[]): string {
  return `${newline(argv)}exec ${onOneLine(argv)}`;
}

/**
 * The line that reads a script to the end of input and then runs it with an empty stdin. A script that was cut off
 * (the connection broke while it was sent) lacks its last line and is not run at all.
 */
export function scriptLine(mark: string, args: readonly string[]): string {
  return (
    `${newline(args)}set -- ${onOneLine(args)}; sluice_text=$(cat); case $sluice_text in ` +
    `*"#${mark}") exec </dev/null; eval "$sluice_text";; *) exit ${unused};; esac`
  );
}

/** Input to send after scriptLine(). */
export function scriptText(mark: string, text: string): string {
  if (text.includes('\u0000')) throw new RangeError('A script cannot hold a NUL character');
  return `${text}\n#${mark}`;
}

/**
 * A shell that waits for its command reads exactly one line, so newlines are written as `"$nl"`.
 *
 * @throws RangeError for a word with a NUL character, which no argument can hold.
 */
function onOneLine(words: readonly string[]): string {
  if (words.some((word) => word.includes('\u0000')))
    throw new RangeError('An argument cannot hold a NUL character');
  return quoteWords(words).replaceAll('\n', `'"$nl"'`);
}

function newline(words: readonly string[]): string {
  return words.some((word) => word.includes('\n')) ? `nl=$(printf '\\nx'); nl=\${nl%x}; ` : '';
}

interface Prelude {
  /** Resolves when the marker has come; never if it does not. */
  readonly end: Promise<void>;
  /** Text before the marker so far. */
  text(): string;
}

/** Reads a stream up to a marker and leaves the rest in it, paused. */
function prelude(stream: Readable, marker: string): Prelude {
  const wanted = Buffer.from(marker);
  let held: Buffer = Buffer.alloc(0);
  const end = new Promise<void>((resolve) => {
    const onData = (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]).subarray(-2 * chatterLimit - chunk.length);
      const at = held.indexOf(wanted);
      if (at < 0) return;
      stream.off('data', onData);
      stream.pause();
      const rest = held.subarray(at + wanted.length);
      held = held.subarray(0, at);
      if (rest.length > 0) stream.unshift(rest);
      resolve();
    };
    stream.on('data', onData);
  });
  return { end, text: () => held.toString('utf8') };
}
