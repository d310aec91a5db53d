import { expect, test } from 'vitest';
import { nodeProjects } from '../../../../src/checks/detect/node.ts';
import { unlinted } from '../../../../src/checks/tools/node/eslint.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

const manifest = JSON.stringify({ name: 'web', devDependencies: { eslint: '10.0.0' } });
const repo = memoryRepo({
  'web/package.json': manifest,
  'web/eslint.config.js': '',
  'web/vite.config.ts': '',
  'web/src/env.d.ts': '',
  'web/src/main.ts': '',
  'web/src/view.ts': '',
  'web/src/App.vue': '',
  'web/src/old.js': '',
  'web/admin/package.json': manifest,
  'web/admin/eslint.config.js': '',
  'web/admin/page.svelte': '',
  'other/tool.tsx': '',
});

function notes(linted: readonly string[]): string[] {
  const projects = nodeProjects(repo);
  const web = projects.find(({ folder }) => folder === 'web');
  if (web === undefined) throw new Error('no project');
  const nested = projects.filter(({ folder }) => folder === 'web/admin');
  return unlinted(repo, web, nested, linted).map(({ message, level }) => `${level} ${message}`);
}

test('a kind of source that ESLint has not looked at is told, those of other projects and settings are not', () => {
  expect(notes(['web/src/old.js', 'web/eslint.config.js'])).toEqual([
    'note ESLint did not check the only .vue file here, such as web/src/App.vue: its settings do not match them.',
    'note ESLint did not check any of the 2 .ts files here, such as web/src/main.ts: its settings do not match them.',
  ]);
  expect(notes(['web/src/old.js', 'web/src/main.ts', 'web/src/App.vue'])).toEqual([]);
});
