/** `4,812` */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** `4,812 requests`, `1 request` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `48.2 MiB`: as disks and memory are counted, in steps of 1024. */
export function formatBytes(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** `1.2 MB`: as registries count, in steps of 1000. */
export function formatDecimalBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return bytes < 1_000_000_000
    ? `${(bytes / 1_000_000).toFixed(1)} MB`
    : `${(bytes / 1_000_000_000).toFixed(2)} GB`;
}

/** `740 ms`, `3.2 s`, `4 m 05 s`: a duration as a person reads it. */
export function formatDuration(ms: number): string {
  // The limits are those of the rounded figures: there is no `1000 ms` and no `60.0 s`.
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
}

/** `0.02 s`, `7.4 s`, `30 s`, `2 m 05 s`: how long a watch took; two figures where it matters. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.01) return 'under 0.01 s';
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, '0')} s`;
}

/** `100 %`, `0.3 %`, `under 0.1 %`: never `0 %` of what did happen nor `100 %` of what did not always. */
export function formatShare(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0 %';
  const percent = (100 * part) / whole;
  if (percent < 0.1) return 'under 0.1 %';
  return part < whole && percent >= 99.95 ? 'over 99.9 %' : `${Number(percent.toFixed(1))} %`;
}

/** `91.2 %`, rounded down: a share of 79.96 % does not meet a limit of 80 %. */
export function formatShareDown(share: number): string {
  return `${Math.floor(share * 1000 + 1e-9) / 10} %`;
}

/** `2026-03-14 03:12:09 UTC`; other texts are returned unchanged. */
export function formatTime(iso: string): string {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? iso : `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
