import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collect, splitLines } from '../../../src/host/commands/output.ts';

describe('lines', () => {
  test('are the same however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.nat(50)), (text, cuts) => {
        const bytes = Buffer.from(text);
        const seen: string[] = [];
        const lines = splitLines((line) => seen.push(line));
        let at = 0;
        for (const cut of cuts) {
          lines.write(bytes.subarray(at, at + cut));
          at += cut;
        }
        lines.write(bytes.subarray(at));
        lines.end();
        const expected = bytes.toString().split('\n');
        if (expected.at(-1) === '') expected.pop();
        const last = expected.length - 1;
        expect(seen).toEqual(
          expected.map((line, index) =>
            index === last && !bytes.toString().endsWith('\n') ? line : line.replace(/\r$/, ''),
          ),
        );
      }),
    );
  });

  test('without an end come in pieces', () => {
    const seen: string[] = [];
    const lines = splitLines((line) => seen.push(line));
    for (let count = 0; count < 10; count++) lines.write(Buffer.alloc(50_000, 'x'));
    lines.end();
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.join('').length).toBe(500_000);
  });
});

describe('what is kept', () => {
  async function keep(chunks: readonly Buffer[], most: number) {
    const stream = new PassThrough();
    const output = collect(stream, most);
    for (const chunk of chunks) stream.write(chunk);
    stream.end();
    await new Promise((resolve) => stream.once('end', resolve));
    return output;
  }

  test('is the end, never more than asked for', async () => {
    const chunks = fc.array(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).map((byte) => (byte % 26) + 97)),
    );
    await fc.assert(
      fc.asyncProperty(chunks, fc.integer({ min: 1, max: 100 }), async (parts, most) => {
        const all = Buffer.concat(parts.map((part) => Buffer.from(part)));
        const output = await keep(
          parts.map((part) => Buffer.from(part)),
          most,
        );
        expect(output.truncated()).toBe(all.length > most);
        expect(output.text()).toBe(all.subarray(Math.max(0, all.length - most)).toString());
        expect(output.truncated()).toBe(all.length > most);
      }),
    );
  });

  test('does not begin in the middle of a character', async () => {
    const output = await keep([Buffer.from('☃☃☃')], 4);
    expect(output.text()).toBe('☃');
  });
});
