/** Milliseconds of CLOCK_MONOTONIC. Unlike performance.now(), the same in every process of the machine. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
