import { randomBytes } from 'node:crypto';

/** The part of RFC 6455 that a client needs: short frames, no extensions. */
export type Frame = { readonly opcode: number; readonly payload: Buffer };

export const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** A masked frame, as clients send it. */
export function encodeFrame(opcode: number, payload: Buffer): Buffer {
  if (payload.length > 125) throw new RangeError('only short frames are sent here');
  const mask = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, masked]);
}

export function encodeClose(code: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return encodeFrame(opcodes.close, payload);
}

/** The code of a close frame; 1005 stands for a frame without one. */
export function closeCode(frame: Frame): number {
  return frame.payload.length < 2 ? 1005 : frame.payload.readUInt16BE(0);
}

/** Cuts what arrives into frames. */
export class FrameReader {
  #rest = Buffer.alloc(0);

  push(chunk: Buffer): Frame[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    if (this.#rest.length < 2) return undefined;
    const [first = 0, second = 0] = this.#rest;
    const short = second & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (this.#rest.length < head) return undefined;
    const length =
      short === 126
        ? this.#rest.readUInt16BE(2)
        : short === 127
          ? Number(this.#rest.readBigUInt64BE(2))
          : short;
    if (this.#rest.length < head + length) return undefined;
    const payload = this.#rest.subarray(head, head + length);
    this.#rest = this.#rest.subarray(head + length);
    return { opcode: first & 0x0f, payload };
  }
}
