import { expect, test } from 'vitest';
import { stages, usualStages } from '../../src/actions/stages.ts';

test('a pull request is checked and built, and never deployed, whatever push says', () => {
  for (const push of [true, false]) expect(usualStages(push, true)).toEqual(['check', 'build']);
  expect(usualStages(true, false)).toEqual(['build', 'deploy']);
  expect(usualStages(false, false)).toEqual(['build']);
});

test('the parts that are asked for come in their order', () => {
  expect(stages('deploy, check')).toEqual(['check', 'deploy']);
  expect(stages('')).toBeUndefined();
  expect(() => stages('cdn')).toThrow('cdn is not part of this version of Sluice yet');
});
