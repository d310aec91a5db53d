import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { actionFiles } from '../../../scripts/action-files.ts';
import { withTables } from '../../../scripts/action-tables.ts';
import { actions } from '../../../src/actions/main.ts';

const root = resolve(import.meta.dirname, '../../..');
const files = actionFiles(root);

test('every action has its code, and every code its action', () => {
  expect(files.map(({ name }) => name).sort()).toEqual(Object.keys(actions).sort());
  expect(files.length).toBe(readdirSync(join(root, 'actions')).length + 1);
});

describe.each(files)('$name', (file) => {
  test('runs on the one Node version, by the stubs of its name', () => {
    const up = file.folder === '.' ? '' : '../../';
    expect(file.runs.using).toBe('node24');
    expect(file.runs.main).toBe(`${up}dist/${file.name}.js`);
    expect([undefined, `${up}dist/${file.name}-post.js`]).toContain(file.runs.post);
  });

  test('has a post step if its code has one', async () => {
    const { action } = (await actions[file.name]?.()) ?? {};
    expect(action?.hasPost).toBe(file.runs.post !== undefined);
  });

  test('describes every input and output, and the code reads these and no others', async () => {
    const { action } = (await actions[file.name]?.()) ?? {};
    expect(Object.keys(file.inputs).sort()).toEqual(Object.keys(action?.spec ?? {}).sort());
    for (const [name, { description }] of [...Object.entries(file.inputs), ...Object.entries(file.outputs)]) {
      expect(name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      expect(description, name).toMatch(/\S.*[.`]$/);
      // The runner takes no expression there and refuses the whole file.
      expect(description, name).not.toContain('${{');
    }
  });

  test('has defaults that the code takes, and that mean what the code means without any', async () => {
    const { action } = (await actions[file.name]?.()) ?? {};
    for (const [name, read] of Object.entries(action?.spec ?? {})) {
      const fallback = file.inputs[name]?.default;
      expect(typeof fallback, name).toBe('string');
      if (fallback?.startsWith('${{')) expect(fallback).toBe('${{ github.token }}');
      else expect(read(fallback ?? ''), name).toEqual(read(''));
    }
  });

  test('has its page', () => {
    expect(existsSync(join(root, file.folder === '.' ? 'docs/actions.md' : `${file.folder}/README.md`))).toBe(
      true,
    );
  });
});

test('an input is described alike wherever it means the same', () => {
  const shared = [
    'ssh-key',
    'ssh-passphrase',
    'known-hosts',
    'host',
    'user',
    'config',
    'environment',
    'slack-webhook-url',
    'dist',
    'allow-removals',
    'verify',
  ];
  for (const name of shared) {
    const texts = files.flatMap(({ inputs }) => inputs[name]?.description ?? []);
    expect(new Set(texts).size, name).toBe(1);
  }
});

test('a page without markers is refused', () => {
  const [file] = files;
  if (file === undefined) throw new Error('there are actions');
  expect(() => withTables('# A page\n', file)).toThrow(/no place for inputs/);
});
