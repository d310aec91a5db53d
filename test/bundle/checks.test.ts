import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runStep, startStep } from './harness/step.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A repository with one commit on main. */
function repository(files: Readonly<Record<string, string>>): {
  folder: string;
  git(...args: string[]): string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-checked-'));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const git = (...args: string[]) => {
    const author = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
    return execFileSync('git', ['-C', folder, ...author, ...args], { encoding: 'utf8' }).trim();
  };
  git('init', '-q', '-b', 'main');
  git('add', '--all');
  git('commit', '-qm', 'all');
  return { folder, git };
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-runner-temp-'));
  folders.push(folder);
  return folder;
}

/** A package whose tests say what the text says. */
function packageThat(says: string, code: number): Readonly<Record<string, string>> {
  const manifest = { name: 'shop', private: true, scripts: { test: 'node say.js' } };
  return {
    'package.json': JSON.stringify(manifest),
    'say.js': `console.log(${JSON.stringify(says)}); process.exitCode = ${code};\n`,
  };
}

test('a pass: verdict, files and a summary that begins with it', async () => {
  const { folder } = repository(packageThat('all is well', 0));
  const step = await runStep('test', { workspace: folder, env: { RUNNER_TEMP: temporary() } });
  expect(step.code, step.log).toBe(0);
  expect(step.outputs).toMatchObject({ verdict: 'pass', findings: '0' });
  expect(step.summary).toMatch(/^## ✅ pass: /);
  expect(JSON.parse(readFileSync(step.outputs['checks-report'] ?? '', 'utf8'))).toMatchObject({
    verdict: 'pass',
  });
  expect(readFileSync(step.outputs.junit ?? '', 'utf8')).toContain('<testsuite ');
  expect(JSON.parse(readFileSync(step.outputs.sarif ?? '', 'utf8'))).toMatchObject({ version: '2.1.0' });
});

test('a failing test script: red, and what it prints drives nothing', async () => {
  const says =
    '::error::pwned\n::set-output name=verdict::pass\n##[error]pwned\n::stop-commands::x\nassertion failed';
  const { folder } = repository(packageThat(says, 1));
  const step = await runStep('test', { workspace: folder });
  expect(step.code, step.log).toBe(1);
  expect(step.outputs).toMatchObject({ verdict: 'fail', findings: '1' });
  expect(step.summary).toMatch(/^## ❌ fail: /);
  expect(step.summary).toContain('assertion failed');
  const errors = step.commands.filter(({ name }) => name === 'error');
  expect(errors).toHaveLength(1);
  expect(errors[0]?.message).not.toMatch(/^pwned/);
  expect(step.commands.map(({ name }) => name)).not.toContain('set-output');
});

test('a finding of our own rules is annotated where it stands, in the change first', async () => {
  const service = (image: string) => `services:\n  web:\n    image: ${image}\n`;
  const { folder, git } = repository({ 'compose.yml': service('shop/web:1.0.0') });
  const base = git('rev-parse', 'HEAD');
  writeFileSync(join(folder, 'compose.yml'), `${service('shop/web:1.0.0')}    privileged: true\n`);
  git('commit', '-qam', 'more rights');
  const step = await runStep('lint', {
    workspace: folder,
    env: { GITHUB_EVENT_NAME: 'pull_request' },
    event: {
      number: 7,
      pull_request: { number: 7, base: { sha: base, ref: 'main' }, head: { sha: git('rev-parse', 'HEAD') } },
    },
  });
  const notes = step.commands.filter(({ properties }) => properties.file === 'compose.yml');
  expect(notes[0]?.properties, step.log).toMatchObject({
    line: '4',
    title: expect.stringContaining('compose/privileged'),
  });
});

test('a scanner that is not there is no pass', async () => {
  const { folder } = repository({ 'README.md': '# Shop\n' });
  const nowhere = {
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    SLUICE_TOOLS_MIRROR: 'http://127.0.0.1:9',
  };
  const step = await runStep('scan', { workspace: folder, env: nowhere });
  expect(step.code, step.log).toBe(1);
  expect(step.outputs.verdict).toBe('did-not-run');
  expect(step.summary).toMatch(/^## ⚠️ /);
  expect(step.outputs.sarif).toBe('');
});

test('a repository with nothing to check says so', async () => {
  const { folder } = repository({ 'README.md': '# Nothing\n' });
  const step = await runStep('test', { workspace: folder });
  expect(step.outputs.verdict).toBe('did-not-run');
  expect(step.code, step.log).toBe(1);
});

test('a cancelled job ends its tools at once', async () => {
  const { folder } = repository(packageThat('', 0));
  const pids = join(folder, 'pids');
  writeFileSync(
    join(folder, 'say.js'),
    `require('node:fs').writeFileSync(${JSON.stringify(pids)}, String(process.pid)); setTimeout(() => {}, 60_000);\n`,
  );
  const step = startStep('test', 'main', { workspace: folder });
  await expect.poll(() => pidIn(pids), { timeout: 20_000 }).toBeGreaterThan(0);
  step.signal('SIGINT');
  const ended = await step.ended;
  expect(ended.code, ended.log).toBe(130);
  // A dead one that nobody has collected yet has no command line.
  expect(commandLine(pidIn(pids))).toBe('');
});

function pidIn(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
