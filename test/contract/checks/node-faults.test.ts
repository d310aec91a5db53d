import { afterAll, describe, expect, test } from 'vitest';
import { nodeTools } from '../../../src/checks/tools/all.ts';
import { checkBench, checkedRepo, defaultSettings } from '../../support/checks/context.ts';

/** Plays any of the tools, as FAKE says. */
const fake = `#!/usr/bin/env node
const { writeFileSync } = require('node:fs');
const args = process.argv.slice(2);
const report = args.map((word, at) => (word === '-o' ? args[at + 1] : /^--outputFile(?:\\.json)?=(.*)/.exec(word)?.[1])).find(Boolean);
const broken = '[{"filePath": "/x", "messages": [';
({
  killed: () => process.kill(process.pid, 'SIGKILL'),
  crashed: () => process.kill(process.pid, 'SIGSEGV'),
  unknown: () => process.exit(99),
  silent: () => process.exit(1),
  broken() {
    if (report) writeFileSync(report, broken);
    process.stdout.write(broken);
    process.exitCode = 1;
  },
  // Beyond what is kept.
  torrent() {
    const line = 'x'.repeat(1023) + '\\n';
    const block = line.repeat(1024);
    let left = 20;
    const more = () => {
      while (left-- > 0) if (!process.stdout.write(block)) return process.stdout.once('drain', more);
    };
    process.exitCode = 1;
    more();
  },
  hostile() {
    const text = '::error::owned\\n##[set-env name=a]b\\n\\u001b]0;title\\u0007::stop-commands::x\\n';
    process.stdout.write(text);
    process.stderr.write(text);
    process.exitCode = 1;
  },
  hanging: () => setInterval(() => {}, 1000),
})[process.env.FAKE]();
`;

const packages = ['eslint', 'typescript', 'prettier', '@biomejs/biome', 'vitest', 'jest'];
const programs: Readonly<Record<string, string>> = { typescript: 'tsc', '@biomejs/biome': 'biome' };
const versions = Object.fromEntries(packages.map((name) => [name, '1.0.0']));
const lock = {
  lockfileVersion: 3,
  packages: {
    '': { devDependencies: versions },
    ...Object.fromEntries(packages.map((name) => [`node_modules/${name}`, { version: '1.0.0' }])),
  },
};

const repo = checkedRepo({
  '.gitignore': 'node_modules/\n',
  'package.json': JSON.stringify({ devDependencies: versions }),
  'package-lock.json': JSON.stringify(lock),
  'eslint.config.js': '',
  'tsconfig.json': '{}',
  '.prettierrc': '',
  'biome.json': '{}',
  'vitest.config.js': '',
  'jest.config.js': '',
});
for (const name of packages) {
  const manifest = { name, version: '1.0.0', bin: { [programs[name] ?? name]: 'fake.js' } };
  repo.put(`node_modules/${name}/package.json`, JSON.stringify(manifest));
  repo.put(`node_modules/${name}/fake.js`, fake);
}
repo.put('node_modules/.package-lock.json', JSON.stringify(lock));
afterAll(() => repo[Symbol.dispose]());

async function runAll(behaviour: string, signal?: AbortSignal) {
  const opened = await repo.open();
  const env = { FAKE: behaviour };
  using bench = checkBench(opened, signal === undefined ? { env } : { env, signal });
  const checks = nodeTools.flatMap((tool) => tool.plan(opened, defaultSettings));
  expect(checks.map(({ id }) => id)).toEqual(['eslint', 'tsc', 'prettier', 'biome', 'vitest', 'jest']);
  // Awaited here: the bench is gone when this returns.
  return await Promise.all(checks.map(async (check) => ({ id: check.id, output: await bench.run(check) })));
}

describe('a tool that says nothing to be trusted did not run', () => {
  test.each([
    ['killed', /killed, most likely because the machine ran out of memory/],
    ['crashed', /./],
    ['unknown', /exited with code 99, which is not documented/],
    ['silent', /./],
    ['broken', /./],
    ['torrent', /./],
    ['hostile', /./],
  ])('%s', async (behaviour, why) => {
    for (const { id, output } of await runAll(behaviour)) {
      expect(output, id).toMatchObject({ ran: false, why: expect.stringMatching(why) });
      const said = JSON.stringify(output);
      expect(said.length, id).toBeLessThan(6_000);
      expect(said, id).not.toMatch(/(?:"|\\n)\s*::|##\[|\\u001b/);
    }
  });

  test('one that hangs ends with the run', async () => {
    const stop = new AbortController();
    const runs = runAll('hanging', stop.signal);
    setTimeout(() => stop.abort(new Error('too long')), 300);
    await expect(runs).rejects.toThrow('too long');
  });

  test('one that is not installed is named', async () => {
    using bare = checkedRepo({ 'package.json': '{}', 'eslint.config.js': '' });
    const opened = await bare.open();
    using bench = checkBench(opened);
    const [check] = nodeTools.flatMap((tool) => tool.plan(opened, defaultSettings));
    if (check === undefined) throw new Error('nothing is planned');
    expect(await bench.run(check)).toEqual({
      ran: false,
      why: 'eslint is not installed in this repository',
      fix: 'Add eslint to its devDependencies.',
    });
  });
});
