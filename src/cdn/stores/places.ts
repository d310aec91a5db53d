/** The folder of Sluice's own objects, from the top of the site. No file of a site may be in it. */
export const ownFolder = '.sluice/';
export const manifestPath = `${ownFolder}manifest`;
export const draftPath = `${ownFolder}draft`;
export const leasePath = `${ownFolder}lease`;

/** The manifest of an earlier release. */
export function releasePath(number: number): string {
  return `${ownFolder}releases/${number}`;
}

/** Overwritten or removed content, by its SHA-256 (or the ETag of an adopted object). */
export function blobPath(sha256: string): string {
  return `${ownFolder}blobs/${sha256.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`;
}

export function isOwn(path: string): boolean {
  return path.startsWith(ownFolder);
}
