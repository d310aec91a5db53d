import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { changelogSection } from '../../../scripts/changelog.ts';
import { isNewestOfMajor, parseRelease, type Release } from '../../../scripts/release-version.ts';
import { version } from '../../../src/kernel/version.ts';

const release = (text: string) => parseRelease(text) as Release;

describe('versions', () => {
  test.each(['1.2.3', 'v1.2.3', '10.0.0', '1.3.0-rc.1', '0.1.0'])('%s is one', (text) => {
    expect(parseRelease(text)?.tag).toBe(`v${text.replace('v', '')}`);
  });

  test.each(['', '1', '1.2', '01.2.3', '1.2.3.4', '1.2.3-', '1.2.3 ', '1.2.3;rm', 'latest', '-1.2.3'])(
    '%j is none',
    (text) => {
      expect(parseRelease(text)).toBeUndefined();
    },
  );

  test('v1 follows the newest stable version of its own major', () => {
    const tags = ['v1', 'v1.2.3', 'v1.10.0', 'v2.0.0', 'v1.11.0-rc.1', 'nonsense'];
    expect(isNewestOfMajor(release('1.10.1'), tags)).toBe(true);
    expect(isNewestOfMajor(release('1.11.0'), tags)).toBe(true);
    expect(isNewestOfMajor(release('1.9.9'), tags)).toBe(false);
    expect(isNewestOfMajor(release('1.11.0-rc.2'), tags)).toBe(false);
    expect(isNewestOfMajor(release('3.0.0'), tags)).toBe(true);
  });

  test('package.json says the same as the command line', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8');
    expect((JSON.parse(text) as { version: string }).version).toBe(version);
  });
});

describe('the notes of a release', () => {
  const text =
    '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-30\n\n### Added\n\n- One\n\n## [1.2.2] - 2026-11-01\n\n[1.2.3]: https://x.example\n';

  test('are its section of the changelog', () => {
    expect(changelogSection(text, release('1.2.3'))).toBe('### Added\n\n- One');
  });

  test.each(['1.2.2', '1.2', '1.2.30', '2.0.0'])('are not made up for %s', (version) => {
    expect(changelogSection(text, { ...release('1.0.0'), version })).toBeUndefined();
  });

  test('need the day of the release', () => {
    expect(changelogSection('## [1.2.3] - Unreleased\n\n- One\n', release('1.2.3'))).toBeUndefined();
  });
});
