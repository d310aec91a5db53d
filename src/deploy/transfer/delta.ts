/** A text as the difference to one that the other side has: what to copy, and what is new. */
export interface Delta {
  /** One a line: `c OFFSET LENGTH` copies from the base, `l LENGTH` takes the next of the literals. */
  readonly ops: string;
  readonly literals: Buffer;
}

/** Bytes that have to be alike for a look, and for a copy to be worth its line. */
const windowBytes = 8;
const leastCopy = 16;
/** A run of zeros is alike everywhere: so many places are looked at. */
const mostPlaces = 16;

/**
 * How to make `wanted` from `base` with no more than head and tail. For some ten kilobytes of configuration, of which a
 * few digests have changed.
 */
export function deltaOf(base: Buffer, wanted: Buffer): Delta {
  const places = placesOf(base);
  const ops: string[] = [];
  const literals: Buffer[] = [];
  let from = 0;
  const flush = (to: number) => {
    if (to === from) return;
    ops.push(`l ${to - from}`);
    literals.push(wanted.subarray(from, to));
  };
  for (let at = 0; at < wanted.length; ) {
    const found = places.get(wanted.toString('latin1', at, at + windowBytes)) ?? [];
    let best = { offset: 0, length: 0 };
    for (const offset of found) {
      const length = alike(base, offset, wanted, at);
      if (length > best.length) best = { offset, length };
    }
    if (best.length < leastCopy) {
      at += 1;
      continue;
    }
    flush(at);
    ops.push(`c ${best.offset} ${best.length}`);
    at += best.length;
    from = at;
  }
  flush(wanted.length);
  return { ops: `${ops.join('\n')}\n`, literals: Buffer.concat(literals) };
}

function placesOf(base: Buffer): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (let offset = 0; offset + windowBytes <= base.length; offset++) {
    const key = base.toString('latin1', offset, offset + windowBytes);
    const known = places.get(key);
    if (known === undefined) places.set(key, [offset]);
    else if (known.length < mostPlaces) known.push(offset);
  }
  return places;
}

function alike(base: Buffer, offset: number, wanted: Buffer, at: number): number {
  let length = 0;
  while (
    offset + length < base.length &&
    at + length < wanted.length &&
    base[offset + length] === wanted[at + length]
  ) {
    length += 1;
  }
  return length;
}
