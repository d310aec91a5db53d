import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { addCommands } from '../../../src/cli/commands.ts';
import { complete } from '../../../src/cli/completion.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { exactEnv } from '../../../src/kernel/process/child-env.ts';
import { runProcess } from '../../../src/kernel/process/process.ts';

const sluice = resolve(import.meta.dirname, '../../../bin/sluice');
const folder = mkdtempSync(join(tmpdir(), 'sluice-completion-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sluiceYml = join(folder, 'sluice.yml');
writeFileSync(
  sluiceYml,
  'app: shop\ntargets:\n  production: { hosts: [deploy@example.com] }\n  staging: { hosts: [deploy@example.org] }\n',
);
for (const name of ['compose.yml', 'images.json']) writeFileSync(join(folder, name), 'services: {}\n');
mkdirSync(join(folder, 'images of today'));

const program = createProgram({}, []);
addCommands(program);

/** The values that are offered for a command line, without their descriptions. */
async function offered(...words: string[]): Promise<string[]> {
  const lines = (await complete(program, words)).split('\n').filter((line) => line !== '');
  return lines.map((line) => line.split('\t')[0] ?? '');
}

describe('what is offered', () => {
  test('commands, and those of a group', async () => {
    expect(await offered('')).toEqual(expect.arrayContaining(['init', 'deploy', 'cdn', 'restore']));
    expect(await offered('de')).toEqual(['deploy']);
    expect(await offered('--json', 'ro')).toEqual(['rollback']);
    expect(await offered('cdn', 'p')).toEqual(['plan', 'publish']);
    expect(await offered('nonsense', 'p')).toEqual([]);
  });

  test('options of the command and of all commands, but no hidden ones', async () => {
    const options = await offered('build', '--');
    expect(options).toEqual(
      expect.arrayContaining(['--dry-run', '--target', '--config', '--quiet', '--help']),
    );
    expect(options).not.toContain('--print');
    expect(options).not.toContain('--release');
    expect(await offered('deploy', 'production', '--no-b')).toEqual(['--no-backup']);
  });

  test('targets of sluice.yml, as argument and as value', async () => {
    const config = ['--config', sluiceYml];
    expect(await offered(...config, 'deploy', '')).toEqual(['production', 'staging']);
    expect(await offered('-c', sluiceYml, 'cdn', 'status', '--target', 'st')).toEqual(['staging']);
    expect(await offered(...config, 'deploy', '--target=p')).toEqual(['--target=production']);
    // bash splits at the equals sign.
    expect(await offered(...config, 'deploy', '--target', '=', 'p')).toEqual(['production']);
    expect(await offered(...config, 'deploy', '--target', '=')).toEqual(['production', 'staging']);
    expect(await offered(...config, 'deploy', 'production', '')).toEqual([]);
    // There it means something else.
    expect(await offered(...config, 'init', '--target', '')).toEqual([]);
  });

  test('nothing, and no error, without a sluice.yml', async () => {
    expect(await offered('--config', join(folder, 'none.yml'), 'deploy', '')).toEqual([]);
  });

  test('words of an argument, files and folders', async () => {
    expect(await offered('check', '')).toEqual(['lint', 'test', 'scan']);
    expect(await offered('completion', 'z')).toEqual(['zsh']);
    expect(await offered('deploy', '--images', 'im')).toEqual([':files']);
    expect(await offered('cdn', 'publish', '--dist', '')).toEqual([':folders']);
    expect(await offered('init', '')).toEqual(['host', ':folders']);
  });

  test('each with its description', async () => {
    expect(await complete(program, ['stat'])).toBe('status\tShow the release that is serving\n');
  });
});

const bin = join(folder, 'bin');
mkdirSync(bin);
writeFileSync(join(bin, 'sluice'), `#!/bin/sh\nexec '${process.execPath}' '${sluice}' "$@"\n`);
chmodSync(join(bin, 'sluice'), 0o755);
const env = exactEnv({ PATH: `${bin}:${process.env.PATH}`, HOME: folder });
const shell = (...argv: [string, ...string[]]) => runProcess(argv, { cwd: folder, env });

describe('bash', () => {
  /** What bash has in COMPREPLY after TAB at the end of these words. */
  async function replies(...words: string[]): Promise<string[]> {
    const script = `source <(sluice completion bash)
COMP_WORDS=(sluice "$@"); COMP_CWORD=$#
_sluice
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { code, stdout, stderr } = await shell('bash', '--norc', '-uc', script, 'bash', ...words);
    expect([code, stderr]).toEqual([0, '']);
    return stdout.split('\n').filter((line) => line !== '');
  }

  test('completes commands, options, targets and paths', async () => {
    expect(await replies('ro')).toEqual(['rollback']);
    expect(await replies('build', '--no')).toEqual(['--no-push', '--no-color']);
    expect(await replies('deploy', '')).toEqual(['production', 'staging']);
    expect(await replies('deploy', '--target', '=', 'st')).toEqual(['staging']);
    expect((await replies('deploy', '--images', 'im')).sort()).toEqual(['images of today', 'images.json']);
    expect(await replies('cdn', 'publish', '--dist', 'im')).toEqual(['images of today']);
    expect(await replies('config', 'nothing-like-this')).toEqual([]);
  });

  test('registers for the command', async () => {
    const { stdout } = await shell(
      'bash',
      '--norc',
      '-c',
      'source <(sluice completion bash); complete -p sluice',
    );
    expect(stdout).toBe('complete -F _sluice sluice\n');
  });
});

// Their own parsers, on machines that have them.
test.each([
  ['zsh', '-n'],
  ['fish', '--no-execute'],
])('%s accepts its script', async (name, option) => {
  const { code, stdout } = await shell('sluice', 'completion', name);
  expect([code, stdout.includes('sluice __complete')]).toEqual([0, true]);
  const has = await shell('sh', '-c', `command -v ${name}`);
  if (has.code !== 0) return;
  writeFileSync(join(folder, `completion.${name}`), stdout);
  expect(await shell(name, option, join(folder, `completion.${name}`))).toMatchObject({
    code: 0,
    stderr: '',
  });
});
