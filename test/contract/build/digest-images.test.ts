import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { treeDigest } from '../../../src/build/digest/digest.ts';
import { readDockerfile } from '../../../src/build/digest/dockerfile.ts';
import { imagesOf } from '../../../src/build/digest/images.ts';
import type { BuildTarget } from '../../../src/build/model.ts';
import { decodeText } from '../../../src/config/dockerignore/go-text.ts';
import { runProcess } from '../../../src/kernel/process/process.ts';
import { effects, resolved, target } from '../../support/build/digest-fixtures.ts';

// Images of our own in the bed's registry: one that is only in the engine's store can't be the base of every build.
const prefix = '127.0.0.1:5000/sluice-digest';
const images = ['a:latest', 'a:1', 'a:2', 'b:latest', 'b:amd64', 'c:1-x'];
let room = '';
let count = 0;

beforeAll(async () => {
  room = mkdtempSync(join(tmpdir(), 'sluice-images-'));
  writeFileSync(join(room, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /f\n');
  const tags = images.flatMap((image) => ['--tag', `${prefix}/${image}`]);
  await docker('buildx', 'build', '--push', '--provenance=false', ...tags, room);
});
afterAll(async () => {
  rmSync(room, { recursive: true, force: true });
  await docker('image', 'rm', '--force', ...images.map((image) => `${prefix}/${image}`));
});

async function docker(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProcess(['docker', ...args], { timeoutMs: 50_000 });
  expect(code, stderr).toBe(0);
  return stdout + stderr;
}

function folder(files: Readonly<Record<string, string>>): string {
  const path = join(room, `folder-${count++}`);
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

/** The build that is meant by a target, exported to a folder; `log` is what buildx says. */
async function build({ context, dockerfile, target, args, contexts }: BuildTarget) {
  const output = join(room, `output-${count++}`);
  const file = dockerfile.kind === 'file' ? dockerfile.path : join(output, 'Dockerfile');
  mkdirSync(output);
  if (dockerfile.kind === 'inline') writeFileSync(file, dockerfile.text);
  const log = await docker(
    ...['buildx', 'build', '--progress=plain', '--file', file, '--output', `type=local,dest=${output}/out`],
    ...(target === undefined ? [] : ['--target', target]),
    ...Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...Object.entries(contexts).flatMap(([name, value]) => ['--build-context', `${name}=${value}`]),
    context,
  );
  return { log, output: `${output}/out` };
}

describe('the images of the digest are those the build asks for', () => {
  test.each<[string, string, Partial<BuildTarget>?]>([
    ['a base', 'FROM @a'],
    ['stages, by name and number', 'FROM @a AS One\nFROM @b\nCOPY --from=one /f /g\nCOPY --from=0 /f /h'],
    ['stages that are not needed', 'FROM @a:1 AS x\nFROM @b\nFROM @a:2'],
    ['the stage that is asked for', 'FROM @a:1 AS x\nFROM @b\nFROM @a:2', { target: 'X' }],
    ['a stage on a stage', 'FROM @a:1 AS x\nFROM x AS y\nCOPY --from=@b /f /g\nFROM y'],
    [
      'arguments and defaults',
      'ARG V=1\nARG W=${V}-x\nFROM @a:${V:-2} AS z\nFROM @c:$W\nCOPY --from=z /f /g',
    ],
    ['an argument that is given', 'ARG V=1\nFROM @a:$V', { args: { V: '2' } }],
    ['an argument that is given and empty', 'ARG V=1\nFROM @a:${V:-2}', { args: { V: '' } }],
    ['an argument in no ARG', 'FROM @a:${V:-1}', { args: { V: '2' } }],
    ['a default in single quotes', 'ARG V=\'1\' W="2"\nFROM @a:${V}\nCOPY --from=@b /f /$W'],
    ['an alternative', 'ARG V=x\nFROM @a:${V:+2}'],
    ['an escape of its own', '# escape=`\nARG V=`1\nFROM @a`\n:$V'],
    ['an ARG of a stage is not global', 'ARG V=1\nFROM @a:$V AS x\nARG V=2\nFROM @a:$V\nCOPY --from=x /f /g'],
    ['COPY from an image', 'FROM scratch\nCOPY --from=@b:amd64 /f /'],
    ['a heredoc that looks like stages', 'FROM @a\nCOPY <<E /g\nFROM @b\nE\nCOPY --from=@c:1-x /f /h'],
    ['a comment within a line', 'FROM @a AS x\nFROM \\\n# FROM @b\n x'],
    ['a stage of an image’s name', 'FROM @b AS a\nFROM @a\nCOPY --from=a /f /g'],
    ['a trigger within the file', 'FROM @a AS x\nONBUILD COPY f /g\nFROM x'],
    [
      'an image as a context',
      'FROM given\nCOPY --from=@b /f /g',
      { contexts: { given: `docker-image://${prefix}/a:2` } },
    ],
    [
      'a context for an image',
      'FROM @b\nCOPY --from=@a /f /g',
      { contexts: { [`${prefix}/a`]: `docker-image://${prefix}/a:1` } },
    ],
    [
      'a context for a stage',
      'FROM @a AS x\nFROM @b\nCOPY --from=x /f /g',
      { contexts: { x: `docker-image://${prefix}/a:1` } },
    ],
  ])('%s', async (_, text, over) => {
    const given = target({
      context: folder({ f: 'x' }),
      dockerfile: { kind: 'inline', text: text.replaceAll('@', `${prefix}/`) },
      platforms: [],
      ...over,
    });
    const asked: string[] = [];
    const baseDigest = async (ref: string) => {
      asked.push(ref);
      return 'sha256:x';
    };
    resolved(await treeDigest(given, effects({ baseDigest })));
    const { log } = await build(given);
    // A named image has a line of its own, without the full name.
    const named = Object.values(given.contexts).map((value) => value.replace('docker-image://', ''));
    const loaded = [...log.matchAll(/load metadata for (\S+)$/gm)].map(([, name = '']) => name);
    const used = loaded.map((name) => (name.includes(':', prefix.length) ? name : `${name}:latest`));
    expect([...new Set(asked)].sort()).toEqual([...new Set([...used, ...named])].sort());
  });

  test('a variable without a value fails in BuildKit, too', async () => {
    const text = `FROM ${prefix}/a:$NONE\n`;
    expect(() => imagesOf(readDockerfile(text), target(), undefined)).toThrow(/\$NONE/);
    const context = folder({ Dockerfile: text });
    const { code } = await runProcess(['docker', 'buildx', 'build', context], { timeoutMs: 50_000 });
    expect(code).not.toBe(0);
  });
});

describe('which ignore file counts', () => {
  const copyAll = 'FROM scratch\nCOPY . /\n';
  const base = { one: '1', two: '2', Dockerfile: copyAll };
  test.each<[string, Record<string, string>, string?]>([
    ['none', {}],
    ['the context’s', { '.dockerignore': 'one' }],
    ['the Dockerfile’s own before', { '.dockerignore': 'one', 'Dockerfile.dockerignore': 'two' }],
    ['its own, even if empty', { '.dockerignore': 'one', 'Dockerfile.dockerignore': '' }],
    [
      'its own, by its name',
      { '.dockerignore': 'one', 'x/y.z': copyAll, 'x/y.z.dockerignore': 'two' },
      'x/y.z',
    ],
    ['not that of another', { '.dockerignore': 'one', 'x.dockerignore': 'two' }],
    ['not one further down', { 'x/.dockerignore': 'one', 'x/one': '1' }],
  ])('%s', async (_, files, dockerfile = 'Dockerfile') => {
    const context = folder({ ...base, ...files });
    const given = target({
      context,
      dockerfile: { kind: 'file', path: join(context, dockerfile) },
      platforms: [],
    });
    await expectSeen(given, context, ['one', 'two']);
  });

  test('the Dockerfile in lower case', async () => {
    const context = folder({ one: '1', two: '2', dockerfile: copyAll, 'dockerfile.dockerignore': 'one' });
    const given = target({
      context,
      dockerfile: { kind: 'file', path: join(context, 'Dockerfile') },
      platforms: [],
    });
    await expectSeen(given, context, ['one', 'two']);
  });

  test('a Dockerfile that is no file has the context’s', async () => {
    const context = folder({ ...base, '.dockerignore': 'one', 'Dockerfile.dockerignore': 'two' });
    await expectSeen(target({ context, platforms: [] }), context, ['one', 'two']);
  });

  test('a named folder has its own', async () => {
    const other = folder({ one: '1', two: '2', '.dockerignore': 'one' });
    const given = target({
      context: folder({ '.dockerignore': 'two' }),
      dockerfile: { kind: 'inline', text: 'FROM scratch\nCOPY --from=other . /\n' },
      contexts: { other },
      platforms: [],
    });
    await expectSeen(given, other, ['one', 'two']);
  });

  /** A file changes the digest if, and only if, the build sees it. */
  async function expectSeen(given: BuildTarget, within: string, names: readonly string[]): Promise<void> {
    const { output } = await build(given);
    for (const name of names) {
      const before = resolved(await treeDigest(given, effects()));
      writeFileSync(join(within, name), 'changed');
      const isInDigest = resolved(await treeDigest(given, effects())) !== before;
      const { code } = await runProcess(['test', '-e', join(output, name)]);
      expect(isInDigest, name).toBe(code === 0);
    }
  }
});

test('the text of a Dockerfile may begin with a byte order mark', async () => {
  const bytes = Buffer.from(`\ufeff# escape=\`\nFROM ${prefix}/a\`\n:1\n`);
  const dockerfile = readDockerfile(decodeText(bytes, 'the Dockerfile'));
  expect(imagesOf(dockerfile, target(), undefined).map((use) => use.reference)).toEqual([`${prefix}/a:1`]);
  const context = folder({ Dockerfile: bytes.toString() });
  const given = target({ context, dockerfile: { kind: 'file', path: join(context, 'Dockerfile') } });
  expect((await build(given)).log).toContain(`load metadata for ${prefix}/a:1`);
});
