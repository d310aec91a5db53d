import { styleText } from 'node:util';
import type { Clock } from './clock.ts';
import { formatDuration } from './figures.ts';
import { breakCommandsInJson, harmless } from './foreign.ts';
import type { Mask } from './masking/mask.ts';

export type LogMode = 'terminal' | 'plain' | 'json';

/** One step's line: its progress, then its result and duration. */
export interface StepLog {
  /** The progress, shown live on a terminal only. */
  note(text: string): void;
  done(summary?: string): void;
  failed(summary: string): void;
}

/** Everything a run reports while it runs. Goes to stderr; stdout is the result's. */
export interface Log {
  readonly mode: LogMode;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** For --verbose only. */
  detail(message: string): void;
  /** Output of the user's own programs (a migration, an app's log): shown unchanged, indented. */
  foreign(text: string): void;
  /** Long foreign output: folded in GitHub's log, otherwise only for --verbose. */
  group(title: string, text: string): void;
  step(name: string, host?: string): StepLog;
}

export interface LogOptions {
  readonly mode: LogMode;
  readonly verbose: boolean;
  readonly colour: boolean;
  readonly clock: Clock;
  readonly mask: Mask;
  readonly write: (text: string) => void;
  /** Whether GitHub's runner reads the output: it folds groups. */
  readonly folds?: boolean;
}

type Style = Parameters<typeof styleText>[0];
type Level = 'info' | 'warn' | 'error' | 'detail' | 'foreign' | 'step';

export function createLog(options: LogOptions): Log {
  const { mode, clock, mask } = options;
  const paint = (style: Style, text: string) =>
    options.colour ? styleText(style, text, { validateStream: false }) : text;
  // Masked before and after: removed characters may hide a secret, or cut one.
  const clean = (text: string) => mask.scrub(harmless(mask.scrub(text)));
  const live = createLiveLine(options, clean);

  function json(level: Level, text: string, fields: Record<string, unknown> = {}): void {
    const time = new Date(clock.now()).toISOString();
    const record = { time, level, ...mask.scrubData({ message: text, ...fields }) };
    options.write(`${breakCommandsInJson(JSON.stringify(record))}\n`);
  }

  /** Shows lines that are clean already. */
  function show(text: string, stamped = true): void {
    const time = mode === 'plain' && stamped ? `${new Date(clock.now()).toISOString().slice(11, 19)} ` : '';
    live.around(() => {
      for (const part of text.split('\n')) options.write(`${time}${part}\n`);
    });
  }

  function say(level: Level, text: string, decorate = (cleaned: string) => cleaned): void {
    if (mode === 'json') json(level, text);
    // Indented lines belong to the line above, and people copy them (commands, YAML): they start without a time.
    else show(decorate(clean(text)), level !== 'info' || !text.startsWith(' '));
  }

  return {
    mode,
    info: (message) => say('info', message),
    warn: (message) => say('warn', message, (text) => paint('yellow', `! ${text}`)),
    error: (message) => say('error', message, (text) => paint('red', `✗ ${text}`)),
    detail: (message) => {
      if (options.verbose) say('detail', message, (text) => paint('dim', `  ${text}`));
    },
    foreign: (text) => say('foreign', text.trimEnd(), (lines) => lines.replace(/^/gm, '    │ ')),
    group: (title, text) => {
      const folds = options.folds === true && mode === 'plain';
      if (!folds && !options.verbose) return;
      // Sluice's only commands to the runner: everything between them is harmless.
      if (folds) options.write(`::group::${clean(title).replace(/\s+/g, ' ')}\n`);
      else say('detail', title, (line) => paint('dim', line));
      say('foreign', text.trimEnd(), (lines) => lines.replace(/^/gm, '    │ '));
      if (folds) options.write('::endgroup::\n');
    },
    step: (name, host) => {
      const begun = clock.elapsed();
      const label = host === undefined ? name : `${name} (${host})`;
      const handle = live.begin(label, begun);
      const end = (mark: string, style: Style, summary: string | undefined, outcome: string) => {
        live.end(handle);
        const ms = clock.elapsed() - begun;
        const took = formatDuration(ms);
        if (mode === 'json') {
          const message = [label, took, summary ?? ''].join('  ').trimEnd();
          return json('step', message, { step: name, host, outcome, ms: Math.round(ms), summary });
        }
        const duration = paint('dim', took.padStart(8));
        show(
          `${paint(style, mark)} ${clean(label).padEnd(24)} ${duration}  ${clean(summary ?? '')}`.trimEnd(),
        );
      };
      return {
        note: (text) => live.note(handle, text),
        done: (summary) => end('✓', 'green', summary, 'done'),
        failed: (summary) => end('✗', 'red', summary, 'failed'),
      };
    },
  };
}

/** Only warnings and errors. */
export function quietLog(log: Log): Log {
  const nothing = () => {};
  return {
    ...log,
    info: nothing,
    group: nothing,
    foreign: nothing,
    step: () => ({ note: nothing, done: nothing, failed: nothing }),
  };
}

/** Cuts a line to a width: its longest word (a URL, a path) loses its middle first, then the line its end. */
export function fitted(line: string, width: number): string {
  if (line.length <= width) return line;
  const word = line.split(' ').reduce((long, next) => (next.length > long.length ? next : long), '');
  const half = Math.floor((Math.max(24, width - line.length + word.length) - 1) / 2);
  const short =
    word.length > 2 * half + 1
      ? line.replace(word, () => `${word.slice(0, half)}…${word.slice(-half)}`)
      : line;
  return short.length <= width ? short : `${short.slice(0, Math.max(0, width - 1))}…`;
}

interface LiveEntry {
  readonly label: string;
  readonly begun: number;
  text: string;
}

/** The line at the bottom of a terminal that shows the running step, redrawn ten times a second. */
function createLiveLine(options: LogOptions, clean: (text: string) => string) {
  const entries = new Set<LiveEntry>();
  const enabled = options.mode === 'terminal';
  let timer: NodeJS.Timeout | undefined;
  let shown = false;

  function draw(): void {
    const entry = [...entries].at(-1);
    if (entry === undefined) {
      clear();
      return;
    }
    const others = entries.size > 1 ? ` (+${entries.size - 1})` : '';
    const took = formatDuration(options.clock.elapsed() - entry.begun);
    // Some terminals report 0 columns.
    const width = (process.stderr.columns || 80) - 1;
    const line = fitted(clean(`… ${entry.label}${others} ${took}  ${entry.text}`).replace(/\s/g, ' '), width);
    // In one piece: an empty line between two writes would flicker.
    options.write(shown ? `\r\u001b[K${line}` : line);
    shown = true;
  }
  function clear(): void {
    if (shown) options.write('\r\u001b[K');
    shown = false;
  }
  return {
    begin(label: string, begun: number): LiveEntry {
      const entry: LiveEntry = { label, begun, text: '' };
      entries.add(entry);
      if (enabled && timer === undefined) timer = setInterval(draw, 100).unref();
      return entry;
    },
    note(entry: LiveEntry, text: string): void {
      entry.text = text;
    },
    end(entry: LiveEntry): void {
      entries.delete(entry);
      clear();
      if (entries.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    },
    around(print: () => void): void {
      clear();
      print();
    },
  };
}
