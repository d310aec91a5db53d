/** Each bucket is 5 % wider than the one before: 300 numbers reach from 0.05 ms to a day. */
const growth = Math.log(1.05);
const smallest = 0.05;

/** Durations in constant memory; quantiles are at most 5 % too high. */
export class Histogram {
  readonly #buckets: number[] = [];
  #count = 0;
  #max = 0;

  add(ms: number): void {
    const bucket = ms <= smallest ? 0 : Math.ceil(Math.log(ms / smallest) / growth);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count += 1;
    if (ms > this.#max) this.#max = ms;
  }

  get max(): number {
    return this.#max;
  }

  /** @param share 0-1. Zero when nothing was added. */
  quantile(share: number): number {
    let left = Math.ceil(this.#count * share);
    if (left === 0) return 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      left -= count ?? 0;
      if (left <= 0) return Math.min(this.#max, smallest * Math.exp(bucket * growth));
    }
    return this.#max;
  }
}
