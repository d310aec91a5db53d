/** A version for a release. */
export interface Release {
  /** `1.2.3` */
  readonly version: string;
  /** `v1.2.3` */
  readonly tag: string;
  /** `v1`: the tag that moves along with the newest stable version. */
  readonly major: string;
  readonly numbers: readonly [number, number, number];
  readonly isStable: boolean;
}

/** @param text with or without the `v`. @returns undefined if it is not a semantic version. */
export function parseRelease(text: string): Release | undefined {
  const match = /^v?((0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*)?)$/.exec(
    text,
  );
  if (match === null) return undefined;
  const [, version = '', major = '', minor = '', patch = '', pre] = match;
  return {
    version,
    tag: `v${version}`,
    major: `v${major}`,
    numbers: [Number(major), Number(minor), Number(patch)],
    isStable: pre === undefined,
  };
}

/** Whether `v1` moves to this one. It does not for a fix of an old minor version, or for a candidate. */
export function isNewestOfMajor(release: Release, tags: readonly string[]): boolean {
  if (!release.isStable) return false;
  const others = tags
    .map(parseRelease)
    .filter((other) => other?.isStable === true && other.major === release.major);
  return others.every((other) => other === undefined || compare(release, other) >= 0);
}

function compare(a: Release, b: Release): number {
  for (const index of [0, 1, 2] as const) {
    if (a.numbers[index] !== b.numbers[index]) return a.numbers[index] - b.numbers[index];
  }
  return 0;
}
