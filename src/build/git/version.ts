/** A version as semver.org defines it, without build metadata, which an image tag cannot contain. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** `rc.1`; empty for a stable one. */
  readonly prerelease: string;
}

const pattern = /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/** Reads `v1.2.3` or `1.2.3-rc.1`; undefined for anything else. */
export function parseVersion(text: string): Version | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, major, minor, patch, prerelease = ''] = match;
  return { major: Number(major), minor: Number(minor), patch: Number(patch), prerelease };
}

export function formatVersion({ major, minor, patch, prerelease }: Version): string {
  return `${major}.${minor}.${patch}${prerelease === '' ? '' : `-${prerelease}`}`;
}

export function isStable({ prerelease }: Version): boolean {
  return prerelease === '';
}

/** Below 0 when `a` is older; of stable versions only. */
export function compareStable(a: Version, b: Version): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch;
}
