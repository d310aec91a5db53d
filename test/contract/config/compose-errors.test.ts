import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadBuildModel } from '../../../src/config/compose/build-model.ts';
import { plain } from '../../../src/config/compose/load.ts';
import { composeRepo, shown } from '../../support/compose/repo.ts';

describe('compose files that docker compose does not accept', () => {
  test('variables that are not set are named in one error, with their places', async () => {
    using repo = composeRepo(
      'services:\n  web:\n    image: app:${TAG}\n    environment: { A: "${A}", B: "${TAG}${B:-x}" }\n',
    );
    const [error, ...more] = await repo.errors({ OTHER: '1' });
    expect(more).toEqual([]);
    expect(error).toMatchObject({
      code: 'compose.variable',
      at: { line: 4 },
      hint: expect.stringContaining('env-secret'),
    });
    expect(error?.message).toMatch(/does not set: A \(.*compose\.yml:4\), TAG \(.*compose\.yml:3\)$/);
  });

  test('${X:?} names its variable, and variables of the machine have advice of their own', async () => {
    using repo = composeRepo('services: { web: { image: "app:${TAG:?set it}" } }');
    expect(await repo.errors()).toMatchObject([
      { code: 'compose.variable', message: expect.stringContaining('TAG (') },
    ]);
    repo.put('compose.yml', 'services: { web: { image: app, volumes: ["${HOME}/data:/data"] } }');
    expect(await repo.errors()).toMatchObject([
      {
        code: 'compose.variable',
        message: expect.stringContaining('${HOME} in the compose files is the home folder'),
      },
    ]);
  });

  test.each<[string, string, RegExp]>([
    ['broken YAML', 'services:\n  web:\n   image: app\n  bad', /compose\.yml:\d+:\d+ .*\[compose\.invalid\]/],
    ['a tab', 'services:\n\tweb: {}\n', /compose\.yml:2:1 A tab is used to indent \[compose\.invalid\]/],
    [
      'an unknown key',
      'services: { web: { image: app, prots: [] } }',
      /compose\.yml.*\[compose\.invalid\].*prots/s,
    ],
    ['a wrong type', 'services: { web: { image: app, ports: hunter } }', /\[compose\.invalid\].*ports/s],
    ['no image', 'services: { web: {} }', /\[compose\.invalid\].*neither an image nor a build/s],
    [
      'an unknown dependency',
      'services: { web: { image: app, depends_on: [db] } }',
      /\[compose\.invalid\].*db/s,
    ],
    [
      'an unknown volume',
      'services: { web: { image: app, volumes: ["data:/data"] } }',
      /\[compose\.invalid\].*data/s,
    ],
    [
      'a circle',
      'services: { a: { image: x, depends_on: [b] }, b: { image: x, depends_on: [a] } }',
      /\[compose\.invalid\].*cycle/is,
    ],
    [
      'a missing extends file',
      'services: { web: { extends: { file: none.yml, service: x } } }',
      /\[compose\.invalid\].*none\.yml/s,
    ],
    [
      'a missing include',
      'include: [none.yml]\nservices: { web: { image: app } }',
      /\[compose\.invalid\].*none\.yml/s,
    ],
    ['nothing', '', /\[compose\.invalid\]/],
    ['a list', '- a', /\[compose\.invalid\]/],
    ['a service name', 'services: { "a b;$(id)": { image: app } }', /\[compose\.invalid\]/],
  ])('%s', async (_, text, pattern) => {
    using repo = composeRepo(text);
    expect(shown(await repo.errors())).toMatch(pattern);
  });

  test('only profiled services', async () => {
    using repo = composeRepo('services: { web: { image: app, profiles: [x] } }');
    const result = await repo.load().then(
      (model) => Object.keys(model.services),
      (error) => error.code,
    );
    expect(result).toBe('compose.profiles');
    const config = { app: 'shop', folder: repo.folder, compose: ['compose.yml'] };
    await expect(loadBuildModel(config, {}, { env: process.env })).rejects.toMatchObject({
      code: 'compose.profiles',
      message: expect.stringContaining('web (x)'),
    });
    expect(Object.keys((await repo.load({ COMPOSE_PROFILES: 'x' })).services)).toEqual(['web']);
  });

  test('a value that compose quotes gives way to the name of its variable', async () => {
    using repo = composeRepo('services: { web: { image: app, ports: ["${PORT}:80"] } }');
    const text = shown(await repo.errors({ PORT: 'hunter2-hunter2' }));
    expect(text).not.toContain('hunter2');
    expect(text).toContain('${PORT}');
    repo.put(
      'compose.yml',
      'services: { web: { image: app, deploy: { replicas: "${N}" }, mem_limit: "${M}", cpus: "${N}", healthcheck: { test: x, interval: "${N}" } } }',
    );
    expect(shown(await repo.errors({ N: 'hun"ter2\nhunter3', M: 'hunter4' }))).not.toMatch(
      /hunter[234]|ter2/,
    );
  });

  test.each<[string, string, Record<string, string>, string]>([
    [
      'a number',
      'services:\n  web:\n    image: app\n    cpus: "${SHARE}"',
      { SHARE: 'lots-of' },
      'services.web.cpus',
    ],
    [
      'a size',
      'services:\n  web:\n    image: app\n    mem_limit: "${LIMIT}"',
      { LIMIT: 'lots-of' },
      'services.web.mem_limit',
    ],
    [
      'a port',
      'services:\n  web:\n    image: app\n    ports: ["${P}:80"]',
      { P: 'lots-of' },
      'services.web.ports.0',
    ],
    [
      'a port with an address in place of its target',
      'services:\n  web:\n    image: app\n    ports: ["80:80", "${P}"]',
      { P: '127.0.0.1:3001' },
      'services.web.ports.1',
    ],
    [
      'a port in the container that is empty',
      'services:\n  web:\n    image: app\n    ports: ["${O:-}80:80", "${P}:${P}"]',
      { P: '' },
      'services.web.ports.1',
    ],
    [
      'a volume',
      'services:\n  web:\n    image: app\n    volumes: ["${V}:/data"]',
      { V: 'lots-of' },
      'services.web.volumes.0',
    ],
    [
      'an empty text',
      'services:\n  web:\n    image: app\n    init: "${X:-}"',
      { Y: '1' },
      'services.web.init',
    ],
  ])('a variable whose value does not fit is named with its key: %s', async (_, text, env, key) => {
    using repo = composeRepo(text);
    const [name = 'X'] = Object.keys(env).filter((candidate) => candidate !== 'Y');
    const errors = await repo.errors(env);
    expect(errors).toMatchObject([{ code: 'compose.value', at: { line: 4 } }]);
    expect(errors[0]?.message).toContain(`${key}: `);
    expect(errors[0]?.message).toContain(`$\{${name}}`);
    expect(shown(errors)).not.toContain('lots-of');
  });

  test('variables of the machine never get in: PATH, which docker itself needs, neither', async () => {
    using repo = composeRepo(
      'services:\n  web:\n    image: app\n    environment:\n      A: "${PATH}"\n      B: "$$PATH"\n      C: "${HOME:-/root}"\n',
    );
    expect(await repo.errors()).toMatchObject([
      { code: 'compose.variable', message: expect.stringContaining('${PATH}'), at: { line: 5 } },
    ]);
    expect((await repo.load({ PATH: '/app/bin' })).services['web']?.environment).toEqual({
      A: '/app/bin',
      B: '$$PATH',
      C: '/root',
    });
  });

  test('a secret of environment needs its variable', async () => {
    using repo = composeRepo(
      'services: { web: { image: app, secrets: [key] } }\nsecrets: { key: { environment: API_KEY } }',
    );
    expect(await repo.errors({ A: '1' })).toMatchObject([
      { code: 'compose.variable', message: expect.stringContaining('API_KEY (for key)') },
    ]);
    expect((await repo.load({ API_KEY: 'x' })).secrets).toMatchObject({ key: { environment: 'API_KEY' } });
  });
});

describe('docker where Sluice runs', () => {
  /** A docker that says what we want it to. */
  function fake(repo: ReturnType<typeof composeRepo>, script: string): Readonly<Record<string, string>> {
    repo.put('bin/docker', `#!/bin/sh\n${script}\n`);
    chmodSync(join(repo.folder, 'bin/docker'), 0o755);
    return { PATH: `${join(repo.folder, 'bin')}${delimiter}${process.env['PATH']}` };
  }

  test('is missing', async () => {
    using repo = composeRepo('services: {}');
    expect(await repo.errors({}, { own: { PATH: join(repo.folder, 'none') } })).toMatchObject([
      { code: 'compose.missing', message: expect.stringContaining('docker is not on PATH') },
    ]);
  });

  test('has no compose plugin', async () => {
    using repo = composeRepo('services: {}');
    const own = fake(repo, 'echo "docker: \'compose\' is not a docker command." >&2; exit 1');
    expect(await repo.errors({}, { own })).toMatchObject([
      { code: 'compose.missing', hint: expect.stringContaining('docker-compose-plugin') },
    ]);
  });

  test('has one that is too old', async () => {
    using repo = composeRepo('services: {}');
    const own = fake(
      repo,
      'case "$*" in *version*) echo v2.12.2;; *) echo "unknown flag: --format" >&2; exit 1;; esac',
    );
    expect(await repo.errors({}, { own })).toMatchObject([
      { code: 'compose.too-old', message: expect.stringContaining('2.12.2') },
    ]);
  });

  test('has one that can’t replace an env_file', async () => {
    using repo = composeRepo('services: { web: { image: app, env_file: .env } }');
    const own = fake(
      repo,
      'case "$*" in *version*) echo 2.23.3-desktop.1;; *) echo "Failed to load .env" >&2; exit 14;; esac',
    );
    expect(await repo.errors({ A: '1' }, { own })).toMatchObject([
      { code: 'compose.too-old', hint: expect.stringContaining('2.26.0 or newer') },
    ]);
  });

  test('answers nonsense', async () => {
    using repo = composeRepo('services: {}');
    for (const answer of ['echo no json', 'echo []', 'echo null', 'true', 'kill -9 $$']) {
      const own = fake(repo, `case "$*" in *version*) echo 2.30.0;; *) ${answer};; esac`);
      expect(await repo.errors({}, { own })).toMatchObject([{ code: 'compose.invalid' }]);
    }
  });

  test('gets no value by its arguments, and by no file that others can read', async () => {
    using repo = composeRepo('services: { web: { image: "app:${TAG}", env_file: .env } }');
    const real = execFileSync('sh', ['-c', 'command -v docker'], { encoding: 'utf8' }).trim();
    const log = join(repo.folder, 'log');
    const own = fake(
      repo,
      `{ echo "args $*"
for a in "$@"; do case $a in */sluice-compose-*) /usr/bin/stat -c 'mode %a %F' "$a" "\${a%/*}";; esac; done; } >>'${log}'
exec '${real}' "$@"`,
    );
    const secret = 'hunter2-$x"y\\z';
    const model = await repo.load({ TAG: 'v1', SECRET: secret, DOCKER_HOST: secret }, { own });
    expect(plain(model.services['web']?.environment?.['SECRET'] ?? '')).toBe(secret);
    const seen = readFileSync(log, 'utf8');
    expect(seen).not.toContain('hunter2');
    const modes = new Set([...seen.matchAll(/^mode (.*)$/gm)].map(([, mode]) => mode));
    expect(modes).toEqual(new Set(['600 regular file', '700 directory']));
  });

  test('a cancelled run ends at once and leaves nothing', async () => {
    using repo = composeRepo('services: { web: { image: app } }');
    const own = fake(repo, 'sleep 30');
    const controller = new AbortController();
    const loading = repo.load({ DOCKER_HOST: 'x' }, { own, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('cancelled')), 100);
    const begun = performance.now();
    await expect(loading).rejects.toThrow('cancelled');
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(repo.leftovers()).toEqual([]);
  });
});
