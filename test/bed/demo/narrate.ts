import { stripVTControlCharacters, styleText } from 'node:util';
import { formatDuration } from '../../../src/kernel/figures.ts';
import type { CliLine } from './cli.ts';
import type { Promised } from './model.ts';

/** The demo's voice: few lines, each of them true, and never silence for long. */
export interface Narrator {
  title(text: string): void;
  /** A paragraph, wrapped. */
  say(text: string): void;
  /**
   * Work that takes a while: the line comes when it is done. Until then, what it waits for is printed every few
   * seconds: `what`, or the last text it gave to `note`.
   */
  work<T>(
    what: string,
    doing: (note: (text: string) => void) => Promise<T>,
    how?: (result: T) => string,
  ): Promise<T>;
  /** Prints what is waited for every few seconds in which nothing else is printed. */
  waiting<T>(what: () => string, doing: () => Promise<T>): Promise<T>;
  /** The command that runs, then its lines as they come. */
  command(text: string): void;
  line(line: CliLine): void;
  conclude(text: string): void;
  promised(promised: Promised): void;
  print(text: string): void;
}

export interface NarratorOptions {
  readonly write: (text: string) => void;
  readonly colour: boolean;
  /** Longest silence in ms; 5 s by default. */
  readonly silenceMs?: number;
}

const width = 110;

export function createNarrator({ write, colour, silenceMs = 5_000 }: NarratorOptions): Narrator {
  let spokeAt = performance.now();
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const print = (text: string) => {
    spokeAt = performance.now();
    write(`${text}\n`);
  };
  const row = (mark: string, name: string, took: string, rest: string) =>
    print(`  ${mark} ${name.padEnd(38)} ${paint('dim', took.padStart(8))}  ${rest}`.trimEnd());
  const waiting: Narrator['waiting'] = async (what, doing) => {
    let awaited = what();
    let began = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      if (what() !== awaited) {
        awaited = what();
        began = now;
      }
      if (now - spokeAt < silenceMs) return;
      print(paint('dim', `    … waiting for ${oneLine(awaited)} (${Math.round((now - began) / 1000)} s)`));
    }, silenceMs / 10);
    try {
      return await doing();
    } finally {
      clearInterval(timer);
    }
  };

  return {
    title: (text) => print(`\n${paint('bold', text)}`),
    say: (text) => print(wrap(text, width - 2).replace(/^/gm, '  ')),
    async work(what, doing, how) {
      const began = performance.now();
      let doingNow = what;
      const result = await waiting(
        () => doingNow,
        () =>
          doing((text) => {
            doingNow = `${what}: ${text}`;
          }),
      );
      row(paint('green', '✓'), what, formatDuration(performance.now() - began), how?.(result) ?? '');
      return result;
    },
    waiting,
    command: (text) => print(`\n  ${paint('cyan', `$ ${text}`)}`),
    line(line) {
      const text = oneLine(line.summary ?? '');
      if (line.level === 'step') {
        const failed = line.outcome === 'failed';
        const mark = failed ? paint('red', '✗') : paint('green', '✓');
        const took = formatDuration(line.ms ?? 0).padStart(8);
        print(`    ${mark} ${(line.step ?? '').padEnd(14)} ${paint('dim', took)}  ${text}`.trimEnd());
      } else if (line.level === 'warn') {
        print(`    ${paint('yellow', '!')} ${oneLine(line.message)}`);
      } else if (line.level === 'error') {
        print(`    ${paint('red', '✗')} ${oneLine(line.message)}`);
      }
    },
    conclude: (text) => print(wrap(`→ ${text}`, width - 4).replace(/^/gm, '  ')),
    promised: ({ promise, held, detail }) =>
      print(`  ${held ? paint('green', '✓') : paint(['bold', 'red'], '✗')} ${promise}: ${detail}`),
    print,
  };
}

/** What a deploy is at once a step has ended, in a reader's words: the steps tell of themselves when they end. */
const next: Readonly<Record<string, string>> = {
  lease: 'the images’ digests from the registry',
  reconcile: 'the images’ digests from the registry',
  resolve: 'the answers of the servers: memory, disk, ports',
  preflight: 'files and images on their way to the servers',
  transfer: 'the data services and the backup',
  data: 'the backup, or the new containers',
  backup: 'the migration, or the new containers',
  migrate: 'the new containers',
  start: 'the new release to be healthy',
  health: 'the switch',
  switch: 'the first answers of the new release',
  watch: 'the confirmation',
  confirm: 'the old containers to be handed over',
};

/** What `sluice deploy` works on after a line of its log. */
export function awaitedAfter(line: CliLine | undefined): string {
  if (line?.step === undefined) return 'the compose model and the connections to the servers';
  if (line.step === 'connect') return 'the lease on the servers';
  if (line.outcome === 'failed' || line.step.startsWith('undo ')) return 'what was begun to be undone';
  return next[line.step] ?? `the step after "${line.step}"`;
}

/** Long messages of a failed step are in the report; here they would only scroll. */
function oneLine(text: string): string {
  const line = stripVTControlCharacters(text).replace(/\s+/g, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

export function wrap(text: string, columns: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + word.length + 1 > columns) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}
