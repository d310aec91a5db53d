import { describe, expect, test } from 'vitest';
import { runStep, type Step, startStep } from './harness/step.ts';

const errors = (step: Step) => step.commands.filter(({ name }) => name === 'error');
const messages = (step: Step) => errors(step).map(({ message }) => message.split('\n')[0]);

describe('malformed inputs end the step before anything is done', () => {
  test.each<[action: string, given: Record<string, string>, says: string]>([
    ['deploy', { backup: 'yes' }, 'Input backup: must be true or false'],
    ['deploy', { watch: '30' }, 'Input watch: must be a duration up to 60m, such as 30s'],
    ['deploy', { watch: '2h' }, 'Input watch: must be a duration up to 60m, such as 30s'],
    [
      'deploy',
      { images: '{"backend":1}' },
      'Input images: must map each service to an image reference: {"service":"reference"}',
    ],
    ['deploy', { images: '{broken' }, 'Input images: is not valid JSON: expected {"service":"reference"}'],
    [
      'deploy',
      { images: 'gone.json' },
      'Input images: is neither JSON nor the path of a readable file (ENOENT: no such file or directory)',
    ],
    ['deploy', { relase: 'v1' }, 'Unknown input "relase"; did you mean release?'],
    ['deploy', { 'ssh-private-key': 'x' }, 'Unknown input "ssh-private-key". Use ssh-key'],
    ['deploy', { version: 'v1' }, 'Unknown input "version". Use release'],
    ['rollback', { images: '{}' }, 'Unknown input "images"'],
    ['build', { push: '1' }, 'Input push: must be true or false'],
    [
      'build',
      { 'registry-user': 'me' },
      'registry-user needs registry-password: check that its secret is set',
    ],
    ['backup', { release: 'v1' }, 'Unknown input "release"'],
    [
      'pipeline',
      { run: 'build,deploy', dist: 'dist' },
      'dist and allow-removals apply to a front end, but run does not include cdn',
    ],
    ['cdn', { command: 'sync' }, 'Input command: must be one of publish, plan, rollback, verify, dist'],
    [
      'cdn',
      { command: 'publish', to: '12' },
      'to applies to a rollback or to its plan, but command is publish',
    ],
    [
      'cdn',
      { command: 'rollback', name: 'v1', dist: 'dist' },
      'name, dist apply only when a folder is published, but command is rollback',
    ],
    ['cdn', { 'access-key': 'x' }, 'Unknown input "access-key"'],
    [
      'pipeline',
      { run: 'biuld' },
      'Input run: has an unknown part (available: check, build, deploy, cdn); did you mean build?',
    ],
    [
      'pipeline',
      { run: 'build,deploy', push: 'false' },
      'push is false, so there is nothing to deploy: remove deploy from run',
    ],
    [
      'pipeline',
      { run: 'deploy', tags: 'a' },
      'tags applies to images that are built, but run does not include build',
    ],
  ])('%s %o', async (action, given, says) => {
    const step = await runStep(action, { with: given });
    expect(messages(step), step.log).toEqual([says]);
    expect(step.code).toBe(2);
    expect(step.summary.split('\n')[0]).toMatch(new RegExp(`^## 🔴 sluice ${action}: `));
    expect(step.outputs).toEqual({});
    expect(step.state).toEqual({});
  });

  test('all of them are told at once', async () => {
    const step = await runStep('deploy', { with: { backup: 'no', force: 'maybe', stagee: 'x' } });
    expect(messages(step).sort(), step.log).toEqual([
      'Input backup: must be true or false',
      'Input force: must be true or false',
      expect.stringContaining('Unknown input "stagee"'),
    ]);
  });

  test('the post step does not tell of them again', async () => {
    const options = { with: { backup: 'no' } };
    const step = await runStep('deploy', options);
    const post = await startStep('deploy', 'post', options, step.state).ended;
    expect([post.code, post.log, post.summary]).toEqual([0, '', '']);
  });

  test('a value that may be a secret is not repeated', async () => {
    const step = await runStep('deploy', { with: { watch: 'hunter2-hunter2', host: 'a@b@c:not-a-port' } });
    expect(step.log).not.toContain('hunter2');
  });
});

describe('what is missing', () => {
  test('a repository that was not checked out', async () => {
    const step = await runStep('deploy');
    expect(messages(step), step.log).toEqual(['There is no sluice.yml here']);
    expect(errors(step)[0]?.message).toContain('actions/checkout');
    expect(step.code).toBe(2);
  });

  const fork = {
    repository: { full_name: 'acme/bookreader' },
    pull_request: { head: { repo: { full_name: 'mallory/bookreader' } } },
  };
  test.each(['deploy', 'rollback', 'backup'])(
    '%s for a pull request from a fork has no secrets',
    async (action) => {
      const step = await runStep(action, { event: fork, env: { GITHUB_EVENT_NAME: 'pull_request' } });
      expect(messages(step), step.log).toEqual([
        'This is a pull request from a fork, and GitHub passes no secrets to it, so there is no key to log in to the server with. Nothing was changed.',
      ]);
      expect(step.summary).toContain('Deploy from a branch or a tag');
      expect(step.code).not.toBe(0);
    },
  );

  test('cdn for a pull request from a fork has neither keys nor a role', async () => {
    const step = await runStep('cdn', { event: fork, env: { GITHUB_EVENT_NAME: 'pull_request' } });
    expect(messages(step), step.log).toEqual([
      'This is a pull request from a fork, and GitHub passes no secrets to it, so there are no keys for the store. Nothing was changed.',
    ]);
    expect(step.summary).toContain('Publish from a branch or a tag');
    expect(step.code).not.toBe(0);
  });

  test('a run of Dependabot', async () => {
    const env = { GITHUB_EVENT_NAME: 'pull_request', GITHUB_ACTOR: 'dependabot[bot]' };
    const step = await runStep('deploy', { env });
    expect(messages(step)[0]).toMatch(
      /^This run was started by Dependabot, and GitHub passes no secrets to it/,
    );
  });

  test('a fork that was deleted meanwhile is a fork', async () => {
    const event = { ...fork, pull_request: { head: { repo: null } } };
    const step = await runStep('deploy', { event, env: { GITHUB_EVENT_NAME: 'pull_request' } });
    expect(messages(step)[0]).toMatch(/^This is a pull request from a fork/);
  });

  test('without a word the pipeline checks a pull request, and goes on to its images only after a pass', async () => {
    const step = await runStep('pipeline', { event: fork, env: { GITHUB_EVENT_NAME: 'pull_request' } });
    expect(messages(step), step.log).toEqual(['did not run: this repository has nothing to check']);
    expect(step.log).toContain('Running all checks');
    expect(step.log).not.toContain('Building the images');
    expect(step.code).toBe(1);
    expect(step.state).toEqual({});
  });
});
