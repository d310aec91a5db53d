/** Where Sluice keeps its own objects, from the top of the site. No file of a site may lie there. */
export const ownFolder = '.sluice/';
export const manifestPath = `${ownFolder}manifest`;
export const draftPath = `${ownFolder}draft`;
export const leasePath = `${ownFolder}lease`;

/** The manifest of an earlier release. */
export function releasePath(number: number): string {
  return `${ownFolder}releases/${number}`;
}

/** Content that was overwritten or taken away, by its SHA-256 (or what stands for it). */
export function blobPath(sha256: string): string {
  return `${ownFolder}blobs/${sha256.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`;
}

export function isOwn(path: string): boolean {
  return path.startsWith(ownFolder);
}
