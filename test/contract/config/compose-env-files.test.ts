import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plain } from '../../../src/config/compose/load.ts';
import { parseEnvFile } from '../../../src/config/env/env-file.ts';
import { composeRepo, shown } from '../../support/compose/repo.ts';

const web = (envFile: string) =>
  `services: { web: { image: app, env_file: ${envFile}, environment: { OWN: own } } }`;

describe('env_file', () => {
  test('a missing .env is the target’s env; environment still wins over it, later files win over earlier', async () => {
    using repo = composeRepo(web('[early.conf, .env, late.conf]'));
    repo.put('early.conf', 'A=early\nC=early');
    repo.put('late.conf', 'B=late');
    const { services } = await repo.load({ A: 'a', B: 'b', OWN: 'env' });
    expect(services['web']?.environment).toEqual({ A: 'a', B: 'late', C: 'early', OWN: 'own' });
  });

  test.each(['.env.production', 'backend.env', '{ path: .env, required: false }', 'deep/.env'])(
    '%s is replaced when it is missing',
    async (path) => {
      using repo = composeRepo(web(`[${path}]`));
      expect((await repo.load({ A: 'a' })).services['web']?.environment).toEqual({ A: 'a', OWN: 'own' });
    },
  );

  test('a path with a variable in it', async () => {
    using repo = composeRepo(web('["${STAGE}.env", "${STAGE}.conf"]'));
    repo.put('prod.conf', 'C=c');
    expect((await repo.load({ STAGE: 'prod' })).services['web']?.environment).toEqual({
      STAGE: 'prod',
      C: 'c',
      OWN: 'own',
    });
  });

  test('files of this machine do not get out: .env, and what git ignores, required or not', async () => {
    using repo = composeRepo(
      'services: { web: { image: "app:${TAG:-none}", env_file: [.env, app.conf, { path: mine.conf, required: false }] } }',
    );
    repo.put('.env', 'TAG=dev\nDEBUG=true');
    repo.put('.gitignore', 'app.conf\nmine.conf\n');
    repo.put('app.conf', 'TAG=dev\nB=b');
    repo.put('mine.conf', 'C=c');
    expect((await repo.load({ A: 'a' })).services['web']).toMatchObject({
      image: 'app:none',
      environment: { A: 'a' },
    });
  });

  test('a .env that git tracks holds defaults, under the target’s env', async () => {
    using repo = composeRepo('services: { web: { image: "app:${TAG}-${A}", env_file: [.env] } }');
    repo.put('.env', 'TAG=v1\nA=default\nC=c');
    repo.commit();
    expect((await repo.load({ A: 'a' })).services['web']).toMatchObject({
      image: 'app:v1-a',
      environment: { TAG: 'v1', A: 'a', C: 'c' },
    });
  });

  test('any other file that exists stays as it is, tracked or not', async () => {
    using repo = composeRepo(web('[backend.env, .env.backend]'));
    repo.put('backend.env', 'A=file\nB=${A}$${A}');
    repo.put('.env.backend', 'C=c');
    expect((await repo.load({ A: 'a', Z: 'z' })).services['web']?.environment).toEqual({
      A: 'file',
      B: 'a$${A}',
      C: 'c',
      OWN: 'own',
    });
  });

  test('what can’t be replaced is told with the way out', async () => {
    using repo = composeRepo(web('[.env, settings.conf]'));
    expect(await repo.errors({ A: 'a' })).toMatchObject([
      {
        code: 'compose.env-file',
        message: expect.stringContaining('services.web.env_file: '),
        hint: expect.stringContaining('name it .env'),
      },
    ]);
    const [first] = await repo.errors();
    expect(first).toMatchObject({ code: 'compose.env-file', hint: expect.stringContaining('env-secret') });
  });

  test('a malformed file that stays: its place, and not its values', async () => {
    using repo = composeRepo(web('[backend.env]'));
    repo.put('backend.env', 'OK=1\nPASSWORD=hunter$two2\nX="hunter2');
    const errors = await repo.errors({ A: 'a' });
    expect(errors).toMatchObject([
      { code: 'env.reference', at: { line: 2 } },
      { code: 'env.syntax', at: { line: 3 } },
    ]);
    expect(shown(errors)).not.toMatch(/hunter|two2/);
  });
});

/** Text of env files that Compose accepts, with everything its dialect has. */
const envText = (() => {
  const name = fc.constantFrom('A', 'B', 'C_1', 'd.e', 'LONG_NAME');
  const piece = fc.oneof(
    fc.string({ maxLength: 6 }).map((text) => text.replaceAll(/[$"'\\#\s]/g, '_')),
    fc.constantFrom(
      ' ',
      '#',
      ' #',
      '\\',
      '\\\\',
      '\\n',
      '\\t',
      '\\$',
      '\\q',
      '$$',
      '$1',
      '${A:-x}',
      '${A-y}',
      '${A:+z}',
      '${Z:-${B:-q}}',
      '€',
      '=',
      ':',
      '{',
      '}',
    ),
  );
  const text = fc.array(piece, { maxLength: 6 }).map((parts) => parts.join(''));
  const single = text.map((value) => `'${value.replaceAll("'", '').replace(/\\+$/, '')}'`);
  const double = fc
    .array(fc.oneof(piece, fc.constantFrom('\n', "'")), { maxLength: 6 })
    .map((parts) => `"${parts.join('').replaceAll('"', '').replace(/\\+$/, '')}"`);
  const bare = text.map((value) => value.replace(/^[\s"']+/, ''));
  const value = fc.oneof(single, double, bare);
  const line = fc.oneof(
    fc
      .tuple(
        fc.constantFrom('', 'export ', '  '),
        name,
        fc.constantFrom('=', ' = ', ': '),
        value,
        fc.constantFrom('', ' ', '\r'),
      )
      .map((parts) => parts.join('')),
    fc.constantFrom('', '# comment = x', '   '),
  );
  return fc.array(line, { minLength: 1, maxLength: 6 }).map((lines) => `${lines.join('\n')}\n`);
})();

test('our reading of env files is Compose’s own', async () => {
  using repo = composeRepo('services: {}');
  const texts = fc.sample(envText, { numRuns: 400, seed: 20_240_229 });
  const files = texts.map((text, index) => ({ text, name: `f${index}` }));
  mkdirSync(join(repo.folder, 'files'));
  for (const { text, name } of files) repo.put(`files/${name}.conf`, text);
  const readable = files.filter(({ text }) => {
    try {
      parseEnvFile(text, 'x');
      return true;
    } catch {
      // Stricter than Compose on purpose: see env-file.ts.
      return false;
    }
  });
  repo.put(
    'compose.yml',
    `services:\n${readable.map(({ name }) => `  ${name}: { image: app, env_file: files/${name}.conf }\n`).join('')}`,
  );
  const { services } = await repo.load();
  expect(readable.length).toBeGreaterThan(200);
  for (const { name, text } of readable) {
    const ours = Object.fromEntries(
      parseEnvFile(text, 'x').entries.map((entry) => [entry.name, entry.value]),
    );
    const theirs = Object.entries(services[name]?.environment ?? {}).map(([key, value]) => [
      key,
      plain(value ?? ''),
    ]);
    expect(Object.fromEntries(theirs), JSON.stringify(text)).toEqual(ours);
  }
});
