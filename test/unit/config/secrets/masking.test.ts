import { describe, expect, test } from 'vitest';
import {
  isOrdinary,
  namedSecrets,
  openNames,
  openTexts,
  secretsOf,
} from '../../../../src/config/secrets/masking.ts';

const nothing: ReadonlySet<string> = new Set();
const fromSecrets = (name: string, value: string, open = nothing) =>
  secretsOf(name, value, { isSecret: true, open });
const fromRepository = (name: string, value: string) =>
  secretsOf(name, value, { isSecret: false, open: nothing });

test.each([
  'production',
  ' True ',
  'postgres',
  '8080',
  '3600',
  '512MiB',
  '30s',
  '0.25',
  '1.2.3',
  'v1.12.3',
  '1.2.3-rc.1',
  'http://localhost:8000',
  'eu-central-1',
  '/run/secrets/db_password',
  'utf-8',
  '127.0.0.1',
])('%s is an ordinary word or number', (value) => expect(isOrdinary(value)).toBe(true));
test.each([
  'hunter22',
  '1234567890',
  'Qm7Xk2',
  'keycloak-admin',
  'sk_live_1',
  '12-34-56',
  '1.2.3.4.5',
  'http://localhost:8000/s3cret',
  '1.2.3-hunter',
])('%s is none', (value) => expect(isOrdinary(value)).toBe(false));

describe('a variable of a source of secrets', () => {
  test.each(['STRIPE_KEY', 'APP_KEY', 'JWT', 'KEYCLOAK_ADMIN', 'X'])(
    '%s is one, whatever it is called',
    (name) => {
      expect(fromSecrets(name, 'Qm7Xk2Vt9')).toEqual(['Qm7Xk2Vt9']);
    },
  );

  test('is not masked if it is the name of a service, a volume or a host, or contains one', () => {
    const open = new Set(
      openNames({
        services: { maildev: { container_name: 'mail-1' }, 'orders-db': null, x: { hostname: '${HOST}' } },
        volumes: { 'orders-data': null },
      }),
    );
    for (const value of [
      'maildev',
      'mail-1',
      'orders-db:5432',
      'http://maildev:1080/',
      'orders-data',
      'redis:6379',
    ])
      expect(fromSecrets('ANY_HOST', value, open)).toEqual([]);
    for (const value of ['${HOST}', 'maildev:x', 'orders-db/app', '12345:80', 'other:5432'])
      expect(fromSecrets('ANY_HOST', value, open)).toEqual([value]);
    expect(fromSecrets('MAIL_PASSWORD', 'maildev', open)).toEqual(['maildev']);
    expect(fromSecrets('QUEUE', 'amqp://maildev:hunter22@orders-db:5672/', open)).toContain('hunter22');
    expect(openNames('no file')).toEqual([]);
  });

  test('is none with an ordinary word, or with what sluice.yml says as well', () => {
    const open = openTexts({
      app: 'bookshop',
      targets: { prod: { url: 'https://shop.example.com/x', hosts: ['a'] } },
    });
    const shop = 'https://shop.example.com';
    for (const value of ['production', '8080', 'bookshop', 'shop.example.com', shop, `${shop}/`])
      expect(fromSecrets('SETTING', value, open)).toEqual([]);
  });

  test.each([
    ['AUTH_HOST', 'localhost'],
    ['AUTH_URL', 'http://localhost:8000'],
    ['DB_PASSWORD_FILE', '/run/secrets/db_password'],
    ['SECRET_BACKEND', 'database'],
    ['AUTH_MODE', 'production'],
  ])('is none where its name is only about secrets: %s=%s', (name, value) => {
    expect([fromSecrets(name, value), fromRepository(name, value)]).toEqual([[], []]);
  });

  test('is one all the same when its name says so', () => {
    expect(fromSecrets('DB_PASSWORD', 'postgres')).toEqual(['postgres']);
  });
});

describe('a variable of a file in the repository', () => {
  test.each([
    ['DB_PASSWORD', 'hunter22', ['hunter22']],
    ['PAYMENTS', 'sk_live_Qm7Xk2Vt9Zr4', ['sk_live_Qm7Xk2Vt9Zr4']],
    ['THEME', 'a-blue-one', []],
    ['PUBLIC_URL', 'https://shop.example.com', []],
  ])('%s=%s', (name, value, expected) => expect(fromRepository(name, value)).toEqual(expected));
});

describe('parts of addresses and connection strings', () => {
  test.each([
    ['postgres://writer:two%20w0rds@db:5432/app', ['two%20w0rds', 'two w0rds', 'writer']],
    ['mongodb://writer:s3cret@a:1,b:2/app', ['s3cret', 'writer']],
    ['redis://:pa/ss@word@cache', ['pa/ss@word']],
    ['https://0123456789abcdef@sentry.example.com/1', ['0123456789abcdef']],
    ['host=db user=app password=s3cretive dbname=x', ['s3cretive']],
    ['Server=db;User Id=app;Pwd=s3cretive;', ['s3cretive']],
    ['https://x.example.com/a?b=c&sig=s3cre%74ive', ['s3cre%74ive', 's3cretive']],
    [
      '{"type": "service_account", "private_key": "abc\\ndef", "client_secret": "xyzxyz"}',
      ['abc\ndef', 'xyzxyz'],
    ],
  ])('%s', (value, parts) => {
    const found = fromSecrets('URL', value);
    expect(found).toEqual(expect.arrayContaining([...parts, value]));
  });
});

test.each([
  ['STRIPE_TOKEN', 'Qm7Xk2Vt9', ['Qm7Xk2Vt9']],
  ['PGPASSWORD', 'postgres', []],
  ['STAGE', 'Qm7Xk2Vt9', []],
])('of what tests are given: %s=%s', (name, value, expected) => {
  expect(namedSecrets(name, value)).toEqual(expected);
  expect(namedSecrets('DATABASE_URL', `postgres://app:${value}@db/app`)).toContain(
    `postgres://app:${value}@db/app`,
  );
  expect(namedSecrets('DATABASE_URL', `postgres://app:${value}@db/app`)).not.toContain('postgres');
});
