import { expect, test } from 'vitest';
import { reachedBy } from '../../../scripts/changed-tests.ts';
import { root } from '../../house/imports.ts';

const reached = (...changed: string[]) => reachedBy(changed, root);
const parts = (tests: readonly string[]) => [...new Set(tests.map((path) => path.split('/')[1]))].sort();

test('nothing is reached by no change', () => {
  expect(reached()).toEqual([]);
});

test('a source is reached by the tests that import it, through others too, and by those that start the program', () => {
  const tests = reached('src/cdn/pages/css.ts');
  expect(tests).toContain('test/unit/cdn/pages/html.test.ts');
  expect(tests).toContain('test/contract/cdn/publish.test.ts');
  expect(tests).toContain('test/e2e/cdn.test.ts');
  expect(tests).not.toContain('test/unit/deploy/transaction.test.ts');
  expect(tests).not.toContain('test/contract/edge/guard.test.ts');
});

test('a source that everything stands on reaches every part', () => {
  expect(parts(reached('src/kernel/errors.ts'))).toEqual(['bundle', 'contract', 'e2e', 'unit']);
});

test('a helper of tests is reached by those that use it, a test by itself', () => {
  const users = reached('test/support/report/fixtures.ts');
  expect(users).toContain('test/unit/report/html.test.ts');
  expect(users).not.toContain('test/unit/kernel/tar.test.ts');
  expect(reached('src/gone.ts').filter((path) => !path.startsWith('test/unit/house/'))).toEqual([]);
  const own = reached('test/unit/kernel/tar.test.ts').filter((path) => !path.startsWith('test/unit/house/'));
  expect(own).toEqual(['test/unit/kernel/tar.test.ts']);
});

test('a page needs neither servers nor a bundle; the edge needs its own tests; anything unknown needs all', () => {
  expect(parts(reached('docs/deploy.md'))).toEqual(['contract', 'unit']);
  expect(reached('docs/deploy.md').filter((path) => path.startsWith('test/contract/build/'))).toEqual([]);
  expect(reached('edge/guard.lua')).toContain('test/contract/edge/guard.test.ts');
  expect(reached('edge/guard.lua')).not.toContain('test/unit/cdn/pages/html.test.ts');
  expect(parts(reached('new/thing.bin'))).toEqual(['bundle', 'contract', 'e2e', 'unit']);
});

test('the rules of the house hold for every change', () => {
  expect(reached('src/cdn/pages/css.ts')).toContain('test/unit/house/imports.test.ts');
});
