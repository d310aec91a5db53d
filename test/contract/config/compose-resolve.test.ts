import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type RemoteFiles, type ResolveEffects, resolveHostModels } from '../../../src/config/resolve.ts';
import { loadConfig, targetOf } from '../../../src/config/sluice-yml/load.ts';
import { userErrorsOf } from '../../../src/kernel/errors.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';
import { type ComposeRepo, composeRepo } from '../../support/compose/repo.ts';

const compose = `
services:
  backend: { image: "acme/backend:\${TAG}", build: ., volumes: ["./app.ini:/app.ini:ro", "/srv/data:/data"], expose: ["8000"], environment: [SECRET_KEY, ZONE], depends_on: [db] }
  worker: { image: "acme/backend:\${TAG}\${SUFFIX:-}", command: celery -A app worker }
  db: { image: "postgres:17", volumes: ["pg:/var/lib/postgresql/data"] }
volumes: { pg: {} }
`;
const sluice = `
app: shop
migrate: { service: backend, command: alembic upgrade head }
backup: { postgres: db }
targets:
  production:
    hosts:
      - { host: deploy@one, env: { ZONE: a } }
      - { host: deploy@two, env: { ZONE: b }, services: [backend, worker] }
    env: [SECRET_KEY]
    host-env-file: /etc/shop.env
`;
const secret = '0123456789abcdef'.repeat(4);

async function resolveAll(
  repo: ComposeRepo,
  own: Partial<ResolveEffects> = {},
  images: Readonly<Record<string, string>> = {},
) {
  const config = await loadConfig(join(repo.folder, 'sluice.yml'));
  const target = targetOf(config, 'production');
  const remote: RemoteFiles = {
    exec: async (argv) =>
      argv.at(-1) === '/etc/shop.env'
        ? { code: 0, stdout: 'TAG=v1\n', stderr: '' }
        : { code: 1, stdout: '', stderr: 'Permission denied' },
  };
  const effects: ResolveEffects = { env: { ...process.env, SECRET_KEY: secret }, ...own };
  return resolveHostModels(config, target, [remote, remote], images, effects);
}

describe('resolveHostModels', () => {
  test('variables, model, images, strategies and placement of each host', async () => {
    using repo = composeRepo(compose);
    repo.put('sluice.yml', sluice);
    repo.put('app.ini', 'a');
    const mask = createMask();
    const digest = `acme/backend@sha256:${secret}`;
    const env = { ...process.env, SECRET_KEY: secret, SUFFIX: '-x' };
    const [one, two] = await resolveAll(repo, { mask, env }, { backend: digest });
    expect(Object.keys(one?.carried ?? {})).toEqual(['services.backend:/app.ini']);
    expect(one?.model.services['backend']?.volumes).toHaveLength(2);
    expect(one?.warnings).toEqual([
      'SUFFIX is set here, but targets.production.env does not pass it; the compose file’s default is used',
      'backend: ./app.ini: it is not committed, so a fresh clone does not have it',
    ]);
    expect(one?.services.map(({ name, strategy }) => `${name} ${strategy}`)).toEqual([
      // It writes to a folder of the server.
      'backend recreate',
      'db keep',
      'worker workers',
    ]);
    expect(two?.services.map(({ name }) => name)).toEqual(['backend', 'worker']);
    expect(Object.keys(two?.model.services ?? {})).toContain('db');
    expect(one?.model.services['backend']).toMatchObject({
      image: digest,
      environment: { SECRET_KEY: secret, ZONE: 'a' },
    });
    expect(two?.model.services['worker']?.image).toBe('acme/backend:v1');
    expect(one?.envKeys).toEqual(['SECRET_KEY', 'TAG', 'ZONE']);
    expect(one?.envVersion).not.toBe(two?.envVersion);
    expect(mask.scrub(`the key is ${secret}`)).toBe('the key is ***');
    expect(JSON.stringify([one?.envKeys, one?.envVersion, one?.services])).not.toContain(secret);
  });

  test('hosts with the same variables are read once', async () => {
    using repo = composeRepo(compose);
    repo.put('app.ini', 'a');
    repo.put('sluice.yml', sluice.replaceAll(/env: \{ ZONE: . \}/g, 'env: { ZONE: x }'));
    const [one, two] = await resolveAll(repo);
    expect(one?.envVersion).toBe(two?.envVersion);
    expect(one?.model.services).toEqual(two?.model.services);
  });

  test.each<[string, (text: string) => string, Readonly<Record<string, string>>, string]>([
    [
      'a missing variable',
      (text) => text.replace('env: [SECRET_KEY]', 'env: [SECRET_KEY, OTHER]'),
      {},
      'env.missing',
    ],
    [
      'data on two hosts',
      (text) => text.replace(', services: [backend, worker]', ''),
      {},
      'config.placement',
    ],
    [
      'an unknown service',
      (text) => text.replace('[backend, worker]', '[backnd]'),
      {},
      'config.unknown-service',
    ],
    ['an image for nothing', (text) => text, { backnd: 'x' }, 'config.unknown-service'],
    [
      'a host file that can’t be read',
      (text) => text.replace('/etc/shop.env', '/etc/shadow'),
      {},
      'env.file-missing',
    ],
  ])('%s', async (_, change, images, code) => {
    using repo = composeRepo(compose);
    repo.put('app.ini', 'a');
    repo.put('sluice.yml', change(sluice));
    const errors = await resolveAll(repo, {}, images).then(() => [], userErrorsOf);
    expect([...new Set(errors.map((error) => error.code))]).toEqual([code]);
    expect(JSON.stringify(errors)).not.toContain(secret);
  });
});
