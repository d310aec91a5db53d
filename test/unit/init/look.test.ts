import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { chooseCompose } from '../../../src/config/compose/choice/choice.ts';
import { usesIn } from '../../../src/config/env/interpolate.ts';
import { unifiedDiff } from '../../../src/init/files.ts';
import { renderEnvExample } from '../../../src/init/render/env.ts';
import { type ComposeFile, isDefault } from '../../../src/init/study/compose-files.ts';
import { parseRemote } from '../../../src/init/study/git.ts';
import { buildVariables, findExamples } from '../../../src/init/study/variables.ts';
import { runProcess } from '../../../src/kernel/process/process.ts';

describe('the remote', () => {
  test.each([
    ['git@github.com:Acme/shop.git', 'github.com', 'Acme/shop'],
    ['https://github.com/acme/shop', 'github.com', 'acme/shop'],
    ['https://x-access-token:ghs_example@github.com/acme/shop.git', 'github.com', 'acme/shop'],
    ['ssh://git@ssh.github.com:443/acme/shop.git', 'github.com', 'acme/shop'],
    ['git@gitlab.example.com:group/sub/shop.git', 'gitlab.example.com', 'group/sub/shop'],
  ])('%s', (url, host, path) => {
    expect(parseRemote(url)).toEqual({ host, path });
  });

  test.each([
    '/srv/git/shop.git',
    '../shop',
    'https://github.com/',
    'file:///srv/shop.git',
    'git@github.com:a/$(id)',
    '',
  ])('%s tells nothing', (url) => {
    expect(parseRemote(url)).toBeUndefined();
  });
});

describe('variables of a compose file', () => {
  test.each<[string, [string, string | undefined][]]>([
    [
      '$A and ${B}',
      [
        ['A', undefined],
        ['B', undefined],
      ],
    ],
    [
      '${A:-x}${B-}',
      [
        ['A', 'x'],
        ['B', ''],
      ],
    ],
    ['${A:?say it}', [['A', undefined]]],
    ['${A:+x}', [['A', '']]],
    ['$$A $${B} ${}', []],
    [
      '${A:-${B:-c}}/d',
      [
        ['A', '${B:-c}'],
        ['B', 'c'],
      ],
    ],
    ['${A:-{"k": 1}}', [['A', '{"k": 1}']]],
  ])('%s', (text, uses) => {
    expect(usesIn(text).map(({ name, fallback }) => [name, fallback])).toEqual(uses);
  });
});

function file(path: string, services: Record<string, object> = { web: { image: 'x' } }): ComposeFile {
  return {
    path,
    text: '',
    name: undefined,
    data: { services },
    services: services as ComposeFile['services'],
  };
}

describe('which compose files', () => {
  const chosen = (...files: ComposeFile[]) => chooseCompose(files)?.files.map(({ path }) => path);
  const overlay = { web: { restart: 'always' } };

  test.each<[string, ComposeFile[], string[]]>([
    ['the base', [file('compose.yml')], ['compose.yml']],
    [
      'an overlay for production',
      [file('compose.yml'), file('docker-compose.prod.yml', overlay)],
      ['compose.yml', 'docker-compose.prod.yml'],
    ],
    [
      'one that stands alone',
      [file('compose.yml'), file('compose.production.yaml')],
      ['compose.production.yaml'],
    ],
    ['not the override', [file('compose.yml'), file('compose.override.yml')], ['compose.yml']],
    [
      'not the one for development',
      [file('docker-compose.dev.yml'), file('docker-compose.yml')],
      ['docker-compose.yml'],
    ],
    ['production.yml beside local.yml', [file('local.yml'), file('production.yml')], ['production.yml']],
    ['the top before a folder', [file('deploy/compose.yml'), file('compose.yml')], ['compose.yml']],
    [
      'a folder with a telling name',
      [file('api/compose.yml'), file('infra/compose.yml')],
      ['infra/compose.yml'],
    ],
    [
      'an example only where there is nothing else',
      [file('a/b/compose.yml'), file('examples/compose.yml')],
      ['a/b/compose.yml'],
    ],
    ['the only one there is', [file('compose.dev.yml')], ['compose.dev.yml']],
  ])('%s', (_, files, expected) => {
    expect(chosen(...files)).toEqual(expected);
  });

  test('none', () => expect(chooseCompose([])).toBeUndefined());

  test('what docker compose takes by itself need not be written', () => {
    const both = [file('compose.yaml'), file('compose.yml')];
    const choice = chooseCompose(both);
    expect(choice !== undefined && isDefault(choice, both)).toBe(true);
    const other = chooseCompose([file('deploy/compose.yml')]);
    expect(other !== undefined && isDefault(other, [file('deploy/compose.yml')])).toBe(false);
  });
});

test('what a build needs: variables of what is built, and ports without which no file is read', () => {
  const text = `services:
  web:
    build: { context: ., args: { URL: "$URL", MODE: "\${MODE:-x}" } }
    image: shop/web:\${TAG}
    ports: ["\${PORT}:\${INNER}", "\${OTHER}:80"]
    environment: { KEY: "$KEY" }
  db: { image: "postgres:\${PG}", ports: ["\${DB_PORT}"] }
`;
  const data = parse(text) as { services: ComposeFile['services'] };
  const services = data.services;
  expect(buildVariables([{ path: 'compose.yml', text, name: undefined, data, services }])).toEqual([
    'URL',
    'TAG',
    'INNER',
  ]);
});

describe('which file describes the variables', () => {
  const treeOf = (files: Record<string, string>) => ({
    folder: '/shop',
    files: Object.keys(files).sort(),
    read: async (path: string) => files[path],
  });
  const paths = async (files: Record<string, string>, envFiles: string[], variables: string[]) =>
    (await findExamples(treeOf(files), '', { envFiles, variables })).map(({ path }) => path);

  test('the one beside an env_file goes before those of other programs', async () => {
    const files = { 'apps/site/.env.sample': 'A=1', 'apps/web/.env.sample': 'A=1', 'z/.env.sample': 'A=1' };
    expect((await paths(files, ['./apps/web/.env'], []))[0]).toBe('apps/web/.env.sample');
    expect((await paths({ ...files, '.env.example': '' }, ['./apps/web/.env'], []))[0]).toBe('.env.example');
  });

  test('of several in one folder the one that names most of what the compose files use', async () => {
    const files = { 'env-example-a': 'URL=x', 'env-example-b': 'DB_NAME=x\n# DB_USER=y' };
    expect(await paths(files, [], ['DB_NAME', 'DB_USER', 'URL'])).toEqual(['env-example-b', 'env-example-a']);
  });
});

describe('.env.example', () => {
  const variable = (name: string, fallback?: string) => ({ name, fallback, users: ['web'] });
  const compose = { files: [file('compose.yml')], why: '', unused: [], doubt: undefined };

  test('has what is needed, in sections, and no value of a secret', () => {
    const variables = [
      ...[
        variable('DB_PASSWORD', 'hunter2-hunter2'),
        variable('SECRET_KEY'),
        variable('LOG_LEVEL', 'info'),
        variable('SITE'),
      ],
      ...[
        variable('DATABASE_URL', 'postgres://app:hunter2@db/app'),
        variable('TAG'),
        variable('OPTIONAL', ''),
      ],
    ];
    const made = renderEnvExample({ variables, examples: [], compose });
    expect(made?.added).toEqual(['DB_PASSWORD', 'SECRET_KEY', 'SITE', 'DATABASE_URL', 'TAG']);
    expect(made?.text).not.toContain('hunter2');
    expect(made?.text).toContain('DB_PASSWORD=CHANGE_ME_32_characters\n');
    expect(made?.text).toContain('SECRET_KEY=CHANGE_ME_64_characters\n');
    expect(made?.text.match(/^# --- \w+/gm)).toEqual([
      '# --- Secrets',
      '# --- Images',
      '# --- Database',
      '# --- Application',
    ]);
  });

  test('goes to the end of the file there is, and only with what nobody described', () => {
    const example = {
      path: '.env.sample',
      text: 'SITE=x\n# TAG=1\n\n',
      values: { SITE: 'x' },
      names: ['SITE', 'TAG'],
      isNear: true,
    };
    const variables = [variable('SITE'), variable('TAG'), variable('TOKEN')];
    const made = renderEnvExample({ variables, examples: [example], compose });
    expect(made).toMatchObject({ path: '.env.sample', added: ['TOKEN'] });
    expect(made?.text.startsWith('SITE=x\n# TAG=1\n\n# --- Secrets')).toBe(true);
    expect(
      renderEnvExample({ variables: variables.slice(0, 2), examples: [example], compose }),
    ).toBeUndefined();
  });
});

describe('the diff', () => {
  const lines = fc
    .array(fc.constantFrom('a', 'b', 'c', 'd: 1', ''), { maxLength: 30 })
    .map((all) => all.map((line) => `${line}\n`).join(''));

  test('of equal texts is empty', () => expect(unifiedDiff('x', 'a\n', 'a\n')).toBe(''));

  test('makes the one from the other, as patch reads it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-diff-'));
    try {
      await fc.assert(
        fc.asyncProperty(lines, lines, async (before, after) => {
          fc.pre(before !== after);
          writeFileSync(join(folder, 'x'), before);
          const diff = `${unifiedDiff('x', before, after).replace(' (sluice init)', '')}\n`;
          const git = await runProcess(['git', 'apply', '--unidiff-zero', '-p0', '--stat', '-'], {
            cwd: folder,
            stdin: diff,
          });
          expect(git.stderr).toBe('');
          expect(applied(before, diff)).toBe(after);
        }),
        { numRuns: 30 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** The text after a unified diff, by its own line numbers. */
function applied(before: string, diff: string): string {
  const old = before.split('\n').slice(0, -1);
  const result: string[] = [];
  let at = 0;
  for (const line of diff.split('\n').slice(2, -1)) {
    const [, start, count] = /^@@ -(\d+),(\d+) /.exec(line) ?? [];
    if (start !== undefined) {
      const first = Number(start) - (count === '0' ? 0 : 1);
      result.push(...old.slice(at, first));
      at = first;
    } else if (line.startsWith('+')) result.push(line.slice(1));
    else {
      expect(line.slice(1)).toBe(old[at]);
      if (line.startsWith(' ')) result.push(line.slice(1));
      at++;
    }
  }
  return [...result, ...old.slice(at)].map((line) => `${line}\n`).join('');
}
