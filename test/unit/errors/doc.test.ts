import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errorsPage } from '../../../scripts/errors-page.ts';
import { catalogue } from '../../../src/kernel/catalogue.ts';

const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');

describe('docs/errors.md', () => {
  test('is what node scripts/generate.ts makes', () => {
    expect(page).toBe(errorsPage());
  });

  test('has each code once, in a row of three cells', () => {
    for (const code of Object.keys(catalogue)) {
      const rows = page.split('\n').filter((line) => line.includes(`\`${code}\` |`));
      expect(rows, code).toHaveLength(1);
      expect(rows[0]?.replaceAll('\\|', '').match(/\|/g), code).toHaveLength(4);
    }
  });

  test('has a title for each group', () => {
    for (const [, title = ''] of page.matchAll(/^## (.+)$/gm))
      expect(title).toMatch(/^\p{Lu}|^sluice\.yml$/u);
  });
});
