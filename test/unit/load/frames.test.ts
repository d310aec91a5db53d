import { expect, test } from 'vitest';
import { closeCode, encodeClose, encodeFrame, FrameReader, opcodes } from '../../bed/load/frames.ts';

/** As a server sends it: not masked. */
function serverFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head =
    length < 126
      ? Buffer.from([0x80 | opcode, length])
      : Buffer.from([0x80 | opcode, 126, length >> 8, length & 0xff]);
  return Buffer.concat([head, payload]);
}

test('frames are found wherever the chunks are cut', () => {
  const long = 'x'.repeat(300);
  const bytes = Buffer.concat([
    serverFrame(opcodes.text, Buffer.from('tick v1')),
    serverFrame(opcodes.text, Buffer.from(long)),
    serverFrame(opcodes.close, Buffer.from([0x03, 0xf4])),
  ]);
  for (let size = 1; size < bytes.length; size += 7) {
    const reader = new FrameReader();
    const frames = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      reader.push(bytes.subarray(index * size, (index + 1) * size)),
    ).flat();
    expect(frames.map((frame) => frame.opcode)).toEqual([opcodes.text, opcodes.text, opcodes.close]);
    expect(frames[1]?.payload.toString()).toBe(long);
    expect(frames[2] && closeCode(frames[2])).toBe(1012);
  }
});

test('a client masks what it sends', () => {
  const frame = encodeFrame(opcodes.text, Buffer.from('17'));
  expect(frame[1]).toBe(0x80 | 2);
  const mask = frame.subarray(2, 6);
  const payload = Buffer.from(frame.subarray(6).map((byte, index) => byte ^ (mask[index] ?? 0)));
  expect(payload.toString()).toBe('17');
  expect(encodeClose(1000)).toHaveLength(8);
});

test('a close frame may come without a code', () => {
  expect(closeCode({ opcode: opcodes.close, payload: Buffer.alloc(0) })).toBe(1005);
});
