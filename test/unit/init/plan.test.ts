import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { givenWords } from '../../../src/cli/commands/init.ts';
import { planInit } from '../../../src/init/init.ts';
import { initText } from '../../../src/init/next-steps/init-text.ts';
import { nextSteps } from '../../../src/init/next-steps/next-steps.ts';
import { renderConfig } from '../../../src/init/render/config.ts';
import { notIgnored } from '../../../src/init/study/git.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** The plan for a repository with these files, on a machine without Docker and git. */
async function planOf(files: Readonly<Record<string, string>>, ownJobs = false) {
  const wishes = { production: undefined, staging: undefined, ownJobs };
  return await planInit(folderOf(files), wishes, { env: { PATH: '/nonexistent' } });
}

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-plan-'));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const compose = 'services:\n  web: { image: nginx:1.29 }\n';
const config = 'app: shop\ntargets:\n  eu: { hosts: [deploy@eu.example.com] }\n';
const site = `${config}cdn:\n  dist: public\n  store: s3://shop\n`;

describe('a site without a known front end', () => {
  test.each([false, true])('has its workflow, and a note about the build (own jobs: %s)', async (ownJobs) => {
    const { files, guess } = await planOf({ 'compose.yml': compose, 'sluice.yml': site }, ownJobs);
    const workflow = files.find(({ path }) => path === '.github/workflows/sluice-cdn.yml');
    expect(parse(workflow?.text ?? '')).toHaveProperty('jobs');
    expect(workflow?.text).toMatch(/(?:build-command|BUILD_COMMAND): ""\n/);
    expect(guess.notes.join('\n')).toContain('the CDN workflow publishes public as git has it.');
  });

  test('no site: no workflow and no note', async () => {
    const { files, guess } = await planOf({ 'compose.yml': compose, 'sluice.yml': config });
    expect(files.map(({ path }) => path).join()).not.toContain('cdn');
    expect(guess.notes.join('\n')).not.toContain('CDN');
  });
});

describe('env files of the targets', () => {
  test.each([
    ['', ['.env.eu']],
    ['.env.*\n', []],
  ])('with a .gitignore of %j, git would add %j', async (ignore, expected) => {
    const folder = folderOf({ 'compose.yml': compose, 'sluice.yml': config, '.gitignore': ignore });
    execFileSync('git', ['init', '-q', folder]);
    expect(await notIgnored(folder, ['.env.eu'], { env: process.env })).toEqual(expected);
  });

  test('without a repository none is named', async () => {
    expect((await planOf({ 'compose.yml': compose, 'sluice.yml': config })).unignored).toEqual([]);
  });

  test('a new example file names the files of the steps', async () => {
    const web = 'services:\n  web: { image: nginx:1.29, environment: { TOKEN: "${TOKEN}" } }\n';
    const { env } = await planOf({ 'compose.yml': web });
    expect(env?.text).toContain('Copy this file to .env.TARGET, such as .env.production,');
  });
});

test('env files that git does not ignore are added to .gitignore first, and .gitignore to the commit', async () => {
  const web = 'services:\n  web: { image: nginx:1.29, environment: { TOKEN: "${TOKEN}" } }\n';
  const { guess } = await planOf({ 'compose.yml': web });
  const commands = (unignored?: readonly string[]) =>
    nextSteps({ guess, files: ['sluice.yml'], example: undefined, unignored }).flatMap(
      (step) => step.commands,
    );
  expect(commands().join('\n')).not.toContain('.gitignore');
  const all = commands(['.env.production', '.env.other']);
  const at = all.indexOf("printf '%s\\n' '' .env.production >> .gitignore");
  expect(at).toBeGreaterThan(-1);
  expect(at).toBeLessThan(all.findIndex((command) => command.startsWith('touch')));
  expect(all).toContain('git add sluice.yml .gitignore');
});

test('the commands that apply a diff repeat the options of this run', async () => {
  const plan = await planOf({ 'compose.yml': compose, 'sluice.yml': config });
  const [file] = plan.files;
  if (file === undefined) throw new Error('no file');
  const two = { ...plan, files: [file, { ...file, path: 'x.yml' }] };
  const lines = (given?: Parameters<typeof initText>[4]) =>
    initText(two, ['left', 'left'], [], undefined, given).split('\n');
  const options = { staging: 'deploy@test.example.com', compose: ['a b.yml'], target: ['eu=x@eu.io'] };
  const words = givenWords('shop', { ...options, ownJobs: true, check: false });
  const again =
    "  sluice init shop --staging deploy@test.example.com --target eu=x@eu.io --compose 'a b.yml' --own-jobs --no-check";
  const all = lines({ words, folder: 'shop' });
  expect(all).toContain(`${again} --write shop/sluice.yml`);
  expect(all).toContain(`${again} --force`);
  expect(lines()).toContain('  sluice init --write sluice.yml');
  expect(lines()).toContain('  sluice init --force');
  const none = givenWords(undefined, { staging: false, production: 'a@b' });
  expect(none).toEqual(['--production', 'a@b', '--no-staging']);
});

test('sluice.yml says how a strategy is changed: below, or with the line to write', async () => {
  const { guess } = await planOf({ 'compose.yml': compose });
  const plan = { name: 'web', strategy: 'blue-green', reason: 'x', replicas: 1, ports: [] } as const;
  const more = { health: undefined, startDeadlineMs: 1, stopGraceMs: 1 };
  const web = { name: 'web', plan: { ...plan, ...more }, own: {}, why: [], maybe: undefined };
  const plain = renderConfig({ ...guess, services: [web] });
  expect(plain).toContain('To change one, write for example:\n# services: { web: { strategy: recreate } }\n');
  const open = renderConfig({ ...guess, services: [{ ...web, own: { port: 80 } }] });
  expect(open).toContain('set its `strategy:` below.\n');
  expect(open).toContain('\nservices:\n  web: { port: 80 }\n');
});
