import type { Release } from './release-version.ts';

/**
 * The section of a version in CHANGELOG.md, without its heading. People write it for people, not from commit messages.
 * The heading is that of Keep a Changelog, with the day: `## [1.2.3] - 2026-11-30`.
 *
 * @param text the whole file.
 * @returns undefined if the heading is missing, or nothing is below it.
 */
export function changelogSection(text: string, { version }: Release): string | undefined {
  const lines = text.split('\n');
  const begin = lines.findIndex(
    (line) => line.startsWith(`## [${version}] - `) && /\d{4}-\d{2}-\d{2}$/.test(line.trimEnd()),
  );
  if (begin < 0) return undefined;
  const rest = lines.slice(begin + 1);
  const end = rest.findIndex((line) => /^(?:## |\[[^\]]+\]: )/.test(line));
  const section = (end < 0 ? rest : rest.slice(0, end)).join('\n').trim();
  return section === '' ? undefined : section;
}
