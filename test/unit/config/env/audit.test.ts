import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { auditEnv } from '../../../../src/config/env/audit.ts';
import { guessable } from '../../../../src/config/env/guessable.ts';
import { isSecretName } from '../../../../src/config/secrets/secret-names.ts';

const long = '9d1c04b7e2f86a35c7b1e04f92d86a3b5f7e1c20d94b8a6e3f0c5d7b12a98e46';
const odd = 'q7Zk2Vn9xTb4Lr8sWd3Hm6Yc1Pf5Gj0Ae-Ruo_IiXNvBtMzKqElSgDhJwCyUpFOa';
const words = (env: Record<string, string>, example?: string) =>
  auditEnv(env, example).map(({ level, message }) => `${level}: ${message}`);

describe('auditEnv', () => {
  test('nothing to say of a good env', () => {
    const env = {
      SECRET_KEY: long,
      JWT_SECRET_KEY: `${long}1`.slice(1),
      DB_PASSWORD: long.slice(0, 32),
      REDIS_PASSWORD: `x${long}`.slice(0, 32),
      DEBUG: 'false',
      CORS_ORIGINS: 'https://shop.example.com',
      ALLOWED_HOSTS: 'shop.example.com',
      S3_BUCKET: 'example-assets',
      LOG_LEVEL: 'debug',
      AWS_SECRET_ACCESS_KEY: 'a'.repeat(40),
    };
    expect(auditEnv(env, 'SECRET_KEY=\nDB_PASSWORD=CHANGE_ME\nDEBUG=false')).toEqual([]);
  });

  test.each([
    'CHANGE_ME',
    'changeme',
    'change-this-please',
    'xxx',
    'XXXXXXXX',
    '<secret>',
    'your-secret-key',
    'your_password_here',
    'example',
    'example-secret',
    'TODO',
    'password',
    '***',
    '${SECRET}',
    '{{ secret }}',
    'insecure-dev',
    'replace_me',
    'secret-here',
    'postgres',
  ])('a placeholder: %s', (value) => {
    expect(words({ DB_PASSWORD: value })).toEqual(['error: DB_PASSWORD still contains a placeholder']);
  });

  test('placeholders in what is no secret, but not every word', () => {
    expect(words({ DOMAIN: '<your domain>', URL: 'https://changeme.example.com' })).toHaveLength(2);
    expect(words({ DOMAIN: 'example.com', ENV: 'test', DB_USER: 'postgres', BUCKET: 'default' })).toEqual([]);
  });

  test('lengths of secrets', () => {
    expect(words({ SECRET_KEY: odd.slice(0, 63) })).toEqual([
      'warning: SECRET_KEY has 63 characters, fewer than the recommended 64',
    ]);
    expect(words({ JWT_SECRET_KEY: odd.slice(0, 30) })).toEqual([
      'error: JWT_SECRET_KEY has 30 characters, fewer than the recommended 64',
    ]);
    expect(words({ DJANGO_SECRET_KEY: '' })).toEqual(['error: DJANGO_SECRET_KEY is empty']);
    expect(words({ DB_PASSWORD: odd.slice(0, 30) })).toEqual([
      'warning: DB_PASSWORD has 30 characters, fewer than the recommended 32',
    ]);
    expect(words({ REDIS_PASSWORD: 'k3j9' })).toEqual([
      'error: REDIS_PASSWORD has 4 characters, fewer than the recommended 32',
    ]);
    expect(words({ STRIPE_SECRET_KEY: 'k3j9', ADMIN_PASSWORD: 'k3j9k3j9' })).toEqual([]);
  });

  test.each([
    ['a'.repeat(64), 'has only 1 different character'],
    ['3f9c1b7a'.repeat(8), 'repeats the same 8 characters'],
    ['correct-horse-'.repeat(5), 'repeats the same 14 characters'],
    [
      'abcdefghijklmnopqrstuvwxyz0123456789qwertyuiopasdfghjklzxcvbnm0123',
      'is a keyboard or alphabet sequence',
    ],
    [
      'my-very-long-super-secret-key-for-the-production-web-site-please-1',
      'consists of words that attackers try first',
    ],
    [
      'aaaaaaaaaaaaaaaaaaaaaaaabbbbccccddddeeeezaaaaaaaaaaaaaaaaaaaaaaaa',
      'has less variety than a generated secret',
    ],
  ])('long, and easy to guess: %s', (value, why) => {
    expect(value.length).toBeGreaterThanOrEqual(64);
    expect(words({ JWT_SECRET_KEY: value })).toEqual([`error: JWT_SECRET_KEY ${why}`]);
  });

  test('the key of an emulator is known to everybody, under whatever name', () => {
    const azurite = [
      'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz',
      '4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
    ];
    expect(words({ STORAGE_SECRET_ACCESS_KEY: azurite.join('') })).toEqual([
      'error: STORAGE_SECRET_ACCESS_KEY is published in the documentation of an emulator or a test',
    ]);
  });

  test('what a generator makes is never easy to guess', () => {
    const generated = () => Buffer.from(crypto.getRandomValues(new Uint8Array(24)));
    for (let round = 0; round < 2_000; round++) {
      expect(guessable(generated().toString('hex'))).toBeUndefined();
      expect(guessable(generated().toString('base64'))).toBeUndefined();
    }
    fc.assert(fc.property(fc.string(), (text) => typeof guessable(text) !== 'object'));
  });

  test('switches that must be off', () => {
    expect(words({ DEBUG: 'true', APP_DEBUG: '1' })).toEqual([
      'error: APP_DEBUG enables debugging',
      'error: DEBUG enables debugging',
    ]);
    expect(words({ DEBUG: '0', DEBUG_LEVEL: 'true' })).toEqual([]);
    expect(words({ CORS_ORIGINS: '["*"]' })).toEqual([
      'error: CORS_ORIGINS allows every origin to use the API (*)',
    ]);
    expect(words({ CORS_ALLOWED_ORIGINS: 'https://a.example, *' })).toHaveLength(1);
    expect(words({ CORS_ORIGINS: 'https://*.example.com' })).toEqual([]);
    expect(words({ ALLOWED_HOSTS: '*' })).toEqual(['warning: ALLOWED_HOSTS accepts every host name (*)']);
  });

  test('what .env.example has', () => {
    const example =
      '# needed\nSECRET_KEY=\nDB_HOST=db\nAPI_TOKEN=CHANGE_ME\nDB_PASSWORD=devdevdevdev\nBARE\n';
    expect(words({ DB_PASSWORD: 'devdevdevdev' }, example)).toEqual([
      'error: API_TOKEN is in .env.example but not in the target’s variables',
      'error: BARE is in .env.example but not in the target’s variables',
      'error: DB_PASSWORD has the value from .env.example, which is public',
      'error: SECRET_KEY is in .env.example but not in the target’s variables',
      'warning: DB_HOST is in .env.example but not in the target’s variables',
    ]);
    expect(words({}, 'not an env file')).toEqual([
      'warning: .env.example is malformed, so it was not compared',
    ]);
    expect(words({ A: '1' }, 'A=$UNSET')).toEqual([]);
  });

  test('one secret for two purposes', () => {
    expect(words({ SECRET_KEY: long, JWT_SECRET_KEY: long })).toEqual([
      'warning: SECRET_KEY has the same value as JWT_SECRET_KEY',
    ]);
    expect(words({ DB_PASSWORD: long, POSTGRES_PASSWORD: long, REDISCLI_AUTH: long })).toEqual([]);
  });

  test('no finding holds a value', () => {
    const env = { SECRET_KEY: 'hunter2', DB_PASSWORD: 'hunter2', DEBUG: 'true', CORS_ORIGINS: 'hunter2,*' };
    expect(JSON.stringify(auditEnv(env, 'SECRET_KEY=hunter2'))).not.toContain('hunter2');
  });
});

test('names of secrets', () => {
  for (const name of ['GITHUB_TOKEN', 'API_KEY', 'DB_PASS', 'SMTP_PASSWORD', 'SENTRY_DSN', 'REDISCLI_AUTH'])
    expect(isSecretName(name)).toBe(true);
  for (const name of ['KEYBOARD', 'PASSENGER_PORT', 'AUTHOR', 'TOKENIZER', 'DB_HOST'])
    expect(isSecretName(name)).toBe(false);
});
