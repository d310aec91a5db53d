import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, standIns, upBed } from '../bed/bed.ts';
import { runStep } from './harness/step.ts';

let bed: Bed;
const folders: string[] = [];
beforeAll(async () => {
  bed = await upBed({ hosts: 1, log: () => {} });
});
afterAll(() => {
  bed?.release();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A repository of an app whose image is in a repository of the registry that no other run has. */
function repository(dockerfile: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-build-action-'));
  folders.push(folder);
  const files = {
    'sluice.yml': `app: shop\nregistry: ${bed.registry}/action-${folder.slice(-6).toLowerCase()}\ntargets: { production: { hosts: [deploy@prod.example.com] } }\n`,
    'compose.yml': 'services: { web: { build: ./web } }\n',
    'web/Dockerfile': dockerfile,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const git = (...args: string[]) =>
    void execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args]);
  git('init', '-q', '-b', 'main');
  git('add', '--all');
  git('commit', '-qm', 'all');
  return folder;
}

test('a build: images by digest, tags one a line, findings as warnings; the second one finds it', async () => {
  const workspace = repository(`FROM ${standIns.debian}\nRUN echo built > /built\n`);
  const given = { tags: 'one, two\nthree' };
  const first = await runStep('build', { workspace, with: given });
  expect(first.code, first.log).toBe(0);
  expect(first.outputs).toMatchObject({ tags: 'one\ntwo\nthree', pushed: 'true', built: '1', reused: '0' });
  const images = JSON.parse(first.outputs.images ?? '') as Record<string, string>;
  expect(images.web).toMatch(/\/web@sha256:[0-9a-f]{64}$/);
  const warnings = first.commands.filter(({ name }) => name === 'warning');
  expect(warnings.map(({ properties }) => properties.title)).toContain('sluice build web: root-user');
  expect(first.summary).toMatch(/^## 🟢 shop: 1 image built, 0 reused, tagged one, two, three in /);
  expect(first.summary).toContain('### To review');

  const again = await runStep('build', { workspace, with: given });
  expect(again.outputs).toMatchObject({ images: first.outputs.images, built: '0', reused: '1' });
});

test('a pull request from a fork is built and not pushed', async () => {
  const event = {
    repository: { full_name: 'acme/bookreader' },
    pull_request: { head: { repo: { full_name: 'mallory/bookreader' } } },
  };
  const env = {
    GITHUB_EVENT_NAME: 'pull_request',
    GITHUB_REF: 'refs/pull/7/merge',
    GITHUB_REF_NAME: '7/merge',
  };
  const workspace = repository(`FROM ${standIns.debian}\nRUN echo fork > /built\n`);
  const step = await runStep('build', { workspace, event, env });
  expect(step.code, step.log).toBe(0);
  expect(step.outputs).toMatchObject({ images: '{}', pushed: 'false', built: '1' });
  expect(step.summary).toContain('nothing pushed');
});

/** GitHub names the ref of each run but those of a deployment of a commit alone. */
const onMain = { GITHUB_REF: 'refs/heads/main', GITHUB_REF_NAME: 'main', GITHUB_REF_TYPE: 'branch' };

test('a dry run builds nothing', async () => {
  const workspace = repository(`FROM ${standIns.debian}\nRUN echo plan > /built\n`);
  const step = await runStep('build', { workspace, env: onMain, with: { 'dry-run': 'true' } });
  expect(step.code, step.log).toBe(0);
  expect(step.summary).toMatch(/^## ⚪ Build plan for shop; nothing was built/);
  expect(step.outputs).toEqual({});
});

test('a build that says 5 MB and fails: summary and annotations keep their limits', async () => {
  // BuildKit clips what one step says, so it is said in four.
  const noise = 'RUN head -c 1300000 /dev/zero | tr "\\\\0" x | fold -w 100\n';
  const evil = 'RUN echo "::error::from a step"; echo "##[set-output name=images]{}"; exit 3\n';
  const workspace = repository(`FROM ${standIns.debian}\n${noise.repeat(4)}${evil}`);
  const step = await runStep('build', { workspace, env: onMain });
  expect(step.code, step.log.slice(-2000)).toBe(1);
  const errors = step.commands.filter(({ name }) => name === 'error');
  expect(errors.map(({ properties }) => properties.title)).toEqual(['sluice build: build.failed']);
  expect(Buffer.byteLength(errors[0]?.message ?? '')).toBeLessThanOrEqual(4096);
  expect(Buffer.byteLength(step.summary)).toBeLessThanOrEqual(1024 * 1024);
  expect(step.summary).toMatch(/^## 🔴 sluice build: /);
  expect(step.outputs).toEqual({});
});
