import type { Release } from './release-version.ts';

/**
 * One version's section of CHANGELOG.md: what its commits say, newest first. Commits here are sentences that say what
 * became different, so they are the changes.
 *
 * @param subjects first lines of the commits.
 */
export function changelogSection({ tag }: Release, subjects: readonly string[]): string {
  const lines = subjects.map((subject) => `- ${subject}`);
  return `## ${tag}\n\n${lines.length === 0 ? 'Nothing but a new build.' : lines.join('\n')}\n`;
}
