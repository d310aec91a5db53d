import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { refuseKeys, type Work } from '../../../src/actions/step/keys.ts';
import type { Config } from '../../../src/config/model.ts';
import type { Effects } from '../../../src/kernel/run.ts';
import { refuseBesideChecks } from '../../../src/operations/checks/keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const head = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
const other = '0'.repeat(40);

type Vars = Readonly<Record<string, string>>;

function refuse(given: object, env: Vars, payload: object = {}, work: Work = 'deploys'): Promise<string> {
  const path = join(folder, 'event.json');
  writeFileSync(path, JSON.stringify(payload));
  const all = { GITHUB_EVENT_PATH: path, GITHUB_SHA: head, GITHUB_ACTIONS: 'true', ...env };
  const effects = { env: all, signal: new AbortController().signal } as unknown as Effects;
  return refuseKeys(given as Vars, work, effects).then(
    () => 'accepted',
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  );
}

const key = { 'ssh-key': 'k' };
const follows = { workflow_run: { event: 'pull_request' } };

describe('a run whose code is that of a change', () => {
  test.each<[event: string, given: object, env: Vars, payload: object, named: string]>([
    ['pull_request', key, {}, {}, 'ssh-key'],
    ['pull_request', { 'ssh-passphrase': 'p' }, {}, {}, 'ssh-passphrase'],
    [
      'pull_request',
      {},
      { AWS_SECRET_ACCESS_KEY: 'wJal', CLOUDFLARE_API_TOKEN: 't' },
      {},
      'AWS_SECRET_ACCESS_KEY, CLOUDFLARE_API_TOKEN',
    ],
    ['pull_request_target', key, {}, {}, 'ssh-key'],
    ['pull_request_review', key, {}, {}, 'ssh-key'],
    ['pull_request_review_comment', key, {}, {}, 'ssh-key'],
    ['merge_group', {}, { SLUICE_SSH_KEY: 'k' }, {}, 'SLUICE_SSH_KEY'],
    ['push', key, { GITHUB_REF: 'refs/heads/gh-readonly-queue/main/pr-12-abc' }, {}, 'ssh-key'],
    ['workflow_run', key, { GITHUB_SHA: other }, follows, 'ssh-key'],
    [
      'workflow_run',
      key,
      { GITHUB_SHA: other },
      { workflow_run: { event: 'push', head_branch: 'gh-readonly-queue/main/pr-12-abc' } },
      'ssh-key',
    ],
    ['issue_comment', key, { GITHUB_SHA: other }, { issue: { pull_request: {} } }, 'ssh-key'],
  ])('%s %o %o gets no key', async (event, given, env, payload, named) => {
    const said = await refuse(given, { GITHUB_EVENT_NAME: event, ...env }, payload);
    expect(said).toMatch(/^input\.keys-in-change: /);
    expect(said).toContain(`this step has ${named}.`);
  });

  test.each<[event: string, env: Vars, payload: object]>([
    ['push', {}, {}],
    ['workflow_dispatch', { GITHUB_SHA: other }, {}],
    ['schedule', {}, {}],
    ['workflow_run', {}, follows],
    ['workflow_run', { GITHUB_SHA: other }, { workflow_run: { event: 'push' } }],
    ['issue_comment', { GITHUB_SHA: other }, { issue: {} }],
  ])('%s %o %o may have one', async (event, env, payload) => {
    expect(await refuse(key, { GITHUB_EVENT_NAME: event, ...env }, payload)).toBe('accepted');
  });

  test('the login of a registry may be in a build of a change, which runs nothing outside of containers', async () => {
    const pull = { GITHUB_EVENT_NAME: 'pull_request' };
    const ofAws = { ...pull, AWS_SECRET_ACCESS_KEY: 'wJal' };
    expect(await refuse({ 'registry-password': 'p' }, pull, {}, 'builds')).toBe('accepted');
    expect(await refuse({}, ofAws, {}, 'builds')).toBe('accepted');
    expect(await refuse({}, ofAws)).toMatch(/^input\.keys-in-change/);
    expect(await refuse(key, pull, {}, 'builds')).toMatch(/^input\.keys-in-change/);
  });
});

describe('beside checks', () => {
  test.each<[given: object, env: Vars, named: string]>([
    [key, {}, 'ssh-key'],
    [{ 'registry-password': 'p' }, {}, 'registry-password'],
    [{}, { SLUICE_REGISTRY_PASSWORD: 'p' }, 'SLUICE_REGISTRY_PASSWORD'],
    [{}, { AWS_SESSION_TOKEN: 't' }, 'AWS_SESSION_TOKEN'],
  ])('%o %o', async (given, env, named) => {
    const said = await refuse(given, { GITHUB_EVENT_NAME: 'push', ...env }, {}, 'checks');
    expect(said).toMatch(/^input\.keys-beside-checks: /);
    expect(said).toContain(`this step also has ${named}.`);
  });

  test('a later step of the job', async () => {
    const job = { RUNNER_TEMP: folder, GITHUB_EVENT_NAME: 'push' };
    expect(await refuse(key, job)).toBe('accepted');
    expect(await refuse({}, job, {}, 'checks')).toBe('accepted');
    expect(await refuse({}, job)).toBe('accepted');
    expect(await refuse(key, job)).toContain('an earlier step of this job ran checks');
  });

  test('the env file of a target, by the name that sluice.yml gives it', () => {
    const config = { targets: { production: { env: [{ kind: 'secret-file', variable: 'PROD_ENV' }] } } };
    const env = { GITHUB_ACTIONS: 'true', PROD_ENV: 'STRIPE_KEY=x' };
    expect(() => refuseBesideChecks(env, config as unknown as Config)).toThrow(
      /this step also has PROD_ENV\./,
    );
  });

  test('keys of a store that tests run themselves are none; a person’s own machine is that person’s', () => {
    const here = { GITHUB_ACTIONS: 'true', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'minioadmin' };
    expect(() => refuseBesideChecks(here, undefined)).not.toThrow();
    expect(() => refuseBesideChecks({ ...here, AWS_SECRET_ACCESS_KEY: 'wJal' }, undefined)).toThrow(
      /AWS_SECRET/,
    );
    expect(() => refuseBesideChecks({ AWS_SECRET_ACCESS_KEY: 'wJal' }, undefined)).not.toThrow();
  });
});
