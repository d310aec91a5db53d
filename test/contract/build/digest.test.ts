import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashTree, ignoreNothing } from '../../../src/build/digest/tree.ts';
import { walk } from '../../../src/build/digest/walk.ts';
import { decodeText } from '../../../src/config/dockerignore/go-text.ts';
import { type Ignore, readIgnore } from '../../../src/config/dockerignore/ignore.ts';
import { Unresolvable } from '../../../src/config/dockerignore/unresolvable.ts';
import { runProcess } from '../../../src/kernel/process/process.ts';

// What we hash against what a real build sees: `FROM scratch` and `COPY . /`, exported to a folder.
let room = '';
let context = '';
const { signal } = new AbortController();

const files = [
  ...['a', 'b', 'ab.js', 'a.js', '.env', '.env.local', 'README.md', 'ä.txt', 'a b', '[a]', '#a', '!a', 'x^y'],
  ...['src/a.js', 'src/a.ts', 'src/lib/a.js', 'src/lib/deep/a.js', 'src/lib/deep/keep', 'srcx/a', 'lib/a.js'],
  ...['node_modules/a/index.js', 'node_modules/keep/index.js', 'src/node_modules/b/index.js'],
  ...[
    'dist/a.js',
    'dist/assets/a.css',
    'dist/assets/keep/a.css',
    '.git/config',
    'test/a.test.js',
    'back\\slash',
  ],
];

beforeAll(() => {
  room = mkdtempSync(join(tmpdir(), 'sluice-digest-'));
  context = join(room, 'context');
  for (const file of files) {
    mkdirSync(dirname(join(context, file)), { recursive: true });
    writeFileSync(join(context, file), `content of ${file}\n`);
  }
  for (const folder of ['empty', 'src/empty', 'dist/empty']) mkdirSync(join(context, folder));
  chmodSync(join(context, 'a'), 0o755);
  chmodSync(join(context, 'b'), 0o4711);
  chmodSync(join(context, 'empty'), 0o2700);
  chmodSync(join(context, 'dist'), 0o1777);
  linkSync(join(context, 'a.js'), join(context, 'src/hard'));
  symlinkSync('a', join(context, 'link'));
  symlinkSync('/nowhere/at/all', join(context, 'src/broken'));
  symlinkSync('lib', join(context, 'src/folder-link'));
  execFileSync('mkfifo', [join(context, 'src/pipe')]);
});
afterAll(() => rmSync(room, { recursive: true, force: true }));

let count = 0;

/** What a build copies; undefined if BuildKit refuses the ignore file. */
async function built(ignoreFiles: Readonly<Record<string, string>>, dockerfile = 'Dockerfile') {
  const recipe = join(room, `recipe-${count++}`);
  mkdirSync(recipe);
  writeFileSync(join(recipe, dockerfile), 'FROM scratch\nCOPY . /\n');
  for (const [name, text] of Object.entries(ignoreFiles)) writeFileSync(join(recipe, name), text);
  const output = join(recipe, 'output');
  const argv = ['docker', 'buildx', 'build', '--file', join(recipe, dockerfile)] as const;
  const build = () =>
    runProcess([...argv, '--output', `type=local,dest=${output}`, context], { timeoutMs: 50_000 });
  let { code, stderr } = await build();
  // Of two transfers that end at once BuildKit may tell of the one that it has cancelled for the other's fault.
  for (let tries = 0; tries < 5 && /Canceled: context canceled/.test(stderr); tries++) {
    ({ code, stderr } = await build());
  }
  if (code === 0) return output;
  // Nothing to copy is no refusal: the build saw nothing.
  if (/"\/": not found|failed to calculate checksum/.test(stderr)) {
    mkdirSync(output);
    return output;
  }
  expect(stderr).toMatch(/illegal exclusion pattern|syntax error in pattern|invalid excludepatterns/);
  return undefined;
}

/** Type, mode and path of everything, by a tool that is not ours. */
function listing(folder: string): string[] {
  const format = '%y %m %P -> %l\\n';
  const text = execFileSync('find', [folder, '-mindepth', '1', '-printf', format], { encoding: 'utf8' });
  return text.split('\n').filter(Boolean).sort();
}

/** As from a file: the byte order mark is gone. */
function rules(ignore: string): Ignore {
  return readIgnore(decodeText(Buffer.from(ignore), 'the ignore file'));
}

async function ours(ignore: string): Promise<string[] | undefined> {
  const letters = { file: 'f', folder: 'd', link: 'l', pipe: 'p', socket: 's', device: 'c' };
  try {
    const entries = await walk(context, rules(ignore), signal);
    return entries
      .map(({ kind, mode, path, detail }) => {
        const target = kind === 'link' ? Buffer.from(detail, 'base64').toString() : '';
        return `${letters[kind]} ${mode.toString(8)} ${path} -> ${target}`;
      })
      .sort();
  } catch (error) {
    if (error instanceof Unresolvable) return undefined;
    throw error;
  }
}

async function expectSame(ignore: string): Promise<void> {
  const output = await built({ 'Dockerfile.dockerignore': ignore });
  const seen = await ours(ignore);
  expect(seen).toEqual(output && listing(output));
  if (output !== undefined) {
    const hash = await hashTree(context, rules(ignore), signal);
    expect(hash).toBe(await hashTree(output, ignoreNothing, signal));
  }
}

describe('the files of the digest are those of the build', () => {
  test.each([
    ['nothing ignored', ''],
    ['a name in the root only', 'a.js\n'],
    ['a name anywhere', '**/a.js\n'],
    ['a folder, with slashes around', '/src/\n'],
    ['a comment, blanks, Windows line ends', '#a\n # b \r\n\r\n  dist  \t\r\nsrc/lib\r\n'],
    ['a byte order mark', '\ufeffa\nb\n'],
    ['all but some', '*\n!src\n!a\n'],
    ['all but one deep in an excluded folder', '**\n!src/lib/deep/keep\n'],
    ['an exception with blanks and a slash', '*\n! /src/lib \n'],
    ['exceptions and exclusions in turn', 'src\n!src/lib\nsrc/lib/deep\n!src/lib/deep/keep\n'],
    ['an exception before what it excepts', '!src/a.js\nsrc\n'],
    ['an exception for a folder above what is excluded', 'src/lib/deep\n!src/lib\n'],
    ['everything anywhere but by extension', '**\n!**/*.js\n'],
    ['node_modules anywhere but one', '**/node_modules\n!node_modules/keep\n'],
    ['star within a name', '*.js\n.env*\n!.env\n'],
    ['star is no slash', 'src/*.js\nsrc/*/a.js\n'],
    ['question marks', '?\n?.js\nsrc?\n'],
    ['classes', '[ab]\n[^a].js\nsrc/lib/[a-c].js\n'],
    ['escapes', '\\[a\\]\n\\#a\n\\!a\na\\ b\n'],
    ['two stars in the middle', 'src/**/a.js\n'],
    ['two stars at the end', 'dist/**\n!dist/assets/keep/**\n'],
    ['two stars as text', '**a.js\nsrc**\n'],
    ['dots and double slashes', './a\nsrc//lib/../a.ts\n../b\n.\n/\n'],
    ['a folder without its content', 'src/*\nempty/\n'],
    ['braces are no alternatives', '*.{js,ts}\n'],
    ['an exclamation mark in the name', '/!a\n'],
    ['other letters', 'ä*\n'],
    ['links, pipes and hard links', 'link\nsrc/pipe\na.js\n'],
    ['links are not followed', 'src/folder-link/a.js\n'],
    ['an anchor that BuildKit does not escape', 'x^*\n'],
    ['everything, and nothing back', '**\n'],
    ['an exception without a path', 'a\n!\n'],
    ['a class that does not end', '[a\n'],
  ])('%s', (_, ignore) => expectSame(ignore));

  test('ignore files made at random', async () => {
    const name = fc.constantFrom(
      ...['a', 'a.js', 'src', 'lib', 'deep', 'dist', 'assets', 'keep', 'node_modules', 'empty'],
      ...['*', '**', '*.js', '?', '[a-s]*', '.', '..', '.*', '*a*', '**a', 's**'],
    );
    const line = fc
      .tuple(
        fc.constantFrom('', '', '!', '!', '/', '!/', ' ', '#'),
        fc.array(name, { minLength: 1, maxLength: 4 }),
      )
      .map(([start, names]) => start + names.join('/'));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) =>
        expectSame(lines.join('\n')),
      ),
      { numRuns: 40, endOnFailure: true },
    );
  });
});
