import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { treeDigest } from '../../../../src/build/digest/digest.ts';
import type { BuildTarget } from '../../../../src/build/model.ts';
import { effects, resolved, target } from '../../../support/build/digest-fixtures.ts';

let room = '';
let count = 0;
let context = '';
beforeAll(() => {
  room = mkdtempSync(join(tmpdir(), 'sluice-tree-'));
});
afterAll(() => rmSync(room, { recursive: true, force: true }));
beforeEach(() => {
  context = newContext(sources);
});

const sources = {
  'src/main.ts': 'main',
  'src/deep/er/file.ts': 'deep',
  'node_modules/a/index.js': 'a',
  'package.json': '{}',
  '.dockerignore': 'node_modules\n**/*.log\n',
};

function newContext(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = join(room, `context-${count++}`);
  mkdirSync(folder);
  for (const [path, content] of Object.entries(files)) write(folder, path, content);
  return folder;
}

function write(folder: string, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

const digest = async (over: Partial<BuildTarget> = {}, given = effects()) =>
  resolved(await treeDigest(target({ context, ...over }), given));

describe('changes the digest', () => {
  test('is 64 hexadecimal digits', async () => {
    expect(await digest()).toMatch(/^[0-9a-f]{64}$/);
  });

  test('any byte of any file', async () => {
    const input = fc.record({
      content: fc.uint8Array({ minLength: 1, maxLength: 5000 }),
      at: fc.nat(),
      xor: fc.integer({ min: 1, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(input, async ({ content, at, xor }) => {
        write(context, 'src/main.ts', content);
        const before = await digest();
        const changed = content.with(at % content.length, (content[at % content.length] ?? 0) ^ xor);
        write(context, 'src/main.ts', changed);
        expect(await digest()).not.toBe(before);
      }),
      { numRuns: 40 },
    );
  });

  test('the last byte of a file that is read in many parts', async () => {
    const content = new Uint8Array(1_500_000);
    write(context, 'large', content);
    const before = await digest();
    write(context, 'large', content.with(-1, 1));
    expect(await digest()).not.toBe(before);
  });

  test('any mode', async () => {
    const seen = new Map<string, number>();
    for (const mode of [0o644, 0o755, 0o600, 0o640, 0o4755, 0o2755, 0o1755, 0o444]) {
      for (const [index, path] of ['src/main.ts', 'src'].entries()) {
        chmodSync(join(context, path), mode | (index === 1 ? 0o700 : 0));
        seen.set(await digest(), mode);
      }
    }
    expect(seen.size).toBe(16);
  });

  test.each([
    ['a new file', () => write(context, 'new', '')],
    ['a file that git would not know', () => write(context, '.git/info/x', '')],
    ['an empty folder', () => mkdirSync(join(context, 'empty'))],
    ['a removed file', () => unlinkSync(join(context, 'package.json'))],
    ['a renamed file', () => renameSync(join(context, 'package.json'), join(context, 'package2.json'))],
    ['a file moved down', () => renameSync(join(context, 'package.json'), join(context, 'src/package.json'))],
    ['a link', () => symlinkSync('main.ts', join(context, 'src/link'))],
    ['a link that leads nowhere', () => symlinkSync('/nowhere', join(context, 'src/link'))],
    ['the ignore file, which the build sees', () => write(context, '.dockerignore', 'node_modules\n*.log\n')],
    ['an ignored file that no longer is', () => write(context, '.dockerignore', '\n')],
  ])('%s', async (_, change) => {
    const before = await digest();
    change();
    expect(await digest()).not.toBe(before);
  });

  test('a link’s target, a copy instead of a link, a hard link instead of a copy', async () => {
    const path = join(context, 'src/other');
    const seen = new Set([await digest()]);
    const withOther = async (make: () => void) => {
      make();
      seen.add(await digest());
      unlinkSync(path);
    };
    await withOther(() => symlinkSync('main.ts', path));
    await withOther(() => symlinkSync('./main.ts', path));
    await withOther(() => writeFileSync(path, 'main'));
    await withOther(() => linkSync(join(context, 'src/main.ts'), path));
    expect(seen.size).toBe(5);
  });

  test('which of two files has which content', async () => {
    const one = newContext({ a: 'x', b: 'y' });
    const other = newContext({ a: 'y', b: 'x' });
    expect(await digest({ context: one })).not.toBe(await digest({ context: other }));
  });

  test.each<[string, Partial<BuildTarget>]>([
    ['Dockerfile', { dockerfile: { kind: 'inline', text: 'FROM scratch\nCOPY . /app\n' } }],
    ['a comment in it', { dockerfile: { kind: 'inline', text: 'FROM scratch\nCOPY . /\n# x\n' } }],
    ['argument', { args: { A: '1' } }],
    ['empty argument', { args: { A: '' } }],
    ['platform', { platforms: ['linux/arm64'] }],
    ['one more platform', { platforms: ['linux/amd64', 'linux/arm64'] }],
    ['no platform', { platforms: [] }],
    ['label', { labels: { a: 'b' } }],
    ['name of a secret', { secrets: [{ id: 'token', env: 'TOKEN' }] }],
    ['ssh agent', { ssh: ['default'] }],
  ])('%s', async (_, over) => {
    expect(await digest(over)).not.toBe(await digest());
  });

  test('the stage to build', async () => {
    const dockerfile = { kind: 'inline', text: 'FROM scratch AS a\nFROM scratch AS b\n' } as const;
    const digests = await Promise.all(
      ['a', 'b', undefined].map((stage) => digest({ dockerfile, target: stage })),
    );
    expect(new Set(digests).size).toBe(3);
  });

  test('the machine, where the image or its build is for the builder’s own platform', async () => {
    const own = { platforms: [] };
    const cross = { dockerfile: { kind: 'inline', text: 'FROM --platform=$BUILDPLATFORM scratch' } as const };
    const digests = () => Promise.all([digest(), digest(own), digest(cross)]);
    const before = await digests();
    const { arch } = process;
    try {
      Object.defineProperty(process, 'arch', { value: 'other' });
      const after = await digests();
      expect(after.map((entry, index) => entry === before[index])).toEqual([true, false, false]);
    } finally {
      Object.defineProperty(process, 'arch', { value: arch });
    }
  });

  test('any argument', async () => {
    const args = fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), { maxKeys: 3 });
    await fc.assert(
      fc.asyncProperty(args, args, async (a, b) => {
        const isSame = JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
        expect((await digest({ args: a })) === (await digest({ args: b }))).toBe(isSame);
      }),
      { numRuns: 40 },
    );
  });

  test('the digest of a base, of the frontend, of a named image', async () => {
    const over = {
      dockerfile: {
        kind: 'inline',
        text: '# syntax=docker/dockerfile:1\nFROM node:22 AS a\nFROM scratch\nCOPY --from=a / /\n',
      },
      contexts: { tools: 'docker-image://tools:1' },
    } as const;
    const names = ['docker/dockerfile:1', 'library/node:22', 'library/tools:1'];
    const seen = new Set([await digest(over)]);
    for (const name of names) {
      const baseDigest = async (ref: string, platform: string | undefined) =>
        ref.endsWith(name) ? 'sha256:new' : effects().baseDigest(ref, platform);
      seen.add(await digest(over, effects({ baseDigest })));
    }
    expect(seen.size).toBe(names.length + 1);
  });

  test('a file of a named folder, and the digest of another target', async () => {
    const other = newContext({ file: '1', '.dockerignore': 'ignored' });
    const contexts = { other, base: 'target:base' };
    const given = (hash: string) => effects({ targetDigest: async () => ({ digest: hash }) });
    const before = await digest({ contexts }, given('1'));
    expect(await digest({ contexts }, given('2'))).not.toBe(before);
    write(other, 'ignored', 'x');
    expect(await digest({ contexts }, given('1'))).toBe(before);
    write(other, 'file', '2');
    expect(await digest({ contexts }, given('1'))).not.toBe(before);
  });
});

describe('does not change the digest', () => {
  test('any order in which the same files are made, and where', async () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}(\.d\/[a-z]{4})?$/), {
      minLength: 2,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(names, fc.gen(), async (paths, gen) => {
        const shuffled = gen(fc.shuffledSubarray, paths, { minLength: paths.length });
        const make = (order: readonly string[]) =>
          newContext(Object.fromEntries(order.map((path) => [path, `of ${path}`])));
        expect(await digest({ context: make(shuffled) })).toBe(await digest({ context: make(paths) }));
      }),
      { numRuns: 30 },
    );
  });

  test('the order of arguments, platforms, labels and contexts', async () => {
    const folder = newContext({ a: '' });
    const image = 'docker-image://node:22';
    const one = {
      args: { A: '1', B: '2' },
      labels: { a: '1', b: '2' },
      platforms: ['linux/amd64', 'linux/arm64'],
      contexts: { a: folder, b: image },
    };
    const other = {
      args: { B: '2', A: '1' },
      labels: { b: '2', a: '1' },
      platforms: ['linux/arm64', 'linux/amd64'],
      contexts: { b: image, a: folder },
    };
    expect(await digest(other)).toBe(await digest(one));
  });

  test.each([
    ['a new ignored file', () => write(context, 'node_modules/b/index.js', 'b')],
    ['a changed ignored file', () => write(context, 'node_modules/a/index.js', 'b')],
    ['an ignored file anywhere', () => write(context, 'src/deep/x.log', 'b')],
    ['times', () => utimesSync(join(context, 'src/main.ts'), 1, 1)],
    ['times of folders', () => utimesSync(join(context, 'src'), 1, 1)],
    ['a file written again', () => write(context, 'src/main.ts', 'main')],
  ])('%s', async (_, change) => {
    const before = await digest();
    change();
    expect(await digest()).toBe(before);
  });

  test('where a secret comes from, the key of an agent, and what is no input', async () => {
    const one = { secrets: [{ id: 'token', env: 'A' }], ssh: ['default=/a'] };
    const other = { secrets: [{ id: 'token', file: '/b' }], ssh: ['default=/b'] };
    expect(await digest(one)).toBe(await digest(other));
    expect(await digest({ name: 'x', services: ['y'], cacheFrom: ['z'], repository: 'q', pull: true })).toBe(
      await digest(),
    );
  });

  test('a stage that the target does not need', async () => {
    const text = (tag: string) => ({
      kind: 'inline' as const,
      text: 'ARG V\nFROM dev:$V AS dev\nRUN --mount=from=tools:$V,target=/t x\nFROM scratch\n',
      tag,
    });
    const asked: string[] = [];
    const baseDigest = async (ref: string) => {
      asked.push(ref);
      return undefined;
    };
    await digest({ dockerfile: text('1') }, effects({ baseDigest }));
    expect(asked).toEqual([]);
  });
});
