/** A difference to a text that the other side has. */
export interface Delta {
  /** One a line: `c OFFSET LENGTH` copies from the base, `l LENGTH` takes the next of the literals. */
  readonly ops: string;
  readonly literals: Buffer;
}

/** Length of the compared windows, and the least length of a copy that is worth its line. */
const windowBytes = 8;
const leastCopy = 16;
/** Limit of candidates for a window: a run of zeros matches everywhere. */
const mostPlaces = 16;

/**
 * How to make `wanted` from `base` with only `head` and `tail`. For about 10 kB of configuration with a few changed
 * digests.
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
