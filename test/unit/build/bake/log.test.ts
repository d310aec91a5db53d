import { describe, expect, test } from 'vitest';
import { watchBake } from '../../../../src/build/bake/log.ts';
import { readProgress } from '../../../../src/build/bake/progress.ts';
import { systemClock } from '../../../../src/kernel/clock.ts';
import { createLog } from '../../../../src/kernel/log.ts';
import { createMask } from '../../../../src/kernel/masking/mask.ts';
import { target } from '../../../support/build/fixtures.ts';

const hostile = [
  '::error::no',
  '##[group]x',
  '::endgroup::',
  '  ::add-mask::x',
  '\u001b[2Jgone',
  'a\r::stop-commands::y',
];

/** What GitHub's runner gets to read of a build whose only step fails. */
function failedBuild(output: readonly string[]): string[] {
  const written: string[] = [];
  const log = createLog({
    ...{ mode: 'plain', verbose: false, colour: false, folds: true, clock: systemClock, mask: createMask() },
    write: (text) => written.push(text),
  });
  const targets = [target(), target({ name: 'web' })];
  const watch = watchBake(targets, log);
  const reader = readProgress(['backend', 'web'], watch.onStep);
  const vertex = { digest: 'a', name: '[backend 1/2] RUN make', started: '2026-01-01T00:00:01Z' };
  reader.feed(JSON.stringify({ vertexes: [vertex] }));
  const data = Buffer.from(`${output.join('\n')}\n`).toString('base64');
  reader.feed(JSON.stringify({ logs: [{ vertex: 'a', data }] }));
  const ended = { ...vertex, completed: '2026-01-01T00:00:02Z', error: 'exit code: 2' };
  reader.feed(JSON.stringify({ vertexes: [ended] }));
  watch.failed();
  return written.join('').split('\n');
}

describe('the log of a failed build, as GitHub’s runner reads it', () => {
  test('all of it is in one group, behind a line for each target', () => {
    const many = Array.from({ length: 1_500 }, (_, index) => `line ${index}`);
    const lines = failedBuild(many);
    expect(lines.filter((line) => line.startsWith('::'))).toEqual(['::group::build log', '::endgroup::']);
    const [begin, end] = [lines.indexOf('::group::build log'), lines.indexOf('::endgroup::')];
    const said = lines.slice(0, begin).map((line) => line.replace(/^\S+ (. \S+ \S+).* {2}/, '$1: '));
    expect(said).toEqual(['✗ build backend: failed', '✗ build web: stopped: another image failed']);
    const within = lines.slice(begin + 1, end).map((line) => line.replace(/^\S+ {5}│ */, ''));
    expect(within).toEqual(['backend  [1/2] RUN make  1.0 s', ...many, 'ERROR exit code: 2']);
  });

  test('what a tool prints is no command', () => {
    const lines = failedBuild(hostile);
    expect(lines.filter((line) => /^\s*::/.test(line))).toEqual(['::group::build log', '::endgroup::']);
    expect(lines.join('\n')).not.toMatch(/##\[|[\u0000-\u0009\u000b-\u001f]/);
    for (const text of ['error::no', 'group]x', 'add-mask::x', 'gone', 'stop-commands::y'])
      expect(lines.join('\n')).toContain(text);
  });
});
