import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEnvFile } from '../../../../src/config/env/env-file.ts';
import { interpolate } from '../../../../src/config/env/interpolate.ts';
import { userErrorsOf } from '../../../../src/kernel/errors.ts';
import { linesOf, shownText } from '../../../support/config/fixtures.ts';

const read = (text: string, options = {}) =>
  Object.fromEntries(parseEnvFile(text, '.env', options).entries.map(({ name, value }) => [name, value]));

describe('env files', () => {
  test.each<[string, Record<string, string>]>([
    ['A=1\nB=2', { A: '1', B: '2' }],
    ['', {}],
    ['\n \t\n# comment\n', {}],
    ['A=', { A: '' }],
    ['A=\nB=2', { A: '', B: '2' }],
    ['A = 1 ', { A: '1' }],
    ['A: yaml', { A: 'yaml' }],
    ['export A=1', { A: '1' }],
    ['  export\tA=1', { A: '1' }],
    ['exported=1', { exported: '1' }],
    ['A=1\r\nB="2"\r\n', { A: '1', B: '2' }],
    ['\uFEFFA=1', { A: '1' }],
    ['A=with space # comment', { A: 'with space' }],
    ['A=no#comment', { A: 'no#comment' }],
    ['A="# no comment" # comment', { A: '# no comment' }],
    ["A='$X ${Y} \\n \" #'", { A: '$X ${Y} \\n " #' }],
    ["A='it\\'s'", { A: "it's" }],
    ["A='c:\\\\dir'", { A: 'c:\\\\dir' }],
    ['A="a\\nb\\tc\\\\d\\"e\\$f\\qg"', { A: 'a\nb\tc\\d"e$f\\qg' }],
    ['A="\\0123\\012"', { A: 'S\\12' }],
    ['A="line 1\nline 2"\nB=2', { A: 'line 1\nline 2', B: '2' }],
    ["A='line 1\nline 2'", { A: 'line 1\nline 2' }],
    ['A=1\nB=$A-${A}', { A: '1', B: '1-1' }],
    ['B=${A:-x}', { B: 'x' }],
    ['A=\nB=${A:-x}${A-y}', { A: '', B: 'x' }],
    ['A=1\nB=${A:+set}${C+set}', { A: '1', B: 'set' }],
    ['B=${A:-${C:-deep}}', { B: 'deep' }],
    ['A=pa$$word', { A: 'pa$word' }],
    ['A=5$ 1$2', { A: '5$ 1$2' }],
    ['A=1\nA=2', { A: '2' }],
    ['a.b-c[0]=1', { 'a.b-c[0]': '1' }],
    ['Ä=ü💥', { Ä: 'ü💥' }],
    ['A=a=b=c', { A: 'a=b=c' }],
    ['A=`id` $(id)', { A: '`id` $(id)' }],
    ['A={"k": "v"}', { A: '{"k": "v"}' }],
    ['A="x"', { A: 'x' }],
    ["A=x'y'", { A: "x'y'" }],
  ])('%j', (text, values) => expect(read(text)).toEqual(values));

  test('a name alone is inherited', () => {
    expect(parseEnvFile('A\nB # why\nC=1\nD', '.env')).toEqual({
      inherited: [
        { name: 'A', line: 1, column: 1 },
        { name: 'B', line: 2, column: 1 },
        { name: 'D', line: 4, column: 1 },
      ],
      entries: [{ name: 'C', value: '1', line: 3, column: 1 }],
    });
  });

  test('errors have a place, the name and never the value; all are told', async () => {
    const text = 'OK=1\nhunter2 is here\n9A=hunter2\n A-="x" hunter2\nB="hunter2\n';
    expect(await linesOf(() => parseEnvFile(text, '.env.production'))).toEqual([
      '.env.production:2:1 This line does not start with NAME= [env.syntax]',
      '.env.production:3:1 This line does not start with NAME= [env.syntax]',
      '.env.production:4:2 A-: there is text after the closing quote [env.syntax]',
      '.env.production:5:1 B: the value starts with a double quote that is not closed [env.syntax]',
    ]);
    expect(await shownText(() => parseEnvFile(text, '.env'))).not.toContain('hunter2');
  });

  test('a dollar in a password does not become an empty text', async () => {
    const text = 'A=hunter$two\nB="pa${ss"\nC=${X:?hunter2}\nD=${-}';
    expect(await linesOf(() => parseEnvFile(text, '.env'))).toEqual([
      '.env:1:1 A: the value refers to a variable that is not set [env.reference]',
      '.env:2:1 B: a $ reference in the value lacks its closing brace or its name [env.reference]',
      '.env:3:1 C: the value requires (:?) a variable that is not set [env.reference]',
      '.env:4:1 D: a $ reference in the value lacks its closing brace or its name [env.reference]',
    ]);
    expect(await shownText(() => parseEnvFile(text, '.env'))).not.toMatch(/two|pa|hunter/);
    expect(read(text, { interpolate: false })).toEqual({
      A: 'hunter$two',
      B: 'pa${ss',
      C: '${X:?hunter2}',
      D: '${-}',
    });
  });

  test('any value survives double quotes with escapes, and any text is read or refused', () => {
    const quoted = (value: string) => `A="${value.replaceAll(/[\\"$]/g, '\\$&')}"\nB=1`;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(read(quoted(value))).toEqual({ A: value, B: '1' });
      }),
      { numRuns: 1000 },
    );
    const junk = fc.array(
      fc.constantFrom(
        'A',
        '=',
        ' ',
        '\n',
        '"',
        "'",
        '\\',
        '$',
        '{',
        '}',
        ':',
        '-',
        '#',
        'export ',
        '?',
        '\r',
      ),
    );
    fc.assert(
      fc.property(junk, (parts) => {
        try {
          parseEnvFile(parts.join(''), '.env');
        } catch (error) {
          expect(userErrorsOf(error).length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 3000 },
    );
  }, 60_000);

  test('a large file is read in no time', () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `NAME_${index}="value ${index}"`).join('\n');
    const begun = performance.now();
    expect(parseEnvFile(text, '.env').entries).toHaveLength(20_000);
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});

describe('interpolation', () => {
  const lookup = (name: string) => ({ A: 'a', EMPTY: '' })[name];
  test.each<[string, unknown]>([
    ['plain', 'plain'],
    ['$A$A', 'aa'],
    ['${A}', 'a'],
    ['$$A', '$A'],
    ['$', '$'],
    ['$1', '$1'],
    ['${EMPTY}', ''],
    ['${EMPTY:-x}', 'x'],
    ['${EMPTY-x}', ''],
    ['${B-x}', 'x'],
    ['${B:-${C:-{}}}', '{}'],
    ['${B:-$A}', 'a'],
    ['${A:+x}${B:+y}${EMPTY+z}${EMPTY:+w}', 'xz'],
    ['${A:?no}', 'a'],
    ['${A:-$MISSING}', 'a'],
    ['$B', { kind: 'unset', name: 'B' }],
    ['${B:-$C}', { kind: 'unset', name: 'C' }],
    ['${EMPTY:?no}', { kind: 'required', name: 'EMPTY' }],
    ['${A', { kind: 'malformed', name: '' }],
    ['${}', { kind: 'malformed', name: '' }],
    ['${A!}', { kind: 'malformed', name: '' }],
  ])('%s', (text, expected) => expect(interpolate(text, lookup)).toEqual(expected));
});
