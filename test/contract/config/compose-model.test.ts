import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plain } from '../../../src/config/compose/load.ts';
import type { ComposeModel } from '../../../src/config/model.ts';
import { resolveHostModel } from '../../../src/config/resolve.ts';
import { loadConfig } from '../../../src/config/sluice-yml/load.ts';
import { composeRepo } from '../../support/compose/repo.ts';

const hostile = {
  SINGLE: "it's",
  DOUBLE: 'say "hi"',
  NEWLINES: 'line 1\nline 2\r\n\n  line 3\n',
  COMMAND: '$(touch /tmp/never) `id`',
  DOLLARS: '$HOME ${PATH} $$ ${X:-y} $',
  BACKSLASH: 'c:\\dir\\n \\" \\',
  UNICODE: 'żółć 💥 \u202e \u00a0',
  HASH: 'a # b',
  BLANKS: '  padded \t ',
  JSON: '{"k": ["v", "$x"]}',
  YAML: '- a: b\n*c &d !e',
  EMPTY: '',
  CONTROL: 'a\u0001b\u001b[31m',
  LONG: 'x'.repeat(100_000),
};

function again(model: ComposeModel): ComposeModel {
  const input = JSON.stringify(model);
  const { PATH, HOME, DOCKER_CONFIG } = process.env;
  const env = { PATH, HOME, ...(DOCKER_CONFIG === undefined ? {} : { DOCKER_CONFIG }) };
  const args = ['compose', '--env-file', '/dev/null', '-f', '-', 'config', '--format', 'json'];
  return JSON.parse(
    execFileSync('docker', args, { input, env, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] }),
  );
}

describe('values', () => {
  const names = Object.keys(hostile);

  test('arrive unharmed by interpolation, by name and by env_file, and through a second reading', async () => {
    using repo = composeRepo(
      `services:\n  web:\n    image: app\n    env_file: .env\n    environment:\n${names.map((name) => `      I_${name}: "\${${name}}"\n      ${name}:\n`).join('')}  other:\n    image: app\n    env_file: .env\n    labels: { l: "\${DOLLARS}" }\n    command: ["echo", "\${COMMAND}"]\n`,
    );
    const model = await repo.load(hostile);
    for (const composeModel of [model, again(model)]) {
      for (const name of names) {
        const value = hostile[name as keyof typeof hostile];
        expect(plain(composeModel.services['web']?.environment?.[`I_${name}`] ?? 'none')).toBe(value);
        expect(plain(composeModel.services['web']?.environment?.[name] ?? 'none')).toBe(value);
        expect(plain(composeModel.services['other']?.environment?.[name] ?? 'none')).toBe(value);
      }
      expect(plain(composeModel.services['other']?.labels?.['l'] ?? '')).toBe(hostile.DOLLARS);
      expect(composeModel.services['other']?.command?.map(plain)).toEqual(['echo', hostile.COMMAND]);
    }
    expect(existsSync('/tmp/never')).toBe(false);
  });

  test('any text arrives', async () => {
    using repo = composeRepo('services: { web: { image: app, env_file: .env, environment: { I: "${A}" } } }');
    const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'));
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        const { services } = await repo.load({ A: value });
        expect(plain(services['web']?.environment?.['I'] ?? 'none')).toBe(value);
        expect(plain(services['web']?.environment?.['A'] ?? 'none')).toBe(value);
      }),
      { numRuns: 15 },
    );
  });

  test('names that docker obeys itself reach the services and not docker', async () => {
    using repo = composeRepo(
      'services: { web: { image: "app:${DOCKER_HOST}", env_file: .env, environment: { H: "${HOME}" } } }',
    );
    const env = {
      DOCKER_HOST: 'not-a-host',
      DOCKER_CONTEXT: 'none "such"$',
      DOCKER_TLS_VERIFY: '1',
      LD_PRELOAD: '/usr/lib/none.so',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otel.invalid:4317',
      HOME: '/app',
      PATH: '/app/bin',
      COMPOSE_PROJECT_NAME: 'other',
      COMPOSE_FILE: '/nowhere.yml',
    };
    const model = await repo.load(env);
    expect(model.name).toBe('shop');
    expect(model.services['web']).toMatchObject({
      image: 'app:not-a-host',
      environment: { H: '/app', ...env, DOCKER_CONTEXT: 'none "such"$$' },
    });
    expect(await repo.errors({ DOCKER_CONFIG: 'x' })).toMatchObject([{ code: 'env.reserved' }]);
  });

  test('nothing of the runner reaches the compose files', async () => {
    using repo = composeRepo('services: { web: { image: "app:${TAG:-none}", environment: [GITHUB_TOKEN] } }');
    repo.put('.env', 'TAG=dev');
    const model = await repo.load({}, { own: { TAG: 'runner', GITHUB_TOKEN: 'hunter2' } });
    expect(model.services['web']).toMatchObject({ image: 'app:none', environment: { GITHUB_TOKEN: null } });
  });
});

describe('what the compose files may hold', () => {
  test('profiles, extends, include, overrides, secrets and configs', async () => {
    using repo = composeRepo(`
include: [more/compose.yml]
services:
  web: { extends: { file: base.yml, service: base }, secrets: [key], configs: [conf], depends_on: [extra] }
  debug: { image: debug, profiles: [tools] }
secrets: { key: { environment: KEY }, file: { file: ./key.txt } }
configs: { conf: { content: "a=\${KEY}" } }
`);
    repo.put('base.yml', 'services: { base: { image: base, env_file: .env, stop_grace_period: 1m30s } }');
    repo.put(
      'more/compose.yml',
      'services: { extra: { image: extra, env_file: .env, volumes: [./data:/data] } }',
    );
    repo.put(
      'prod.yml',
      'services: { web: { image: "web:2", deploy: { replicas: 2, resources: { limits: { memory: 512M } } } } }',
    );
    const model = await repo.load({ KEY: 'v$1' }, { files: ['compose.yml', 'prod.yml'] });
    expect(Object.keys(model.services).sort()).toEqual(['extra', 'web']);
    expect(model.services['web']).toMatchObject({
      image: 'web:2',
      stop_grace_period: '1m30s',
      environment: { KEY: 'v$$1' },
      depends_on: { extra: { condition: 'service_started' } },
      deploy: { replicas: 2, resources: { limits: { memory: '536870912' } } },
    });
    expect(model.services['extra']).toMatchObject({
      environment: { KEY: 'v$$1' },
      volumes: [{ type: 'bind', source: join(repo.folder, 'more/data'), target: '/data' }],
    });
    expect(model.configs).toMatchObject({ conf: { content: 'a=v$$1' } });
    const tools = await repo.load(
      { KEY: 'x', COMPOSE_PROFILES: 'tools' },
      { files: ['compose.yml', 'prod.yml'] },
    );
    expect(Object.keys(tools.services)).toContain('debug');
    expect(await repo.errors({}, { files: ['compose.yml', 'prod.yml'] })).toMatchObject([
      { code: 'compose.env-file' },
      { code: 'compose.env-file' },
    ]);
  });

  test('defaults of ${…} stay, and so does an empty value that is set', async () => {
    using repo = composeRepo(
      'services: { web: { image: "app:${TAG:-latest}", labels: { a: "${A-x}", b: "${B:?needed}", c: "${C:+y}" } } }',
    );
    expect((await repo.load({ A: '', B: 'b' })).services['web']).toMatchObject({
      image: 'app:latest',
      labels: { a: '', b: 'b', c: '' },
    });
  });

  test('files in folders with odd names', async () => {
    using repo = composeRepo(
      'services: { web: { image: app, env_file: [.env, common.env], volumes: ["./x:/x:ro"] } }',
    );
    const odd = "it's a $HOME & ünïcode/${X}";
    repo.put(
      `${odd}/compose.yml`,
      'services: { web: { image: app, env_file: [.env, ./common.env], volumes: ["./x:/x:ro"] } }',
    );
    repo.put(`${odd}/common.env`, 'COMMON=1');
    const model = await repo.load({ A: 'a' }, { files: [`${odd}/compose.yml`] });
    expect(model.services['web']).toMatchObject({ environment: { A: 'a', COMMON: '1' } });
    expect(plain(model.services['web']?.volumes?.[0]?.source ?? '')).toBe(join(repo.folder, odd, 'x'));
  });
});

describe('examples/bookreader', () => {
  const folder = resolve(import.meta.dirname, '../../../examples/bookreader');

  test('is understood as a whole', async () => {
    const config = await loadConfig(join(folder, 'sluice.yml'));
    const [target] = Object.values(config.targets);
    const [host] = target?.hosts ?? [];
    if (target === undefined || host === undefined) throw new Error('no target');
    const resolved = await resolveHostModel(
      config,
      { ...target, env: [], hosts: [host] },
      { ...host, services: undefined },
      { env: process.env },
    );
    const strategies = Object.fromEntries(resolved.services.map(({ name, strategy }) => [name, strategy]));
    expect(strategies).toMatchObject({
      backend: 'blue-green',
      frontend: 'blue-green',
      'celery-worker': 'workers',
      'celery-beat': 'singleton',
      db: 'keep',
      redis: 'keep',
    });
  });
});
