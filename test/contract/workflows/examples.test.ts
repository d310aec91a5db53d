import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { command } from '../../bed/command.ts';
import { pages } from '../../house/language/files.ts';
import { examplesOf } from '../../house/language/yaml.ts';

const root = join(import.meta.dirname, '../../..');
const actionlint = join(root, '.bed/tools/bin/actionlint');
const folder = mkdtempSync(join(tmpdir(), 'sluice-examples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const workflows = globSync([...pages], { cwd: root }).flatMap((path) =>
  examplesOf(readFileSync(join(root, path), 'utf8'))
    .filter(({ isWorkflow }) => isWorkflow)
    .map(({ text, line }) => ({ name: `${path.replace(/\W+/g, '-')}-${line}.yml`, text })),
);

test('actionlint finds nothing in the workflows that the pages show', async () => {
  expect(workflows.length).toBeGreaterThanOrEqual(1);
  for (const { name, text } of workflows) writeFileSync(join(folder, name), `${text}\n`);
  const result = await command([actionlint, ...workflows.map(({ name }) => join(folder, name))], {
    cwd: root,
  });
  expect(result.stdout + result.stderr).toBe('');
  expect(result.code).toBe(0);
});

test('the README of each action shows a whole workflow', () => {
  const shown = new Set(workflows.map(({ name }) => name.replace(/-README-md-\d+\.yml$/, '')));
  const actions = globSync('actions/*/README.md', { cwd: root }).map((path) =>
    path.replace(/\/README\.md$/, ''),
  );
  expect(actions.filter((action) => !shown.has(action.replace(/\W+/g, '-')))).toEqual([]);
});
