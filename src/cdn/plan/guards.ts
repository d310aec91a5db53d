import { UserError } from '../../kernel/errors.ts';
import { formatShare } from '../../kernel/figures.ts';
import type { Entry } from '../model.ts';
import type { Diff } from './diff.ts';

export interface GuardRules {
  readonly maxRemoved: { readonly files: number; readonly share: number };
  /** --allow-removals. */
  readonly allowRemovals: boolean;
}

/**
 * Faults that stop a release: it removes much of the site, or it changes files that browsers cache for a year.
 *
 * @param current entries of the current release.
 */
export function guardFaults(diff: Diff, current: Iterable<Entry>, rules: GuardRules): UserError[] {
  return [...removalFault(diff, current, rules), ...immutableFault(diff)];
}

/** Assets change with each build and stay for a while: only pages and other files count. */
function removalFault(
  { removed }: Diff,
  current: Iterable<Entry>,
  { maxRemoved, allowRemovals }: GuardRules,
): UserError[] {
  const gone = removed.filter((entry) => entry.class !== 'asset');
  if (allowRemovals || gone.length <= maxRemoved.files) return [];
  let size = 0;
  for (const entry of current) if (entry.class !== 'asset') size += 1;
  const share = gone.length / Math.max(1, size);
  if (share <= maxRemoved.share) return [];
  return [
    new UserError({
      code: 'cdn.removed',
      message: `The release removes ${gone.length} of ${size} pages and other files (${formatShare(share, 1)}), more than ${maxRemoved.files} and ${formatShare(maxRemoved.share, 1)}: ${some(gone.map(({ path }) => path))}`,
      hint: 'Check that the build is complete. If the removal is intended, add --allow-removals. cdn.max-removed sets the limits.',
    }),
  ];
}

function immutableFault({ changes }: Diff): UserError[] {
  const broken = changes.filter(
    ({ kind, to, before }) =>
      kind === 'upload' &&
      before !== undefined &&
      before.sha256 !== to.sha256 &&
      isImmutable(before.headers) &&
      isImmutable(to.headers) &&
      // Another version of a compressor makes other bytes from the same content.
      to.headers['content-encoding'] === undefined,
  );
  if (broken.length === 0) return [];
  return [
    new UserError({
      code: 'cdn.immutable',
      message: `The content of ${broken.length === 1 ? 'a file' : 'files'} that browsers cache for a year changed under the same name: ${some(broken.map(({ to }) => to.path))}`,
      hint: 'Add a hash of the content to the name, as bundlers do. If the name has no hash, list only the hashed files in cdn.hashed, such as `hashed: [assets/**]`.',
    }),
  ];
}

function isImmutable(headers: Readonly<Record<string, string>>): boolean {
  return /\bimmutable\b/i.test(headers['cache-control'] ?? '');
}

function some(paths: readonly string[]): string {
  const shown = paths.slice(0, 10).map((path) => JSON.stringify(path).slice(1, -1));
  return paths.length > 10 ? `${shown.join(', ')} and ${paths.length - 10} more` : shown.join(', ');
}
