import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bench } from './action-step.ts';

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
function inMemory(pid) {
  const mem = fs.openSync('/proc/' + pid + '/mem', 'r');
  for (const line of read('/proc/' + pid + '/maps').toString().split('\\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    if (from === undefined || parseInt(to, 16) - parseInt(from, 16) > 2 ** 28) continue;
    const bytes = Buffer.alloc(parseInt(to, 16) - parseInt(from, 16));
    try { fs.readSync(mem, bytes, 0, bytes.length, parseInt(from, 16)); } catch { continue; }
    for (const word of wanted) if (bytes.includes(word)) found.push('memory:' + [...word].reverse().join(''));
  }
}
test('attack', () => {
  const names = new Set(Object.keys(process.env));
  for (let pid = process.pid; pid > 1; ) {
    const environ = read('/proc/' + pid + '/environ');
    for (const word of wanted) if (environ.includes(word)) found.push('environ:' + [...word].reverse().join(''));
    const isAction = read('/proc/' + pid + '/cmdline').includes('step.mjs');
    if (isAction && process.env.SLUICE_SCAN !== undefined) inMemory(pid);
    // The runner above it is not ours to clean.
    if (isAction) break;
    pid = Number(read('/proc/' + pid + '/stat').toString().replace(/^.*\\) /s, '').split(' ')[1]);
  }
  fs.writeFileSync('found.json', JSON.stringify({ found: [...new Set(found)], names: [...names] }));
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

function repository() {
  return bench({
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
};

const findings = (root: string) => {
  const file = join(root, 'found.json');
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as { found: string[]; names: string[] };
};

describe.concurrent('code of a change beside a key', () => {
  test.each([
    ['test', {}],
    ['pipeline', { run: 'check', 'github-token': secrets.token }],
  ] as const)('%s: a test finds no secret in the environment of its ancestors', async (action, given) => {
    using repo = repository();
    const step = await repo.step(action, given, platform);
    expect(findings(repo.root)?.found, step.log).toEqual([]);
    expect(findings(repo.root)?.names).not.toContain('STRIPE');
  });
});
