import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readTar, tarOf } from '../../../src/kernel/tar.ts';

async function* chunks(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function entriesOf(bytes: Buffer, size = 1000) {
  const found: [string, string, string][] = [];
  await readTar(chunks(bytes, size), async ({ path, kind, link, content }) => {
    let text = '';
    for await (const part of content) text += part.toString();
    found.push([path, kind, kind === 'link' ? link : text]);
  });
  return found;
}

const long = `${'d'.repeat(90)}/${'f'.repeat(120)}`;

test.each(['gnu', 'pax', 'ustar'])('reads what tar writes in its format %s', async (format) => {
  const folder = mkdtempSync('/tmp/kernel-tar-');
  try {
    const names = format === 'ustar' ? ['a'] : ['a', long];
    mkdirSync(join(folder, 'd'.repeat(90)));
    for (const name of names) writeFileSync(join(folder, name), `content of ${name}\n`.repeat(100));
    symlinkSync('a', join(folder, 'link'));
    const argv = [`--format=${format}`, '-C', folder, '-cf', '-', ...names, 'link'];
    const archive = execFileSync('tar', argv);
    const expected = [
      ...names.map((name) => [name, 'file', `content of ${name}\n`.repeat(100)]),
      ['link', 'link', 'a'],
    ];
    for (const size of [1, 511, 512, 100_000]) expect(await entriesOf(archive, size)).toEqual(expected);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('tar reads what we write', async () => {
  const files = [
    { path: 'blobs/sha256/x', content: Buffer.alloc(513, 'x') },
    { path: 'empty', content: Buffer.alloc(0) },
  ];
  const listed = execFileSync('tar', ['-tvf', '-'], { input: tarOf(files), encoding: 'utf8' });
  expect(listed).toMatch(/513 .* blobs\/sha256\/x\n.* 0 .* empty\n$/);
  expect(await entriesOf(tarOf(files))).toEqual(
    files.map(({ path, content }) => [path, 'file', content.toString()]),
  );
});

test('content that nobody reads is skipped, and a cut or foreign archive is an error', async () => {
  const archive = tarOf([
    { path: 'one', content: Buffer.alloc(2000, '1') },
    { path: 'two', content: Buffer.from('2') },
  ]);
  const paths: string[] = [];
  await readTar(chunks(archive, 700), async ({ path }) => void paths.push(path));
  expect(paths).toEqual(['one', 'two']);
  await expect(entriesOf(archive.subarray(0, 1500))).rejects.toThrow('truncated');
  await expect(entriesOf(Buffer.alloc(1024, 'x'))).rejects.toThrow('not an archive');
});
