import { tryParseImage } from '../../config/images/reference.ts';
import type { Hit } from './rule.ts';

/** Tags that move to new major versions. */
const moving =
  /^(?:stable|lts|current|mainline|edge|main|master|nightly|alpine|slim)(?:-(?:alpine|slim|perl|fpm|apache))*$/;

/** @returns the fault of the tag, as the end of a sentence; undefined for a version, a digest, or an invalid image. */
export function floatingIn(image: string): Pick<Hit, 'message' | 'severity' | 'level'> | undefined {
  const reference = tryParseImage(image);
  if (reference === undefined || reference.digest !== undefined) return undefined;
  if (reference.tag === undefined) return { message: 'has no tag, which means latest' };
  if (reference.tag === 'latest') return { message: 'is tagged latest' };
  if (!moving.test(reference.tag)) return undefined;
  return {
    message: `is tagged ${reference.tag}, which moves to new major versions`,
    severity: 'low',
    level: 'note',
  };
}
