const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * `30s`, `5m`, `500ms`, `1h30m`, and what Compose prints (`1m30s`, `1h0m0s`): Go's durations, and `d` for a day.
 *
 * @returns milliseconds, rounded up to a whole one; undefined if the text is not a duration.
 */
export function parseDuration(text: string): number | undefined {
  if (text.length > 64 || !/^(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|[smhd]))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit = ''] of text.matchAll(/(?<!\d)(\d+(?:\.\d+)?)([a-zµμ]+)/g)) {
    total += Number(amount) * (unitMs[unit] ?? Number.NaN);
  }
  const ms = Math.ceil(total);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/**
 * `1%`, `0.5%` or a fraction such as `0.01`.
 *
 * @returns a fraction from 0 to 1; undefined for any other value.
 */
export function parseRate(value: string | number): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(\s*%)?$/.exec(String(value).trim());
  if (match === null) return undefined;
  const rate = Number(match[1]) / (match[2] === undefined ? 1 : 100);
  return rate >= 0 && rate <= 1 ? rate : undefined;
}

/** `512m`, `6G`, `1073741824`, `2.2GB`: bytes, in Docker's binary units. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text.trim());
  if (match === null) return undefined;
  const power = ['', 'k', 'm', 'g', 't'].indexOf((match[2] ?? '').toLowerCase());
  return Number(match[1]) * 1024 ** power;
}
