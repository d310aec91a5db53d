import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../bed/command.ts';
import { until } from '../e2e/harness/cli.ts';
import { expectServes } from '../e2e/harness/serves.ts';
import { openWorld, type Release, servingIn, type World } from '../e2e/harness/world.ts';
import { descendantsOf, programsWith, stillRunning } from './harness/children.ts';
import { type FakeApi, startGithubApi, token } from './harness/github-api.ts';
import { type RunningStep, type Step, type StepOptions, startStep } from './harness/step.ts';

/** The runner kills a cancelled step 7.5 s after its SIGINT has brought no end. */
const longestMs = 7_000;

let world: World;
let key: string;
let api: FakeApi;

beforeAll(async () => {
  world = await openWorld({ target: 'single' });
  key = readFileSync(world.bed.privateKeyPath, 'utf8');
});
afterAll(() => world?.close());

let runs = 0;

function optionsOf(given: Record<string, string>): StepOptions & { readonly mark: string } {
  runs += 1;
  const run = `${process.pid}${runs}`;
  return {
    workspace: world.project.folder,
    with: { target: 'single', 'ssh-key': key, environment: 'production', 'github-token': token, ...given },
    env: { GITHUB_API_URL: api.url, GITHUB_RUN_ID: run },
    mark: `GITHUB_RUN_ID=${run}`,
  };
}

const quick = { backup: 'false', migrate: 'false' };

function deployOptions(release: Release, more: Readonly<Record<string, string>> = quick) {
  return optionsOf({ release: release.name, images: world.project.images(release.version), ...more });
}

async function deploy(release: Release): Promise<Step> {
  const step = await startStep('deploy', 'main', deployOptions(release)).ended;
  if (step.outputs.outcome === 'confirmed') world.serving = release;
  return step;
}

/** The runner runs the post step whatever became of the main step, with the state that this one has saved. */
async function post(options: StepOptions, main: Step): Promise<Step> {
  const step = await startStep('deploy', 'post', options, main.state).ended;
  expect(step.code, step.log).toBe(0);
  return step;
}

/** No secret is where others read: log, outputs, states, summary. The runner is told of it by `add-mask` alone. */
function expectNoSecret(step: Step): void {
  const [, line = ''] = key.trim().split('\n');
  const said = step.log.replaceAll(/^::add-mask::.*$/gm, '');
  const all = [said, step.summary, JSON.stringify(step.outputs), JSON.stringify(step.state)].join('\n');
  expect(all.includes(line)).toBe(false);
  expect(all.includes(token)).toBe(false);
}

test('a deploy: outputs, summary, one notice, the record on GitHub; a post step with nothing to do', async () => {
  await using started = await startGithubApi();
  api = started;
  const old = servingIn(world);
  const release = world.another();
  const options = deployOptions(release);
  const step = await startStep('deploy', 'main', options).ended;
  expect(step.code, step.log).toBe(0);
  world.serving = release;
  expect(step.outputs).toMatchObject({
    ...{ release: release.name, 'previous-release': old.name, outcome: 'confirmed', reverted: 'false' },
    'deploy-id': expect.stringMatching(/^\d{8}-\d{6}-[0-9a-f]{6}$/),
    report: expect.stringMatching(/\.html$/),
  });
  const deployed = JSON.parse(step.outputs.images ?? '') as Record<string, string>;
  expect(deployed.backend).toMatch(/@sha256:[0-9a-f]{64}$/);
  expect(step.summary).toMatch(new RegExp(`^## 🟢 single serves bookreader ${release.name} `));
  const notices = step.commands.filter(({ name }) => name === 'notice');
  expect(notices.map(({ message }) => message)).toEqual([
    expect.stringContaining(`serves bookreader ${release.name}`),
  ]);
  expect(api.problems).toEqual([]);
  expect(api.accepted[0]?.body).toMatchObject({
    ref: expect.stringMatching(/^[0-9a-f]{40}$/),
    environment: 'production',
  });
  expect(api.states()).toEqual(['in_progress', 'success']);
  expectNoSecret(step);

  const after = await post(options, step);
  expect(after.log.replaceAll(/^::add-mask::.*\n/gm, '')).toBe('');
  expect(api.states()).toEqual(['in_progress', 'success']);
  await expectServes(world, release);
});

test('a dry run prints the plan and changes nothing', async () => {
  await using started = await startGithubApi();
  api = started;
  const release = world.another();
  const options = deployOptions(release);
  const step = await startStep('deploy', 'main', { ...options, with: { ...options.with, 'dry-run': 'true' } })
    .ended;
  expect(step.code, step.log).toBe(0);
  expect(step.summary).toMatch(/^## ⚪ Plan: /);
  expect(step.state).toEqual({});
  expect(api.accepted).toEqual([]);
  await expectServes(world, servingIn(world));
});

interface Cancel {
  readonly when: string;
  readonly signal: 'SIGINT' | 'SIGTERM';
  readonly wait: (step: RunningStep) => Promise<void>;
  readonly serves?: 'new';
  /** Inputs in place of those that leave out backup and migration. */
  readonly more?: Readonly<Record<string, string>>;
  /** What the next deploy does with what was left; before, the next case gets further than this one did. */
  readonly next?: true;
}
const after = (name: string) => (step: RunningStep) => step.said(new RegExp(`✓ ${name} `));
// GitHub's runner sends SIGINT, others SIGTERM. Both do one and the same from the start on (test/unit/kernel/cancel), so
// each moment has one of them.
const cancels: readonly Cancel[] = [
  { when: 'at its start', signal: 'SIGTERM', wait: (step) => step.said('Deploying ') },
  {
    // `docker compose config` runs in the variables of the target, not in those of the step.
    when: 'while docker compose reads the files',
    signal: 'SIGINT',
    wait: (step) => until('a child', () => descendantsOf(step.pid).length > 0),
  },
  { when: 'after connect', signal: 'SIGTERM', wait: after('connect') },
  { when: 'after lease', signal: 'SIGINT', wait: after('lease') },
  { when: 'after resolve', signal: 'SIGTERM', wait: after('resolve') },
  { when: 'after preflight', signal: 'SIGINT', wait: after('preflight') },
  { when: 'in backup', signal: 'SIGTERM', wait: after('transfer'), more: {}, next: true },
  { when: 'in migrate', signal: 'SIGINT', wait: after('backup'), more: {}, next: true },
  { when: 'in health', signal: 'SIGTERM', wait: after('start'), next: true },
  { when: 'before the switch', signal: 'SIGINT', wait: after('health'), next: true },
  { when: 'while armed', signal: 'SIGTERM', wait: after('switch'), next: true },
  { when: 'in retire', signal: 'SIGINT', wait: after('confirm'), serves: 'new', next: true },
];

test.each(cancels)(
  '$signal $when: it ends in time and alone, and leaves nothing in the way',
  async ({ signal, wait, serves, more, next: isNext }) => {
    await using started = await startGithubApi();
    api = started;
    const old = servingIn(world);
    const tried = world.another();
    const options = deployOptions(tried, more);
    const running = startStep('deploy', 'main', options);
    await wait(running);
    // Whoever looks for what is left must be able to see what is there.
    expect(programsWith(options.mark).length).toBeGreaterThan(0);
    const children = descendantsOf(running.pid);
    running.signal(signal);
    const step = await running.ended;
    expect(stillRunning(children), step.log).toEqual([]);
    expect(step.ms, step.log).toBeLessThan(longestMs);
    expect(programsWith(options.mark), step.log).toEqual([]);
    expect(step.code, step.log).toBe(130);
    expect(step.state.begun, step.log).toBeDefined();

    const ended = await post(options, step);
    expect(programsWith(options.mark)).toEqual([]);
    expect(api.problems).toEqual([]);
    // Cancelled before the record was made: then there is none.
    const expected = serves === 'new' ? ['success'] : ['failure', 'inactive'];
    if (api.accepted.length > 0) expect(expected, step.log + ended.log).toContain(api.states().at(-1));
    for (const output of [step, ended]) expectNoSecret(output);
    const survivor = serves === 'new' ? tried : old;
    world.serving = survivor;
    await expectServes(world, survivor);
    if (isNext !== true) return;
    const next = await deploy(serves === 'new' ? world.another() : tried);
    expect(next.code, next.log).toBe(0);
  },
);

test('a runner killed while armed: the post step undoes what is left, and ends the record on GitHub', async () => {
  await using started = await startGithubApi();
  api = started;
  const old = servingIn(world);
  const options = deployOptions(world.another());
  const running = startStep('deploy', 'main', options);
  await after('switch')(running);
  running.signal('SIGKILL');
  const step = await running.ended;
  expect(step.state).toMatchObject({ begun: expect.any(String), deployment: '1' });
  expect(step.state.ended).toBeUndefined();

  const ended = await post(options, step);
  expect(ended.log).toMatch(new RegExp(`single serves bookreader ${old.name} on 1 host; undid `));
  expect(ended.summary).toContain('undid');
  expect(api.problems).toEqual([]);
  expect(api.states()).toEqual(['in_progress', 'failure']);
  await expectServes(world, old);
  const next = await deploy(world.another());
  expect(next.code, next.log).toBe(0);
});

test('an undo that has no time: the step ends all the same, and the post step finishes', async () => {
  await using started = await startGithubApi();
  api = started;
  const old = servingIn(world);
  const options = deployOptions(world.another());
  const running = startStep('deploy', 'main', options);
  await after('switch')(running);
  const name = world.hosts[0]?.name ?? '';
  await must(['docker', 'pause', name]);
  let step: Step;
  try {
    running.signal('SIGTERM');
    step = await running.ended;
  } finally {
    await must(['docker', 'unpause', name]);
  }
  expect(step.ms, step.log).toBeLessThan(longestMs);
  expect(step.code, step.log).toBe(130);
  expect(step.state.ended, step.log).toBeUndefined();
  expect(step.log).toContain('A cancelled step has no more time: the post step finishes the rest');
  const ended = await post(options, step);
  expect(ended.log).toContain(`single serves bookreader ${old.name} on 1 host`);
  expect(api.problems).toEqual([]);
  expect(api.states()).toEqual(['in_progress', 'failure']);
  await expectServes(world, old);
});

test('the pipeline with nothing to build deploys what it is given, and its post step has nothing to do', async () => {
  await using started = await startGithubApi();
  api = started;
  const release = world.another();
  const { workspace = '', env = {}, with: given = {} } = deployOptions(release);
  const options = { workspace, env, with: { ...given, run: 'deploy' } };
  const step = await startStep('pipeline', 'main', options).ended;
  expect(step.code, step.log).toBe(0);
  world.serving = release;
  expect(step.outputs).toMatchObject({ release: release.name, outcome: 'confirmed' });
  const ended = await startStep('pipeline', 'post', options, step.state).ended;
  expect(ended.code, ended.log).toBe(0);
  expect(api.problems).toEqual([]);
  expect(api.states()).toEqual(['in_progress', 'success']);
  await expectServes(world, release);
});

test('GitHub’s API fails: a warning, and the deploy goes on', async () => {
  await using started = await startGithubApi();
  api = started;
  api.failAfter(0, 403);
  const release = world.another();
  const step = await deploy(release);
  expect(step.code, step.log).toBe(0);
  expect(step.log).toContain('permissions: { deployments: write }');
  expect(api.accepted).toEqual([]);
  await expectServes(world, release);
});

test('a rollback is recorded at the commit that serves again', async () => {
  await using started = await startGithubApi();
  api = started;
  const from = servingIn(world);
  const step = await startStep('rollback', 'main', optionsOf({})).ended;
  expect(step.code, step.log).toBe(0);
  expect(step.outputs).toMatchObject({ outcome: 'confirmed', 'previous-release': from.name });
  expect(api.problems).toEqual([]);
  expect(api.accepted[0]?.body).toMatchObject({ task: 'deploy:rollback' });
  expect(api.states()).toEqual(['in_progress', 'success']);
});

test('a backup is proven, and says so', async () => {
  await using started = await startGithubApi();
  api = started;
  const { workspace = '', env = {} } = optionsOf({});
  const given = { target: 'single', 'ssh-key': key };
  const step = await startStep('backup', 'main', { workspace, env, with: given }).ended;
  expect(step.code, step.log).toBe(0);
  expect(step.outputs).toMatchObject({ proven: 'true', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(step.summary).toMatch(/^## 🟢 Backup /);
  expectNoSecret(step);
});
