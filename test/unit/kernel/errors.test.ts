import { describe, expect, test } from 'vitest';
import { catalogue } from '../../../src/kernel/catalogue.ts';
import { formatPlace, messageOf, UserError, UserErrors, userErrorsOf } from '../../../src/kernel/errors.ts';

const one = new UserError({ code: 'config.yaml', message: 'line 3 is odd', hint: 'mend it', cause: 'why' });
const two = new UserError({ code: 'usage.argument', message: 'what?' });

test('a user error carries what it was made of', () => {
  expect(one).toMatchObject({
    name: 'UserError',
    code: 'config.yaml',
    message: 'line 3 is odd',
    hint: 'mend it',
  });
  expect(one.cause).toBe('why');
  expect([two.hint, two.at, two.output, 'cause' in two]).toEqual([undefined, undefined, undefined, false]);
});

test('userErrorsOf tells the user’s errors from ours', () => {
  expect(userErrorsOf(one)).toEqual([one]);
  expect(userErrorsOf(new UserErrors([one, two]))).toEqual([one, two]);
  expect(userErrorsOf(new Error('oops'))).toEqual([]);
  expect(userErrorsOf('oops')).toEqual([]);
  expect(new UserErrors([one, two]).message).toBe('line 3 is odd\nwhat?');
});

test('formatPlace says as much as is known', () => {
  expect(formatPlace({ file: 'sluice.yml' })).toBe('sluice.yml');
  expect(formatPlace({ file: 'sluice.yml', line: 3 })).toBe('sluice.yml:3');
  expect(formatPlace({ file: 'sluice.yml', line: 3, column: 5 })).toBe('sluice.yml:3:5');
});

test('messageOf takes whatever is thrown', () => {
  expect([messageOf(one), messageOf('text'), messageOf(undefined), messageOf(null)]).toEqual([
    'line 3 is odd',
    'text',
    'undefined',
    'null',
  ]);
});

describe('the catalogue', () => {
  test.each(Object.entries(catalogue))(
    '%s says what happened and what to do, in sentences',
    (code, entry) => {
      expect(code).toMatch(/^[a-z]+(?:\.[a-z]+(?:-[a-z]+)*)?$/);
      for (const text of [entry.what, entry.fix]) {
        expect(text).toMatch(/[.?!)}]$/);
        expect(text.length).toBeLessThan(200);
      }
    },
  );
});
