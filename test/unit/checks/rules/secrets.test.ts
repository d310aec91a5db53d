import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRepo } from '../../../../src/checks/repo.ts';
import { isExample } from '../../../../src/checks/rules/env/example-files.ts';
import { isSecretName } from '../../../../src/config/secrets/secret-names.ts';
import { ownFindings } from '../../../support/checks/own.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

type Texts = Readonly<Record<string, string>>;

/** `fail SECRET_KEY`, of one rule. */
async function said(texts: Texts, rule: string): Promise<string[]> {
  const found = await ownFindings(memoryRepo(texts));
  return found.filter((finding) => finding.rule === rule).map(({ level, subject }) => `${level} ${subject}`);
}

const random = 'q7Zk2Vn9xTb4Lr8sWd3Hm6Yc1Pf5Gj0A';

describe('secrets in images', () => {
  const image = (dockerfile: string) => said({ Dockerfile: dockerfile }, 'dockerfile/secret-in-image');
  const discarded = (lines: string) =>
    image(`FROM node:24-slim AS builder\n${lines}\nFROM node:24-slim\nCOPY --from=builder /app /app\n`);
  const final = (lines: string) => image(`FROM node:24-slim\n${lines}\n`);

  test.each([
    'ARG AUTH_SECRET=dummy',
    'ENV DATABASE_URL=postgresql://user:pass@localhost:5432/dummy',
    'ENV DATABASE_URL=postgres://app:app-at-build@127.0.0.1/app',
    'ENV SECRET_KEY_BASE=precompile-only',
    'ENV NEXTAUTH_SECRET=build-time-placeholder',
    'ENV APP_SECRET=not-a-real-secret',
    'ARG ENCRYPTION_KEY=DEADBEEF',
    'ENV JWT_SECRET=changeme',
    'ARG TOKEN\nENV TOKEN_LIFETIME=3600',
  ])('made up in a stage that is thrown away: %s', async (lines) => {
    expect((await discarded(lines)).filter((line) => line.startsWith('fail'))).toEqual([]);
  });

  test('what only the cache of the builder keeps is a note', async () => {
    const compose = (args: string) => `services: { web: { build: { context: ., args: ${args} } } }\n`;
    const builder = `FROM node:24-slim AS builder\nARG NPM_TOKEN\nFROM node:24-slim\nCOPY --from=builder /app /app\n`;
    const passed = (args: string) =>
      said({ Dockerfile: builder, 'compose.yml': compose(args) }, 'dockerfile/secret-in-image');
    expect(await passed('{ NPM_TOKEN: "${NPM_TOKEN}" }')).toEqual(['note NPM_TOKEN']);
    expect(await passed('[NPM_TOKEN]')).toEqual(['note NPM_TOKEN']);
    // Nothing passes it, so there is nothing to keep.
    expect(await passed('{ OTHER: 1 }')).toEqual([]);
    expect(await discarded('ARG NPM_TOKEN')).toEqual([]);
    expect(await discarded(`ENV DB_PASSWORD=${random}`)).toEqual(['note DB_PASSWORD']);
    expect(await discarded('ENV JWT_SECRET=dummy')).toEqual([]);
  });

  test('a placeholder in the image itself is a note: the app starts with it', async () => {
    expect(await final('ENV SECRET_KEY=dummy')).toEqual(['note SECRET_KEY']);
  });

  test('the alarms that stay', async () => {
    expect(await final('ARG NPM_TOKEN')).toEqual(['fail NPM_TOKEN']);
    expect(await final(`ENV DB_PASSWORD=${random}`)).toEqual(['fail DB_PASSWORD']);
    expect(await final('ENV DATABASE_URL=postgres://app:kT2w8Zr5Vb@db/app')).toEqual(['fail DATABASE_URL']);
    expect(await final('ARG TOKEN\nENV GITHUB_TOKEN=$TOKEN')).toEqual(['fail TOKEN', 'fail GITHUB_TOKEN']);
    // A stage that the image stands on is part of it.
    expect(await image(`FROM node:24 AS base\nENV DB_PASSWORD=${random}\nFROM base\n`)).toEqual([
      'fail DB_PASSWORD',
    ]);
    // A token of a service is known to everybody with the repository, in whatever stage.
    const token = `ghp_${'a1B2'.repeat(9)}`;
    expect(await discarded(`ENV X=${token}`)).toEqual(['fail X']);
  });
});

describe('names of settings about secrets', () => {
  test.each([
    ...[
      'API_KEY_RATE_LIMIT',
      'PASSWORD_MIN_LENGTH',
      'TOKEN_EXPIRY_SECONDS',
      'AUTH_PROVIDER',
      'ACCESS_KEY_HEADER',
    ],
    ...[
      'SECRET_NAME',
      'JWT_SECRET_ROTATION_DAYS',
      'PASSWORD_RESET_TIMEOUT',
      'AUTH_LDAP_SERVER_URI',
      'TOKEN_ALGORITHM',
    ],
    ...[
      'DB_PASSWORD_FILE',
      'ACCESS_TOKEN_EXPIRE_MINUTES',
      'PASSWORD_HASHERS',
      'ENABLE_EMAIL_PASSWORD',
      'TOKEN_URL',
    ],
    ...[
      'MYSQL_RANDOM_ROOT_PASSWORD',
      'MYSQL_ALLOW_EMPTY_PASSWORD',
      'NEXT_PRIVATE_APP_URL',
      'AUTH_METHOD',
      'PWD',
    ],
    ...[
      'API_KEY_RATE_LIMIT_PER_USER',
      'AWS_ACCESS_KEY_ID',
      'POSTGRES_HOST_AUTH_METHOD',
      'WEBHOOK_URL',
      'MAX_TOKEN_AGE',
    ],
  ])('%s is no secret', (name) => {
    expect(isSecretName(name)).toBe(false);
  });

  test.each([
    ...[
      'SECRET_KEY',
      'SECRET_KEY_BASE',
      'DB_PASSWORD',
      'POSTGRES_PASSWORD',
      'EMAIL_HOST_PASSWORD',
      'API_KEY',
      'API_KEYS',
    ],
    ...[
      'JWT_SECRET',
      'JWT_SECRET_REFRESH',
      'URL_SIGNING_KEY',
      'USER_TOKEN',
      'GITHUB_TOKEN',
      'COOKIE_SECRET',
      'AUTH_SECRET',
    ],
    ...[
      'REDIS_AUTH',
      'BASIC_AUTH',
      'SENTRY_DSN',
      'SLACK_WEBHOOK',
      'SLACK_WEBHOOK_URL',
      'KEYCLOAK_ADMIN_PASSWORD',
      'DB_PASS',
    ],
    ...['TOKEN_SECRET', 'PASSWORD_SALT', 'RATE_LIMIT_API_KEY', 'APP_SECRET_2', 'HEADER_TOKEN', 'db_password'],
  ])('%s is one', (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  test('in a committed file', async () => {
    const settings =
      'API_KEY_RATE_LIMIT=60/minute\nAUTH_PROVIDER=keycloak\nTOKEN_ALGORITHM=RS256\nSECRET_NAME=my-app-config\n';
    const compose = 'services: { web: { image: "ghcr.io/acme/web:1", env_file: [app.env] } }\n';
    const found = (env: string) => said({ 'app.env': env, 'compose.yml': compose }, 'env/committed-secret');
    expect(await found(settings)).toEqual([]);
    expect(await found(`${settings}API_KEY=${random}\n`)).toEqual(['fail API_KEY']);
    // One line that can’t be read hides nothing of the others.
    expect(await found(`what is this\nAPI_KEY=${random}\n`)).toEqual(['fail API_KEY']);
  });
});

describe('env files', () => {
  test.each([
    ...[
      '.env.example',
      '.env.dist',
      '.env.sample',
      '.env.template',
      '.env.default',
      '.env.defaults',
      'env.example',
    ],
    ...[
      'example.env',
      '.env.prod.example',
      '.env.example.sail',
      '.env.example.complete',
      'deploy/app.env.example',
      '.env-sample',
    ],
  ])('%s is one to copy', async (path) => {
    expect(isExample(path)).toBe(true);
    const found = await ownFindings(memoryRepo({ [path]: 'APP_DEBUG=true\nDB_PASSWORD=secret\n' }));
    expect(found.filter(({ level }) => level === 'fail')).toEqual([]);
    expect(await said({ [path]: `SECRET_KEY=${random}xYz1\n` }, 'env/example-secret')).toEqual([
      'fail SECRET_KEY',
    ]);
  });

  test.each(['.env', '.env.production', 'app.env', '.env.docker', 'environment.ts', '.envrc'])(
    '%s is none',
    (path) => {
      expect(isExample(path)).toBe(false);
    },
  );

  test('those that nothing of production reads are judged for leaks alone', async () => {
    const texts = { 'extra/other.env': `DEBUG=true\nSECRET_KEY=changeme\nAPI_KEY=${random}\n` };
    expect(await said(texts, 'env/debug')).toEqual([]);
    expect(await said(texts, 'env/placeholder')).toEqual([]);
    expect(await said(texts, 'env/committed-secret')).toEqual(['fail API_KEY']);
    const read = {
      ...texts,
      'compose.yml': 'services: { a: { image: "acme/a:1", env_file: extra/other.env } }\n',
    };
    expect(await said(read, 'env/debug')).toEqual(['fail DEBUG']);
    expect(await said(read, 'env/placeholder')).toEqual(['fail SECRET_KEY']);
  });

  test('a file of another way to run the app: what looks like a secret is a note, a token is none', async () => {
    const token = `ghp_${'a1B2'.repeat(9)}`;
    const texts = {
      'compose.yml': 'services: { a: { build: . } }\n',
      Dockerfile: 'FROM alpine:3.22\n',
      'bundle/Dockerfile.all': 'FROM alpine:3.22\n',
      'bundle/variables.env': `SECRET_KEY=${random}\nX=${token}\n`,
    };
    const rule = 'env/committed-secret';
    expect(await said(texts, rule)).toEqual(['note SECRET_KEY', 'fail X']);
    const built = {
      'compose.yml': 'services: { a: { build: { context: bundle, dockerfile: Dockerfile.all } } }\n',
    };
    expect(await said({ ...texts, ...built }, rule)).toEqual(['fail SECRET_KEY', 'fail X']);
    const { 'bundle/Dockerfile.all': _, ...bare } = texts;
    expect(await said(bare, rule)).toEqual(['fail SECRET_KEY', 'fail X']);
  });

  test('a file that git does not track is not committed yet', async () => {
    const root = mkdtempSync(join(tmpdir(), 'sluice-untracked-'));
    writeFileSync(join(root, '.env'), `SECRET_KEY=${random}\n`);
    execFileSync('git', ['init', '-q', root]);
    const found = async () =>
      (await ownFindings(await openRepo(root, new AbortController().signal)))
        .filter(({ rule }) => rule === 'env/committed-secret')
        .map(({ message, fix }) => [message, fix]);
    expect(await found()).toEqual([
      [
        'SECRET_KEY holds a secret, in a file that git does not ignore.',
        'Add it to .gitignore before the next commit.',
      ],
    ]);
    execFileSync('git', ['-C', root, 'add', '.env']);
    expect(await found()).toEqual([
      ['SECRET_KEY holds a secret, in a committed file.', expect.stringContaining('git rm --cached')],
    ]);
    rmSync(root, { recursive: true });
  });

  test('databases of tests, keys that are none, forms of tokens', async () => {
    const committed = (name: string, text: string) => said({ [name]: text }, 'env/committed-secret');
    expect(await committed('.env.test', 'DATABASE_URL=postgres://app:s3cret-x@db/test\n')).toEqual([]);
    expect(await committed('.env', 'DATABASE_URL=postgres://user:pass@localhost:5432/app\n')).toEqual([]);
    expect(await committed('.env', 'DATABASE_URL=postgres://app:s3cret-x@db/app\n')).toEqual([
      'fail DATABASE_URL',
    ]);
    const literal = (url: string) =>
      said(
        { 'compose.yml': `services: { a: { image: "acme/a:1", environment: { URL: "${url}" } } }\n` },
        'compose/literal-secret',
      );
    expect(await literal('ecto://postgres:postgres@db/app')).toEqual(['fail URL']);
    expect(await literal('ecto://postgres:${DB_PASSWORD}@db/app')).toEqual([]);
    const key = (body: string) =>
      `KEY="-----BEGIN RSA PRIVATE KEY-----\\n${body}\\n-----END RSA PRIVATE KEY-----"\n`;
    expect(await committed('.env.test', key('MIIEpAIBAAKCAQEA'))).toEqual([]);
    expect(await committed('.env.test', key('MIIEpAIBAAKCAQEA'.repeat(20)))).toEqual(['fail KEY']);
    const slack = (text: string) =>
      said({ '.env.example': `SLACK_BOT_TOKEN=${text}\n` }, 'env/example-secret');
    expect(await slack('xoxb-xxxx-xxxx-xxxxxxxx')).toEqual([]);
    expect(await slack('xoxb-2310984710-aB3dE5fG7h')).toEqual(['fail SLACK_BOT_TOKEN']);
  });

  test('an empty secret in a committed file is right, changePassword is a placeholder', async () => {
    expect(await said({ '.env': 'DB_PASSWORD=\n' }, 'env/weak-secret')).toEqual([]);
    expect(await said({ '.env': 'DB_PASSWORD=k3j9\n' }, 'env/weak-secret')).toEqual(['fail DB_PASSWORD']);
    expect(await said({ '.env': 'DB_PASSWORD=changePassword\n' }, 'env/placeholder')).toEqual([
      'fail DB_PASSWORD',
    ]);
    expect(await said({ '.env': 'DB_PASSWORD=changePassword\n' }, 'env/committed-secret')).toEqual([]);
  });
});
