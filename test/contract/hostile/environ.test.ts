import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bench } from '../../support/hostile/action-step.ts';

/**
 * A test file of a change that reads what its ancestors have in /proc: the environment each began with, and, where the
 * kernel lets it, the memory of the action's own process. What it looks for it knows only backwards, so that its own
 * memory and its source have none of it.
 */
const attack = `
const { test } = require('node:test');
const fs = require('node:fs');
const wanted = fs.readFileSync('wanted.txt', 'utf8').split('\\n').map((word) => [...word].reverse().join(''));
const read = (file) => { try { return fs.readFileSync(file); } catch { return Buffer.alloc(0); } };
const found = [];
const memory = [];
function inMemory(pid) {
  let mem;
  // Only where the kernel lets processes of one user do that.
  try { mem = fs.openSync('/proc/' + pid + '/mem', 'r'); } catch { return memory.push('closed'); }
  for (const line of read('/proc/' + pid + '/maps').toString().split('\\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    if (from === undefined || parseInt(to, 16) - parseInt(from, 16) > 2 ** 28) continue;
    const bytes = Buffer.alloc(parseInt(to, 16) - parseInt(from, 16));
    try { fs.readSync(mem, bytes, 0, bytes.length, parseInt(from, 16)); } catch { continue; }
    for (const word of wanted) if (bytes.includes(word)) memory.push([...word].reverse().join(''));
  }
}
test('attack', () => {
  const names = new Set(Object.keys(process.env));
  for (let pid = process.pid; pid > 1; ) {
    const environ = read('/proc/' + pid + '/environ');
    for (const word of wanted) if (environ.includes(word)) found.push([...word].reverse().join(''));
    const isAction = read('/proc/' + pid + '/cmdline').includes('step.mjs');
    if (isAction) inMemory(pid);
    // The runner above it is not ours to clean.
    if (isAction) break;
    pid = Number(read('/proc/' + pid + '/stat').toString().replace(/^.*\\) /s, '').split(' ')[1]);
  }
  fs.writeFileSync('found.json', JSON.stringify({ found: [...new Set(found)], memory: [...new Set(memory)], names: [...names] }));
});
`;

const backwards = (text: string) => [...text].reverse().join('');
const secrets = {
  key: 'sk-hunter2-ssh-private-key',
  token: 'ghs_hunter2githubtoken',
  runtime: 'ey-hunter2-runtime-token',
  identity: 'ey-hunter2-identity-token',
  aws: 'aws-hunter2-secret-access-key',
  stripe: 'stripe-hunter2-live',
};

/** @param config of sluice.yml, besides what it has to have; undefined: there is none. */
function repository(config?: string) {
  const settings = `app: shop\ntargets:\n  production:\n    hosts: [deploy@127.0.0.1]\n    env-secret: PROD_ENV\n${config}`;
  return bench({
    ...(config === undefined
      ? {}
      : { 'sluice.yml': settings, 'compose.yml': 'services:\n  web:\n    image: nginx:1.29.0\n' }),
    'package.json': JSON.stringify({ name: 'shop', private: true, scripts: { test: 'node --test' } }),
    'package-lock.json': JSON.stringify({
      name: 'shop',
      lockfileVersion: 3,
      packages: { '': { name: 'shop' } },
    }),
    'attack.test.js': attack,
    'wanted.txt': Object.values(secrets).map(backwards).join('\n'),
  });
}

/** What the runner gives to every JavaScript action, and a job's own variables. */
const platform = {
  ACTIONS_RUNTIME_TOKEN: secrets.runtime,
  ACTIONS_RESULTS_URL: 'https://results.example/',
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: secrets.identity,
  STRIPE: secrets.stripe,
  // What the repository lacks is not fetched here.
  SLUICE_TOOLS_MIRROR: 'nowhere',
};

const findings = (root: string) => {
  const file = join(root, 'found.json');
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as { found: string[]; memory: string[]; names: string[] };
};

/** The runner's own lines about masks hold each secret, for the runner to read. */
const shown = (log: string) => log.replaceAll(/^::add-mask::.*$/gm, '');

describe.concurrent('code of a change beside a key', () => {
  test.each([
    ['test', {}],
    ['pipeline', { run: 'check', 'github-token': secrets.token }],
  ] as const)('%s: a test finds no token, not even in memory', async (action, given) => {
    using repo = repository();
    const step = await repo.step(action, given, platform);
    expect(findings(repo.root)?.found, step.log).toEqual([]);
    // A variable that the workflow gives to the job is in memory: sluice.yml may hand it on.
    expect(['closed', backwards(secrets.stripe)]).toEqual(
      expect.arrayContaining(findings(repo.root)?.memory ?? ['none']),
    );
    expect(findings(repo.root)?.names).not.toContain('STRIPE');
  });

  test('pipeline: where a build comes after the checks, the environment shows no token either', async () => {
    using repo = repository('checks:\n  env: [STRIPE]\n');
    repo.git('config', 'http.https://github.com/.extraheader', 'AUTHORIZATION: basic aHVudGVyMg==');
    const step = await repo.step('pipeline', { run: 'check,build', 'github-token': secrets.token }, platform);
    const { found = [], names = [] } = findings(repo.root) ?? {};
    // What sluice.yml names is handed on, and only that.
    expect(names, step.log).toContain('STRIPE');
    expect(names).not.toContain('ACTIONS_RUNTIME_TOKEN');
    expect(found).toEqual([backwards(secrets.stripe)]);
    expect(step.log).toContain('actions/checkout left the token of the job in .git/config');
  });

  test('the whole pipeline with a key in one step is refused, and nothing of the change runs', async () => {
    using repo = repository();
    const given = { run: 'check,build,deploy', 'ssh-key': secrets.key };
    const step = await repo.step('pipeline', given, platform);
    expect(step.log).toMatch(/this step also has ssh-key\..*\[input\.keys-beside-checks\]/);
    expect(step.log).toContain('`sluice init` writes both');
    expect(shown(step.log)).not.toContain('hunter2');
    expect(step.code).toBe(2);
    expect(findings(repo.root)).toBeUndefined();
  });

  test('a pull request with a key', async () => {
    using repo = repository();
    const env = { ...platform, GITHUB_EVENT_NAME: 'pull_request' };
    const step = await repo.step('deploy', { 'ssh-key': secrets.key }, env);
    expect(step.log).toMatch(/for a pull request, and this step has ssh-key.*\[input\.keys-in-change\]/);
    expect(step.code).toBe(2);
  });
});
