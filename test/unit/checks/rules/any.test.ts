import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Finding } from '../../../../src/checks/model.ts';
import type { Repo } from '../../../../src/checks/repo.ts';
import { folderRepo, ownFindings } from '../../../support/checks/own.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

const bad = join(import.meta.dirname, '../../../fixtures/checks/bad');
const repos = readdirSync(bad).map((name) => folderRepo(join(bad, name)));
const texts = repos.flatMap((repo) => repo.files.map((file) => [file, repo.read(file) ?? ''] as const));

/** Every place of a finding is in a file that exists, on a line that it has. */
function misplaced(found: readonly Finding[], repo: Repo): readonly unknown[] {
  return found.filter(({ at, endLine }) => {
    const lines = repo.read(at?.file ?? '')?.split('\n').length ?? 0;
    const line = at?.line ?? 1;
    return (
      lines === 0 ||
      line < 1 ||
      line > lines ||
      (endLine !== undefined && (endLine < line || endLine > lines))
    );
  });
}

async function holds(files: Readonly<Record<string, string>>): Promise<void> {
  const repo = memoryRepo(files);
  const found = await ownFindings(repo).catch((error: Error) => {
    // A compose file that became none, or that starts nothing: the check says so, and nothing else may go wrong.
    if (/^compose did not run: (?:.*cannot be read as a compose file|every service )/s.test(error.message))
      return [];
    throw error;
  });
  expect(misplaced(found, repo)).toEqual([]);
  for (const { message, fix } of found) expect(`${message}${fix}`).not.toMatch(/undefined|NaN|\[object/);
}

const fileNames = [
  'Dockerfile',
  'compose.yml',
  '.env.example',
  '.env.production',
  'app/settings.py',
  'package.json',
  'start.sh',
];

test('any text in any file', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.constantFrom(...texts.map(([, entry]) => entry)),
  );
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.constantFrom(...fileNames), text), (files) => holds(files)),
    { numRuns: 150 },
  );
});

test('files with known faults, damaged: pieces cut out, doubled, put elsewhere', async () => {
  const edit = fc.tuple(
    fc.nat(),
    fc.nat(),
    fc.nat({ max: 80 }),
    fc.constantFrom('cut', 'double', 'swap', 'insert'),
    fc.string({ maxLength: 12 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...repos),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      async (repo, edits) => {
        const files = Object.fromEntries(repo.files.map((file) => [file, repo.read(file) ?? '']));
        for (const [which, where, length, how, more] of edits) {
          const file = repo.files[which % repo.files.length] ?? '';
          const text = files[file] ?? '';
          const start = text.length === 0 ? 0 : where % text.length;
          const piece = text.slice(start, start + length);
          const put = {
            cut: '',
            double: piece + piece,
            swap: [...piece].reverse().join(''),
            insert: more + piece,
          }[how];
          files[file] = text.slice(0, start) + put + text.slice(start + length);
        }
        await holds(files);
      },
    ),
    { numRuns: 200 },
  );
});

const scalar = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('${A}', '${A:-b', '5432:5432', './x:/y', 'latest'),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        'limits',
        'memory',
        'cpus',
        'resources',
        'test',
        'context',
        'args',
        'file',
        'service',
        'path',
        'target',
        'source',
        'type',
      ),
      tie('any'),
      { maxKeys: 3 },
    ),
  ),
})).any;
const keys = [
  'image',
  'build',
  'command',
  'entrypoint',
  'environment',
  'ports',
  'volumes',
  'deploy',
  'healthcheck',
  'depends_on',
  'extends',
  'expose',
  'restart',
  'env_file',
  'profiles',
  'labels',
  'cap_add',
  'privileged',
  'mem_limit',
  'scale',
  'user',
];

test('compose files with anything under any key', async () => {
  const service = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 6 });
  const file = fc.record(
    { services: fc.dictionary(fc.constantFrom('a', 'db', 'worker', '__proto__x'), service), include: value },
    { requiredKeys: ['services'] },
  );
  await fc.assert(
    fc.asyncProperty(file, file, (one, other) =>
      // JSON is YAML.
      holds({
        'compose.yml': `${JSON.stringify(one)}\n`,
        'compose.prod.yml': `${JSON.stringify(other)}\n`,
        Dockerfile: 'FROM python\n',
      }),
    ),
    { numRuns: 200 },
  );
});
