import { stripVTControlCharacters, styleText } from 'node:util';
import { formatDuration } from '../../../src/kernel/clock.ts';
import type { CliLine } from './cli.ts';
import type { Promised } from './model.ts';

/** The demo's voice: few lines, each of them true. */
export interface Narrator {
  title(text: string): void;
  /** A paragraph, wrapped. */
  say(text: string): void;
  /** Work that takes a while: the line comes when it is done. */
  work<T>(what: string, doing: () => Promise<T>, how?: (result: T) => string): Promise<T>;
  /** The command that runs, then its lines as they come. */
  command(text: string): void;
  line(line: CliLine): void;
  conclude(text: string): void;
  promised(each: Promised): void;
  print(text: string): void;
}

const width = 110;

export function createNarrator(write: (text: string) => void, colour: boolean): Narrator {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const print = (text: string) => write(`${text}\n`);
  const row = (mark: string, name: string, took: string, rest: string) =>
    print(`  ${mark} ${name.padEnd(34)} ${paint('dim', took.padStart(8))}  ${rest}`.trimEnd());

  return {
    title: (text) => print(`\n${paint('bold', text)}`),
    say: (text) => print(wrap(text, width - 2).replace(/^/gm, '  ')),
    async work(what, doing, how) {
      const began = performance.now();
      const result = await doing();
      row(paint('green', '✓'), what, formatDuration(performance.now() - began), how?.(result) ?? '');
      return result;
    },
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
