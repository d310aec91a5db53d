import { expect, test } from 'vitest';
import { withheldNote } from '../../../../src/checks/verdict/notes.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

test('a variable that is set and read, and that tests do not get, is named', () => {
  const repo = memoryRepo({
    'tests/test_app.py': 'import os\nurl = os.environ["DATABASE_URL"]\nhome = os.environ["HOME"]\n',
  });
  const env = { DATABASE_URL: 'postgres://x', STRIPE: 'y', HOME: '/root', ACTIONS_RUNTIME_TOKEN: 't' };
  expect(withheldNote(repo, env, [])).toEqual([
    'Tools and tests do not get DATABASE_URL, although the source or tools mention them. If they are needed, add them to checks.env of sluice.yml.',
  ]);
  expect(withheldNote(repo, env, ['DATABASE_URL'])).toEqual([]);
  expect(withheldNote(repo, { HOME: '/root' }, [])).toEqual([]);
});

test('what no source names is named where a tool or a library reads it: the login of a private index, a password of libpq', () => {
  const env = {
    PIP_INDEX_URL: 'https://me:hunter2@pypi.example.com/simple',
    NODE_AUTH_TOKEN: 't',
    PGPASSWORD: 'p',
  };
  expect(withheldNote(memoryRepo({}), { ...env, STRIPE: 'y', PGHOST: 'db' }, [])).toEqual([
    'Tools and tests do not get NODE_AUTH_TOKEN, PGPASSWORD, PIP_INDEX_URL, although the source or tools mention them. If they are needed, add them to checks.env of sluice.yml.',
  ]);
});
