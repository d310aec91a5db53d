import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { startGithubApi, token } from './harness/github-api.ts';
import { runStep, type Step, startStep } from './harness/step.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function workspace(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-workspace-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const config = `app: shop
targets:
  production: { hosts: [deploy@127.0.0.1:9], url: "https://shop.example.com" }
`;
const compose = 'services: { web: { image: "registry.example.com/shop/web:1" } }\n';
const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${'c3ludGhldGlj'.repeat(5)}\n-----END OPENSSH PRIVATE KEY-----\n`;

/** What of the annotations GitHub would drop, or would take for a command of ours. */
function expectWithinLimits(step: Step): void {
  const levels = ['error', 'warning', 'notice'];
  for (const level of levels) {
    const all = step.commands.filter(({ name }) => name === level);
    expect(all.length, level).toBeLessThanOrEqual(10);
    for (const { message, properties } of all) {
      expect(Buffer.byteLength(message)).toBeLessThanOrEqual(4096);
      expect((properties.title ?? '').length).toBeLessThanOrEqual(255);
    }
  }
  expect(Buffer.byteLength(step.summary)).toBeLessThanOrEqual(1024 * 1024);
  const ours = [...levels, 'add-mask', 'group', 'endgroup'];
  expect(step.commands.filter(({ name }) => !ours.includes(name))).toEqual([]);
}

describe('limits', () => {
  test('1,000 faults in sluice.yml: ten annotations, the tenth counts the others; all are in the summary', async () => {
    const faults = Array.from({ length: 1000 }, (_, index) => `wrong-${index}: ${index}\n`).join('');
    const step = await runStep('deploy', {
      workspace: workspace({ 'sluice.yml': config + faults, 'compose.yml': compose }),
    });
    expectWithinLimits(step);
    const errors = step.commands.filter(({ name }) => name === 'error');
    expect(errors).toHaveLength(10);
    expect(errors[0]?.properties).toMatchObject({ file: 'sluice.yml', line: '4' });
    expect(errors.at(-1)?.message).toContain('991 more');
    expect(step.summary).toContain('wrong-999');
  });

  test('the summary ends before the limit, also when others have written to it', async () => {
    const faults = Array.from({ length: 4000 }, (_, index) => `${'x'.repeat(300)}${index}: ${index}\n`).join(
      '',
    );
    const folder = workspace({
      'sluice.yml': `${config}${faults}`.slice(0, 500_000),
      'compose.yml': compose,
    });
    const step = await runStep('deploy', { workspace: folder, summary: `${'y'.repeat(1_000_000)}\n` });
    expectWithinLimits(step);
    expect(step.summary.startsWith('yyy')).toBe(true);
    expect(step.summary).toContain('🔴');
  });

  test('5 MB that docker compose says: the summary and annotations keep their limits', async () => {
    const bad = `services:\n  web:\n    image: x\n    ${'k'.repeat(5_000_000)}: 1\n`;
    const step = await runStep('deploy', {
      workspace: workspace({ 'sluice.yml': config, 'compose.yml': bad }),
      with: { 'ssh-key': key },
    });
    expect(step.code).not.toBe(0);
    expectWithinLimits(step);
  });
});

describe('hostile content', () => {
  const evil = [
    'v1\n::error::from the tag\n::set-output name=outcome::confirmed',
    '##[set-output name=outcome]confirmed',
    'v1\r\n::add-mask::e',
    'ghadelimiter_00000000-0000-0000-0000-000000000000',
    '%0A::stop-commands::x',
    '\u001b[31m::error::red',
  ];
  test.each(evil)('a release called %j', async (release) => {
    const step = await runStep('deploy', {
      workspace: workspace({ 'sluice.yml': config, 'compose.yml': compose }),
      with: { release, 'ssh-key': key },
      env: { GITHUB_REF_NAME: release, GITHUB_REF_TYPE: 'tag', GITHUB_ACTOR: release },
    });
    expectWithinLimits(step);
    expect(step.outputs).toEqual({});
    expect(Object.keys(step.state).sort()).toEqual(['begun', 'ended']);
    expect(step.code).not.toBe(70);
  });

  test.each(evil)('a target called %j is kept in the state as it is', async (target) => {
    const step = await runStep('deploy', {
      workspace: workspace({ 'sluice.yml': config, 'compose.yml': compose }),
      with: { target, 'ssh-key': key },
    });
    expectWithinLimits(step);
    expect(JSON.parse(step.state.begun ?? '')).toEqual({ target: target.trim() });
  });

  test.each([
    '',
    'no JSON',
    '[]',
    'null',
    '{"pull_request":5}',
    '{"pull_request":{"head":[]}}',
    `"${'x'.repeat(100_000)}"`,
  ])('an event of %j', async (event) => {
    await using api = await startGithubApi();
    const step = await runStep('deploy', {
      workspace: workspace({ 'sluice.yml': config, 'compose.yml': compose }),
      with: { release: 'v1', environment: 'production', 'github-token': token },
      event,
      env: { GITHUB_EVENT_NAME: 'pull_request', GITHUB_API_URL: api.url },
    });
    expect(step.code, step.log).toBe(1);
    expectWithinLimits(step);
    expect(api.problems).toEqual([]);
  });

  test.each(['GITHUB_OUTPUT', 'GITHUB_STATE'])('a %s that is not there', async (name) => {
    const step = await runStep('deploy', {
      workspace: workspace({ 'sluice.yml': config, 'compose.yml': compose }),
      with: { 'ssh-key': key },
      env: { [name]: '/nonexistent/file' },
    });
    expect(step.code).not.toBe(0);
    expect(step.code, step.log).not.toBe(70);
    expectWithinLimits(step);
  });

  test('secrets are masked for the runner, line by line, before anything else is said', async () => {
    const password = 'registry-pass' + 'word-synthetic';
    const step = await runStep('deploy', {
      workspace: workspace({ 'sluice.yml': config, 'compose.yml': compose }),
      with: { 'ssh-key': key, 'registry-user': 'me', 'registry-password': password, release: password },
    });
    const masked = step.commands.filter(({ name }) => name === 'add-mask').map(({ message }) => message);
    expect(masked).toContain(password);
    expect(masked).toContain(key.split('\n')[1]);
    expect(step.log.indexOf('::add-mask::')).toBe(0);
    const said = step.log.replaceAll(/^::add-mask::.*$/gm, '') + step.summary + JSON.stringify(step.state);
    expect(said).not.toContain(password);
    expect(said).not.toContain(key.split('\n')[1]);
  });
});

describe('the record on GitHub of a deploy that fails before it has a plan', () => {
  test('created, in progress, failure; and the post step has nothing to add', async () => {
    await using api = await startGithubApi();
    const options = {
      workspace: workspace({ 'sluice.yml': config, 'compose.yml': compose }),
      with: { release: 'v1', environment: 'staging', 'github-token': token },
      env: { GITHUB_API_URL: api.url, HOME: '/nonexistent' },
    };
    const step = await runStep('deploy', options);
    expect(step.code, step.log).toBe(1);
    expect(step.log).toContain('secrets.SSH_KEY');
    const post = await startStep('deploy', 'post', options, step.state).ended;
    expect(post.code, post.log).toBe(0);
    expect(api.problems).toEqual([]);
    expect(api.states()).toEqual(['in_progress', 'failure']);
    expect(api.accepted.map(({ body }) => body.environment)).toEqual(['staging', 'staging', 'staging']);
  });

  test('statuses are sent again when GitHub fails for a moment', async () => {
    await using api = await startGithubApi();
    // The deployment is asked for once, so that there are never two; its statuses up to three times.
    api.failAfter(1, 502);
    const step = await runStep('deploy', {
      workspace: workspace({ 'sluice.yml': config, 'compose.yml': compose }),
      with: { release: 'v1', environment: 'staging', 'github-token': token },
      env: { GITHUB_API_URL: api.url, HOME: '/nonexistent' },
    });
    expect(step.code, step.log).toBe(1);
    expect(api.failed()).toBe(1);
    expect(api.problems).toEqual([]);
    expect(api.states()).toEqual(['in_progress', 'failure']);
  });

  test('without a token it is a warning', async () => {
    const step = await runStep('deploy', {
      workspace: workspace({ 'sluice.yml': config, 'compose.yml': compose }),
      with: { environment: 'staging' },
      env: { HOME: '/nonexistent' },
    });
    expect(step.log).toContain('the input environment also needs github-token');
  });
});
