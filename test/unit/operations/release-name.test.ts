import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Effects } from '../../../src/kernel/run.ts';
import { releaseName } from '../../../src/operations/deploy/release-name.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-release-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const git = (...args: string[]) =>
  execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
    encoding: 'utf8',
  }).trim();
let tagged = '';

beforeAll(() => {
  git('init', '-q', '-b', 'main');
  git('commit', '-qm', 'one', '--allow-empty');
  git('tag', '-a', 'v1.2.3', '-m', 'v1.2.3');
  tagged = git('rev-parse', 'HEAD');
  git('commit', '-qm', 'two', '--allow-empty');
});

const ofTag = { GITHUB_REF_TYPE: 'tag', GITHUB_REF_NAME: 'v1.2.3' };

async function nameOf(env: Readonly<Record<string, string>>) {
  const warned: string[] = [];
  const log = { detail: () => {}, warn: (text: string) => void warned.push(text) };
  const effects = { env, log, signal: new AbortController().signal } as unknown as Effects;
  const target = { name: 'production', requireTag: true };
  const said = await releaseName(undefined, target, folder, effects).then(
    ({ release }) => release,
    (error: { code: string }) => error.code,
  );
  return { said, warned };
}

test('a run’s tag is the name of its commit', async () => {
  git('checkout', '-q', '--detach', tagged);
  expect(await nameOf({ ...ofTag, GITHUB_SHA: tagged })).toEqual({ said: 'v1.2.3', warned: [] });
  // Some events name the object of an annotated tag.
  const env = { ...ofTag, GITHUB_SHA: git('rev-parse', 'v1.2.3') };
  expect(await nameOf(env)).toEqual({ said: 'v1.2.3', warned: [] });
});

test('and of no other that was checked out', async () => {
  git('checkout', '-q', 'main');
  const { said, warned } = await nameOf({ ...ofTag, GITHUB_SHA: tagged });
  // `git describe` gives v1.2.3-1-g…, which begins like a version and is none.
  expect(said).toBe('release.not-a-tag');
  expect(warned).toEqual([
    expect.stringContaining(`The checkout is ${git('rev-parse', 'HEAD').slice(0, 12)}`),
  ]);
});
