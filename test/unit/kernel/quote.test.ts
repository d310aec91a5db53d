import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { quoteWord, quoteWords } from '../../../src/kernel/quote.ts';

test.each([
  ['src/a.ts', 'src/a.ts'],
  ['', "''"],
  ['two words', "'two words'"],
  ['$(id)', "'$(id)'"],
  ["it's", "'it'\\''s'"],
  ['~', "'~'"],
])('%s is written as %s', (word, quoted) => {
  expect(quoteWord(word)).toBe(quoted);
});

test('a shell reads the words as they were', () => {
  const words = [
    'a',
    '',
    "'",
    '"',
    '$HOME `id` \\',
    'line\nline',
    '*',
    '-n',
    'ä',
    '#',
    '!x',
    '~',
    '{a,b}',
    '\t',
  ];
  const output = execFileSync('sh', ['-c', `printf '%s\\0' ${quoteWords(words)}`], { encoding: 'utf8' });
  expect(output.split('\0').slice(0, -1)).toEqual(words);
});
