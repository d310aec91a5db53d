import { expect, test } from 'vitest';
import { stages, usualStages } from '../../../src/actions/pipeline.ts';

test('a pull request is checked and built, and never deployed, whatever push says', () => {
  for (const push of [true, false]) expect(usualStages(push, true)).toEqual(['check', 'build']);
  expect(usualStages(true, false)).toEqual(['build', 'deploy']);
  expect(usualStages(false, false)).toEqual(['build']);
});

test('a front end is published only when it is asked for', () => {
  const usual = [true, false].flatMap((push) => [true, false].map((pull) => usualStages(push, pull)));
  expect(usual.flat()).not.toContain('cdn');
});

test('the parts that are asked for come in their order', () => {
  expect(stages('deploy, check')).toEqual(['check', 'deploy']);
  expect(stages('')).toBeUndefined();
  expect(stages('cdn,build')).toEqual(['build', 'cdn']);
  expect(() => stages('cnd')).toThrow(
    'has an unknown part (available: check, build, deploy, cdn); did you mean cdn?',
  );
});
