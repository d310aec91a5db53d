import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { outdated } from '../../../../scripts/generate.ts';
import { jsonSchema, referencePage } from '../../../../src/config/reference/reference.ts';
import { catalogue } from '../../../../src/kernel/catalogue.ts';

const root = resolve(import.meta.dirname, '../../../..');

test('schema/ and docs/config.md are what the code makes (node scripts/generate.ts)', () => {
  expect(outdated(root)).toEqual([]);
});

test('every key of the schema has a meaning, and stands in the reference', () => {
  const page = referencePage();
  const visit = (schema: ReturnType<typeof jsonSchema>, path: string): void => {
    for (const [key, value] of Object.entries(schema.properties ?? {})) {
      const inner = value as ReturnType<typeof jsonSchema>;
      expect(inner.description, `${path}${key}`).toMatch(/\S/);
      expect(page).toContain(`${key}\``);
      visit(inner, `${path}${key}.`);
    }
    for (const part of [schema.additionalProperties, schema.items, ...(schema.anyOf ?? [])]) {
      if (part !== null && typeof part === 'object' && !Array.isArray(part))
        visit(part as ReturnType<typeof jsonSchema>, path);
    }
  };
  visit(jsonSchema(), '');
  expect(page).not.toMatch(/undefined|\[object/);
});

test('every code of the catalogue is thrown', () => {
  const text = globSync('src/**/*.ts', { cwd: root })
    .filter((path) => path !== 'src/kernel/catalogue.ts')
    .map((path) => readFileSync(resolve(root, path), 'utf8'))
    .join('\n');
  const thrown = new Set([...text.matchAll(/'(cancelled|[a-z]+\.[a-z0-9-]+)'/g)].map(([, code]) => code));
  expect(Object.keys(catalogue).filter((code) => !thrown.has(code))).toEqual([]);
});
