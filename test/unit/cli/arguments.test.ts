import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { exactEnv } from '../../../src/kernel/process/child-env.ts';
import { runProcess } from '../../../src/kernel/process/process.ts';

const sluice = fileURLToPath(new URL('../../../bin/sluice', import.meta.url));
const manifest = new URL('../../../package.json', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]) {
  const env = { PATH: process.env.PATH, HOME: folder };
  return runProcess([process.execPath, sluice, ...args], { cwd: folder, env: exactEnv(env) });
}

const groups: Readonly<Record<string, readonly string[]>> = {
  backup: ['make', 'list', 'verify'],
  cdn: ['plan', 'publish', 'rollback', 'status', 'verify'],
};
const alone = ['init', 'plan', 'config', 'deploy', 'rollback', 'status', 'history', 'restore', 'doctor'];
const commands = [...alone, ...Object.keys(groups)];
const leaves = commands.flatMap((name) => groups[name]?.map((leaf) => [name, leaf]) ?? [[name]]);

describe('help', () => {
  test.each([['--help'], ['-h'], ['help'], []])('sluice %s lists the commands', async (...args) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code).toBe(0);
    for (const name of commands) expect(stdout + stderr).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  test.each(leaves)('%s %s', async (...path) => {
    const { code, stdout, stderr } = await run(...path, '--help');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^Usage: sluice ${path.join(' ')} `));
    expect(stdout).toContain('--config <file>');
  });
});

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  expect(await run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

describe('wrong arguments exit with 2, say what is wrong, and leave stdout empty', () => {
  test.each<[string, string[]]>([
    ["unknown command 'deplyo'", ['deplyo']],
    ["unknown command 'mkae'", ['backup', 'mkae']],
    ["unknown option '--yes'", ['deploy', '--yes']],
    ["unknown option '--nope'", ['--nope']],
    ["option '--release <name>' argument missing", ['deploy', '--release']],
    ['too many arguments', ['status', 'production', 'more']],
    ['--watch soon: expected a duration', ['deploy', '--watch', 'soon']],
    ['--watch 2h: expected a duration', ['rollback', '--watch', '2h']],
    ['--image backend: expected SERVICE=REFERENCE', ['deploy', '--image', 'backend']],
    ['--image =x: expected SERVICE=REFERENCE', ['plan', '--image', '=x']],
    ['--images none.json: ENOENT', ['deploy', '--images', 'none.json']],
    ['There is no sluice.yml here [config.missing]', ['deploy', 'production']],
    ['There is no sluice.yml here [config.missing]', ['status']],
    ['There is no sluice.yml here [config.missing]', ['cdn', 'publish']],
    ["unknown option '--allow-removals'", ['cdn', 'rollback', '--allow-removals']],
    ["option '--to <release>' argument missing", ['cdn', 'rollback', '--to']],
    [
      'Which target: staging, or --target production? [usage.argument]',
      ['cdn', 'status', 'staging', '--target', 'production'],
    ],
  ])('%s', async (message, args) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect([code, stdout]).toEqual([2, '']);
  });

  test('a file of images that is not what it should be', async () => {
    for (const [text, says] of [
      ['nonsense', 'is not valid JSON'],
      ['[]', 'expected an object of service'],
      ['{"backend":1}', 'backend is number'],
    ] as const) {
      writeFileSync(join(folder, 'images.json'), text);
      const { code, stderr } = await run('plan', '--images', 'images.json');
      expect(stderr).toContain(says);
      expect(code).toBe(2);
    }
  });
});

test('a sluice.yml without a site is a wrong setting, whatever is asked of the site', async () => {
  const app = mkdtempSync(join(folder, 'app-'));
  writeFileSync(
    join(app, 'sluice.yml'),
    'app: shop\ntargets:\n  production: { hosts: [deploy@example.com] }\n',
  );
  writeFileSync(join(app, 'compose.yml'), 'services: { web: { image: nginx:1.29 } }\n');
  for (const leaf of groups['cdn'] ?? []) {
    const { code, stdout, stderr } = await run(
      'cdn',
      leaf,
      'production',
      '--config',
      join(app, 'sluice.yml'),
    );
    expect(stderr).toContain('[cdn.none]');
    expect([code, stdout]).toEqual([2, '']);
  }
});

test('with --json an error is a document on stdout', async () => {
  const { code, stdout } = await run('status', '--json');
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, errors: [{ code: 'config.missing' }] });
});
