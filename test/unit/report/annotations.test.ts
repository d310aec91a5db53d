import { describe, expect, test } from 'vitest';
import { type Annotation, withinLimits } from '../../../src/report/annotations.ts';

const note = (index: number, more: Partial<Annotation> = {}): Annotation => ({
  ...{ level: 'warning', title: 'title', message: `message ${index}` },
  ...more,
});
const many = (count: number, more: Partial<Annotation> = {}) =>
  Array.from({ length: count }, (_, index) => note(index, more));

describe('ten of a level', () => {
  test('ten stay as they are, in their order', () => {
    expect(withinLimits(many(10))).toEqual(many(10));
  });

  test('of more, nine stay and the tenth counts the others', () => {
    const shown = withinLimits(many(1000));
    expect(shown.slice(0, 9)).toEqual(many(9));
    expect(shown.slice(9).map(({ message }) => message)).toEqual([expect.stringContaining('991 more')]);
  });

  test('each level counts for itself', () => {
    const all = [...many(20), ...many(3, { level: 'error' }), ...many(11, { level: 'notice' })];
    const counts = Map.groupBy(withinLimits(all), ({ level }) => level);
    expect([...counts].map(([level, lines]) => [level, lines.length])).toEqual([
      ['error', 3],
      ['warning', 10],
      ['notice', 10],
    ]);
  });

  test('those that have a place in a file go first', () => {
    const placed = note(99, { file: 'compose.yml', line: 3 });
    expect(withinLimits([...many(30), placed])[0]).toEqual(placed);
  });

  test('the same thing twice is said once', () => {
    expect(withinLimits([note(1), note(1), note(2)])).toEqual([note(1), note(2)]);
  });
});

describe('texts', () => {
  test.each(['x', 'ü', '💧'])(
    'a message of 5 MB of %s keeps to 4,096 bytes and says that it was cut',
    (letter) => {
      const [shown] = withinLimits([note(0, { message: letter.repeat(5_000_000 / letter.length) })]);
      expect(Buffer.byteLength(shown?.message ?? '')).toBeLessThanOrEqual(4096);
      expect(shown?.message).toMatch(/see the log\)$/);
      expect(shown?.message).not.toContain('\ufffd');
    },
  );

  test('a message of exactly 4,096 bytes is whole', () => {
    const message = 'm'.repeat(4096);
    expect(withinLimits([note(0, { message })])[0]?.message).toBe(message);
  });

  test('a title is one line of at most 255 characters', () => {
    const [shown] = withinLimits([note(0, { title: `a\nb\u001b[31m${'c'.repeat(500)}` })]);
    expect(shown?.title).toMatch(/^a bc+…$/);
    expect(shown?.title.length).toBeLessThanOrEqual(255);
  });
});
