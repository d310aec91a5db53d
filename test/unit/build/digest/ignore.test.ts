import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { treeDigest } from '../../../../src/build/digest/digest.ts';
import { walk } from '../../../../src/build/digest/walk.ts';
import { readIgnore } from '../../../../src/config/dockerignore/ignore.ts';
import { Unresolvable } from '../../../../src/config/dockerignore/unresolvable.ts';
import { effects, target } from '../../../support/build/digest-fixtures.ts';

let context = '';
beforeEach(() => {
  context = mkdtempSync(join(tmpdir(), 'sluice-ignore-'));
});
afterEach(() => rmSync(context, { recursive: true, force: true }));

const { signal } = new AbortController();
const write = (path: string | Buffer, content = '') => {
  const file = Buffer.concat([Buffer.from(`${context}/`), Buffer.from(path)]);
  mkdirSync(dirname(file.toString('latin1')), { recursive: true });
  writeFileSync(file, content);
};
const seen = async (ignore: string) =>
  (await walk(context, readIgnore(ignore), signal)).map(({ path }) => path).sort();

// That rules mean what BuildKit makes of them is proved against a real build (test/contract).
describe('ignore files', () => {
  test.each([
    ...[
      '!',
      ' ! ',
      '!/',
      '[a',
      '[]',
      '[^]',
      '[a-]',
      '[b-a]',
      '[-a]',
      'a\\',
      'a\\\n',
      '*\\d',
      '[[:alpha:]]',
      '[*]',
    ],
    ...['[\\]]', '*|a', '*a{2}', '?{1,}', '\ufeff*\n\ufeff', 'a\ufffd'],
  ])('%j can’t be read for certain', (ignore) => expect(() => readIgnore(ignore)).toThrow(Unresolvable));

  test.each([
    [
      'an exception for a folder does not reach what was excluded before it',
      'x/y/z\n!x/y',
      ['x/y/z'],
      ['x', 'x/y'],
    ],
    ['a plain | and braces', 'a|b\n{c}\nd{2}', ['a|b', '{c}', 'd{2}'], []],
    ['folders of included files are included', '*\n!x/y/z', ['x/y/z', 'x/w'], ['x', 'x/y', 'x/y/z']],
    [
      'the rule of a folder counts below it',
      'x\n!x/y\nx/y/z\n!x/y/z/a',
      ['x/y/z/a', 'x/y/z/b'],
      ['x', 'x/y', 'x/y/z', 'x/y/z/a'],
    ],
  ])('%s', async (_, ignore, files, expected) => {
    for (const file of files) write(file);
    expect(await seen(ignore)).toEqual(expected);
  });
});

describe('excluded folders are not entered', () => {
  // A name that is not UTF-8 ends a walk: it is reached if the folder is entered.
  const trap = () => {
    write('node_modules/package/index.js');
    write('src/a.js');
    writeFileSync(Buffer.from([...Buffer.from(`${context}/node_modules/package/`), 0xff]), '');
  };

  test.each([
    'node_modules',
    '**/node_modules',
    'node_modules/**\n!src/**',
    'node_modules\n!src/*.js\n!s*',
    'node_modules\n!node_modules.js\n!node_module',
    '*\n!src/a.js',
    'node_modules/package\n!node_modules/other/**',
  ])('%j', async (ignore) => {
    trap();
    expect(await seen(ignore)).toContain('src/a.js');
  });

  test.each(['', 'node_modules\n!**/*.js', 'node_modules\n!node_modules/pack*', 'node_modules\n!n*'])(
    '%j has to enter',
    async (ignore) => {
      trap();
      await expect(seen(ignore)).rejects.toThrow(/is not UTF-8 text/);
    },
  );
});

describe('the ignore file itself', () => {
  const result = () => treeDigest(target({ context }), effects());

  test('a link is not followed', async () => {
    write('rules', 'a');
    symlinkSync('rules', join(context, '.dockerignore'));
    expect(await result()).toEqual({ unresolved: '.dockerignore is a symbolic link' });
  });

  test('a folder is no ignore file', async () => {
    mkdirSync(join(context, '.dockerignore'));
    expect(await result()).toEqual({ unresolved: '".dockerignore" cannot be read (EISDIR)' });
  });

  test('bytes that are no text', async () => {
    writeFileSync(join(context, '.dockerignore'), Buffer.from([0x61, 0xff]));
    expect(await result()).toEqual({ unresolved: '.dockerignore is not UTF-8 text' });
  });
});
