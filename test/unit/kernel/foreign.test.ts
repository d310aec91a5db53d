import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { breakCommands, breakCommandsInJson, harmless } from '../../../src/kernel/foreign.ts';

/** What GitHub's runner obeys (ActionCommand.TryParse and TryParseV2): `##[` anywhere, `::` at a line's start. */
const command = /##\[|(?<=^|[\r\n])[\s\u0085]*::/;

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '::',
        '##[',
        '#',
        '[',
        ':',
        '\n',
        '\r',
        '\r\n',
        ' ',
        '\t',
        '\u0000',
        '\u001b',
        '\u001b[2J',
        '\u009b',
        'error',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

describe('harmless', () => {
  test.each<[string, string, string]>([
    ['colours', '\u001b[31mred\u001b[0m', 'red'],
    ['cursor moves', 'a\u001b[2J\u001b[H\u001b[1Ab', 'ab'],
    ['a window title', '\u001b]0;owned\u0007text', 'text'],
    ['a link', '\u001b]8;;http://x\u0007text\u001b]8;;\u0007', 'text'],
    ['8-bit control sequences', '\u009b31mred', 'red'],
    ['other controls', 'a\u0000b\u0008c\u007fd\u0085e', 'abcde'],
    ['a progress bar', '10 %\r20 %\r\n30 %', '10 %\n20 %\n30 %'],
    ['a command of the old kind', 'say ##[error]no', 'say # #[error]no'],
    ['a command', '::error::no', ': :error::no'],
    ['a command behind blanks', 'a\n \t::add-mask::x', 'a\n \t: :add-mask::x'],
    ['a command that only shows when something is taken out', '#\u0000#[error]', '# #[error]'],
    ['the name of a C++ thing', 'std::string', 'std::string'],
    ['tabs and lines', 'a\tb\nc', 'a\tb\nc'],
  ])('%s', (_, text, expected) => {
    expect(harmless(text)).toBe(expected);
  });

  test('never leaves a control character or a command', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const clean = harmless(text);
        expect(clean).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
        expect(clean).not.toMatch(command);
      }),
      { numRuns: 1000 },
    );
  });
});

test.each([
  '\u0085',
  '\u2028',
  '\u2029',
  '\v',
  '\f',
  '\r',
  '\r\n',
  '\u00a0',
  '\u3000',
  '\ufeff',
  '\u0085 \t\u2028',
])('a command behind %j is broken in our own output, too', (blank) => {
  expect(breakCommands(`x\n${blank}::set-env name=a::b`)).toBe(`x\n${blank}: :set-env name=a::b`);
  expect(harmless(`x\n${blank}::set-env name=a::b`)).toMatch(/: :set-env name=a::b$/);
});

test('breakCommands keeps our own colours', () => {
  expect(breakCommands('\u001b[31m##[x]\u001b[0m\n::y')).toBe('\u001b[31m# #[x]\u001b[0m\n: :y');
});

test('breakCommandsInJson changes no meaning', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.record({ message: hostile }).map((value) => JSON.stringify(value)),
      ),
      (json) => {
        const safe = breakCommandsInJson(json);
        expect(safe).not.toContain('##[');
        expect(JSON.parse(safe)).toEqual(JSON.parse(json));
      },
    ),
    { numRuns: 500 },
  );
});
