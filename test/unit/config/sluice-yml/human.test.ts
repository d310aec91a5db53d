import { describe, expect, test } from 'vitest';
import { splitWords } from '../../../../src/config/compose/command-words.ts';
import { parseDuration, parseRate } from '../../../../src/config/sluice-yml/human.ts';
import { didYouMean, suggest } from '../../../../src/config/sluice-yml/suggest.ts';

describe('durations', () => {
  test.each([
    ['30s', 30_000],
    ['5m', 300_000],
    ['500ms', 500],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['0s', 0],
    ['1m30s', 90_000],
    ['1h0m0s', 3_600_000],
    ['1.5s', 1500],
    ['1m0.5s', 60_500],
    ['100us', 1],
    ['1ns', 1],
  ])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each([
    '',
    '30',
    's',
    '-1s',
    '1 s',
    '1s ',
    '1.s',
    '.5s',
    '5min',
    '1S',
    'ten',
    '1e3s',
    `${'9'.repeat(30)}s`,
    '1s'.repeat(33),
  ])('refuses %j', (text) => expect(parseDuration(text)).toBeUndefined());
});

describe('rates', () => {
  test.each([
    ['1%', 0.01],
    ['0.5 %', 0.005],
    ['100%', 1],
    [0.01, 0.01],
    ['0.01', 0.01],
    [0, 0],
    [1, 1],
  ])('%s', (value, rate) => expect(parseRate(value)).toBeCloseTo(rate, 12));

  test.each(['', '%', '101%', 1.1, -0.1, '-1%', 'one', Number.NaN, Number.POSITIVE_INFINITY, '1%%'])(
    'refuses %j',
    (value) => expect(parseRate(value)).toBeUndefined(),
  );
});

describe('suggestions', () => {
  const known = ['strategy', 'port', 'health', 'env-file', 'blue-green'];
  test.each([
    ['stratgy', 'strategy'],
    ['Strategy', 'strategy'],
    ['prot', 'port'],
    ['env_file', 'env-file'],
    ['bluegreen', 'blue-green'],
    ['helath', 'health'],
  ])('%s → %s', (word, meant) => expect(suggest(word, known)).toBe(meant));

  test.each(['', 'x', 'database', 'p'.repeat(70)])('%j is nothing known', (word) =>
    expect(suggest(word, known)).toBeUndefined(),
  );

  test('reads well in a sentence', () => {
    expect(didYouMean('prot', known)).toBe('; did you mean port?');
    expect(didYouMean('zzz', known)).toBe('');
  });
});

describe('words of a command', () => {
  test.each([
    ['alembic upgrade head', ['alembic', 'upgrade', 'head']],
    ['sh -c \'echo $HOME "x"\'', ['sh', '-c', 'echo $HOME "x"']],
    ['a "b c" d\\ e', ['a', 'b c', 'd e']],
    ['"a\\"b" "c\\\\" "\\n"', ['a"b', 'c\\', '\\n']],
    ["a '' b", ['a', '', 'b']],
    ['  a\n\tb  ', ['a', 'b']],
    ['', []],
    ["'unclosed end", ['unclosed end']],
  ])('%s', (command, words) => expect(splitWords(command)).toEqual(words));
});
