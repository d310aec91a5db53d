import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  return runWith({}, ...args);
}

function runWith(more: Readonly<Record<string, string>>, ...args: string[]) {
  const env = { PATH: process.env.PATH, HOME: folder, ...more };
  return runProcess([process.execPath, sluice, ...args], { cwd: folder, env: exactEnv(env) });
}

const groups: Readonly<Record<string, readonly string[]>> = {
  backup: ['make', 'list', 'verify'],
  cdn: ['plan', 'publish', 'rollback', 'status', 'verify'],
};
const alone = [
  ...['init', 'config', 'completion', 'check', 'build', 'plan', 'deploy', 'rollback'],
  ...['status', 'history', 'restore', 'doctor'],
];
const commands = [...alone, ...Object.keys(groups)];
const leaves = commands.flatMap((name) => groups[name]?.map((leaf) => [name, leaf]) ?? [[name]]);

describe('help', () => {
  test.each([['--help'], ['-h'], ['help'], []])('sluice %s lists the commands on stdout', async (...args) => {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stderr]).toEqual([0, '']);
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(stdout.match(/^(Set up|Check and build|Deploy|Operate):$/gm)).toHaveLength(4);
    for (const code of [0, 1, 2, 3, 4, 70, 130]) expect(stdout).toMatch(new RegExp(`^  ${code} +[A-Z]`, 'm'));
  });

  test.each([...Object.keys(groups)])('sluice %s without a command is its help', async (name) => {
    const { code, stdout, stderr } = await run(name);
    expect([code, stderr]).toEqual([0, '']);
    for (const leaf of groups[name] ?? []) expect(stdout).toMatch(new RegExp(`^  ${leaf} `, 'm'));
  });

  test.each(leaves)('%s %s', async (...path) => {
    const { code, stdout, stderr } = await run(...path, '--help');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^Usage: sluice ${path.join(' ')} `));
    // init writes FOLDER/sluice.yml.
    expect(stdout.includes('--config <file>')).toBe(path[0] !== 'init');
    expect(stdout).not.toMatch(/--version|default: (?:false|\[\])/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('for a reader that closes early ends without a stack', async () => {
    const argv = ['sh', '-c', '{ "$0" "$1" --help; } | true', process.execPath, sluice] as const;
    const env = exactEnv({ PATH: process.env.PATH, HOME: folder });
    expect(await runProcess(argv, { cwd: folder, env })).toMatchObject({ stderr: '' });
  });

  test('of a command below init has none of its options', async () => {
    const { stdout } = await run('init', 'host', '--help');
    expect(stdout).not.toMatch(/--production|--own-jobs/);
    expect(stdout).toContain('--config <file>');
  });
});

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  expect(await run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

describe('wrong arguments exit with 2, say what is wrong, and leave stdout empty', () => {
  test.each<[string, string[]]>([
    ['Unknown command "deplyo". Did you mean deploy? [usage.argument]', ['deplyo']],
    ['Unknown command "mkae". Did you mean make? [usage.argument]', ['backup', 'mkae']],
    ['Unknown option "--yes" [usage.argument]', ['deploy', '--yes']],
    ['→ Run `sluice deploy --help` for usage.', ['deploy', '--yes']],
    ['Unknown option "--nope" [usage.argument]', ['--nope']],
    ['Option --release needs a value: --release <name> [usage.argument]', ['deploy', '--release']],
    ['Too many arguments for "status". Expected 1 argument but got 2', ['status', 'production', 'more']],
    ['"-q, --quiet" cannot be used with option "-v, --verbose"', ['status', '-q', '-v']],
    ['tcsh: expected one of bash, zsh, fish [usage.argument]', ['completion', 'tcsh']],
    ['Missing required argument "bash|zsh|fish" [usage.argument]', ['completion']],
    ['--watch soon: expected a duration', ['deploy', '--watch', 'soon']],
    ['--watch 2h: expected a duration', ['rollback', '--watch', '2h']],
    ['--image backend: expected SERVICE=REFERENCE', ['deploy', '--image', 'backend']],
    ['--image =x: expected SERVICE=REFERENCE', ['plan', '--image', '=x']],
    ['--images none.json: the file or its folder does not exist', ['deploy', '--images', 'none.json']],
    ['none.yml The file does not exist [config.missing]', ['status', '--config', 'none.yml']],
    ['There is no sluice.yml here [config.missing]', ['deploy', 'production']],
    ['There is no sluice.yml here [config.missing]', ['status']],
    ['There is no sluice.yml here [config.missing]', ['cdn', 'publish']],
    ['Unknown option "--allow-removals"', ['cdn', 'rollback', '--allow-removals']],
    ['Option --to needs a value: --to <release>', ['cdn', 'rollback', '--to']],
    [
      'Two different targets: the argument "staging" and --target "production" [usage.argument]',
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
      ['[]', 'expected a JSON object of service'],
      ['{"backend":1}', 'backend is a number'],
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
    expect(stderr.match(/sluice\.yml/g)).toHaveLength(1);
    expect([code, stdout]).toEqual([2, '']);
  }
});

test('a date that is none is reported before a check runs', async () => {
  const { code, stderr } = await run('check', '--accept', 'x', '--until', '2026-13-01');
  expect(code).toBe(2);
  expect(stderr).toContain('--until: "2026-13-01" is not a date; write it as 2027-01-31 [usage.argument]');
});

test('with --json a wrong argument is a document on stdout, too', async () => {
  const { code, stdout } = await run('deploy', '--nope', '--json');
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    ok: false,
    errors: [
      {
        code: 'usage.argument',
        message: 'Unknown option "--nope"',
        hint: 'Run `sluice deploy --help` for usage.',
      },
    ],
  });
});

describe('a repository', () => {
  const app = mkdtempSync(join(folder, 'repository-'));
  writeFileSync(
    join(app, 'sluice.yml'),
    'app: shop\ntargets:\n  production: { hosts: [deploy@example.com] }\n  staging: { hosts: [deploy@example.org] }\n',
  );
  writeFileSync(join(app, 'compose.yml'), 'services: { web: { image: nginx:1.29 } }\n');
  const sluiceYml = join(app, 'sluice.yml');

  test('a target is named by the argument or by --target', async () => {
    const both = ['Unknown target "prod"', 'no target prod'];
    for (const args of [['prod'], ['--target', 'prod'], ['prod', '--target', 'prod']]) {
      const { code, stderr } = await run('config', ...args, '--config', sluiceYml);
      expect(both.some((text) => stderr.includes(text))).toBe(true);
      expect([code, stderr.includes('[config.unknown-target]')]).toEqual([2, true]);
    }
  });

  test('--target beside a release leaves the argument to the release', async () => {
    const { stderr } = await run('rollback', '--target', 'prod', 'v1.2.3', '--config', sluiceYml);
    expect(stderr).toContain('[config.unknown-target]');
    expect(stderr).not.toContain('v1.2.3');
  });

  test.each([['--dry-run'], ['--print']])('init %s writes nothing', async (option) => {
    const empty = mkdtempSync(join(folder, 'empty-'));
    writeFileSync(join(empty, 'compose.yml'), 'services: { web: { image: nginx:1.29 } }\n');
    const { code, stdout } = await run('init', empty, option);
    expect(code).toBe(0);
    expect(stdout).toContain('app: ');
    expect(existsSync(join(empty, 'sluice.yml'))).toBe(false);
  });

  test('--quiet leaves errors and what to do about them', async () => {
    const { stderr } = await run('status', '--quiet');
    expect(stderr).toMatch(/✗ .*\[config\.missing\]\n {2}→ /);
  });
});

describe('colors', () => {
  const red = '\u001b[31m';
  const text = async (env: Readonly<Record<string, string>>, ...args: string[]) =>
    (await runWith(env, 'status', ...args)).stderr;

  test('are for terminals, and can be forced', async () => {
    expect(await text({})).not.toContain(red);
    expect(await text({ FORCE_COLOR: '1' })).toContain(red);
    expect(await text({ FORCE_COLOR: '0' })).not.toContain(red);
    expect(await text({ FORCE_COLOR: '1' }, '--no-color')).not.toContain(red);
    expect((await runWith({ FORCE_COLOR: '1' }, '--help')).stdout).toContain('\u001b[1mUsage:');
    expect((await runWith({ FORCE_COLOR: '1' }, '--help', '--no-color')).stdout).toMatch(/^Usage:/);
  });
});

test('with --json an error is a document on stdout', async () => {
  const { code, stdout } = await run('status', '--json');
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, errors: [{ code: 'config.missing' }] });
});
