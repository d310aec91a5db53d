import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guessTargets } from '../../../src/init/guess/targets.ts';
import { renderCaller } from '../../../src/init/render/callers.ts';
import { type Given, type Stage, stage } from '../../support/hostile/act.ts';

// The workflows as a runner executes them: which secrets each job has, and what a build can do about it.

const others = ['eu'].map((name) => ({ name, host: 'deploy@eu.example.com' }));
const targets = guessTargets(undefined, {
  production: 'deploy@p.example.com',
  staging: 'deploy@s.example.com',
  others,
});
const front = { folder: '.', build: 'sh ./attack.sh' };
const pair = targets.filter(({ name }) => name !== 'eu');
const facts = { branches: ['main'], config: 'sluice.yml', targets, backups: [], front };

/** What packages of a front end could do: name another target, and look for keys. */
const attack = `
echo TARGET=production >>"$GITHUB_ENV"
echo AWS_ACCESS_KEY_ID=of-the-attacker >>"$GITHUB_ENV"
echo "target=production" >>"$GITHUB_OUTPUT"
env >"$WITNESS/build.env"
echo 'app: other' >sluice.yml
mkdir -p dist/.well-known && echo ok >dist/index.html && echo ok >dist/.well-known/a
`;

const keys = [
  'SSH_KEY',
  'KNOWN_HOSTS',
  'ENV_FILE',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'CLOUDFLARE_API_TOKEN',
];
const ofTarget = (prefix: string) => [...keys, 'ENV'].map((name) => `${prefix}_${name}`);
const plain = Object.fromEntries([...keys, 'SLACK_WEBHOOK_URL'].map((name) => [name, `value-of-${name}`]));
const byTarget = Object.fromEntries(
  [...ofTarget('PROD'), ...ofTarget('STAGING')].map((name) => [name, `value-of-${name}`]),
);

/** A caller of before there were environments. */
const earlier = (
  names: readonly string[],
  workflow: string,
) => `on: { workflow_dispatch: { inputs: { target: { type: string } } } }
jobs:
  a:
    uses: sluice-ci/sluice/.github/workflows/${workflow}.yml@v1
    with: { target: "\${{ inputs.target }}"${workflow === 'cdn' ? ', build-command: sh ./attack.sh' : ''} }
    secrets:
${names.map((name) => `      ${name}: \${{ secrets.${name} }}`).join('\n')}
`;
const login = (prefix: string) => ['SSH_KEY', 'KNOWN_HOSTS', 'ENV'].map((name) => `${prefix}_${name}`);
const store = (prefix: string) =>
  ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'CLOUDFLARE_API_TOKEN'].map((name) => `${prefix}_${name}`);

let repository: Stage;
beforeAll(() => {
  repository = stage({
    'sluice.yml': 'app: shop\n',
    'attack.sh': attack,
    '.github/workflows/cdn.yml': renderCaller('cdn', { ...facts, targets: pair }),
    '.github/workflows/cdn-own.yml': renderCaller('cdn', { ...facts, targets: pair, ownJobs: true }),
    '.github/workflows/deploy.yml': renderCaller('deploy', facts),
    '.github/workflows/rollback.yml': renderCaller('rollback', facts),
    '.github/workflows/backup.yml': renderCaller('backup', { ...facts, backups: targets }),
    '.github/workflows/backup-own.yml': renderCaller('backup', { ...facts, backups: targets, ownJobs: true }),
    '.github/workflows/cdn-earlier.yml': earlier([...store('PROD'), ...store('STAGING')], 'cdn'),
    '.github/workflows/deploy-earlier.yml': earlier([...login('PROD'), ...login('STAGING')], 'deploy'),
  });
});
afterAll(() => repository?.[Symbol.dispose]());

/** Secrets among all that a step was given. */
const secretsOf = ({ inputs, env }: Given) =>
  [...new Set(`${JSON.stringify(inputs)}${JSON.stringify(env)}`.match(/value-of-\w+/g))]
    .map((match) => match.slice(9))
    .sort();
const named = (given: readonly Given[], action: string, command?: string) =>
  given.filter(
    (step) => step.action === action && (command === undefined || step.inputs['command'] === command),
  );

describe.concurrent('a build that writes $GITHUB_ENV, its outputs and sluice.yml', () => {
  test.each([
    ['cdn.yml', plain, ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'CLOUDFLARE_API_TOKEN']],
    ['cdn-own.yml', plain, ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'CLOUDFLARE_API_TOKEN']],
    ['cdn-earlier.yml', byTarget, store('STAGING')],
  ])(
    'of %s for staging gets no key, and staging is published with the keys of staging',
    async (workflow, secrets, expected) => {
      const inputs = {
        target: 'staging',
        ...(workflow === 'cdn-earlier.yml' ? {} : { command: 'publish', to: '' }),
      };
      const { code, log, given } = await repository.run({ workflow, inputs, secrets });
      expect(code, log).toBe(0);
      const seen = named(given, 'cdn')[0]?.env['WITNESS'] ?? '';
      expect(readFileSync(join(seen, 'build.env'), 'utf8')).not.toMatch(
        /value-of-|ACTIONS_ID_TOKEN_REQUEST_TOKEN/,
      );
      for (const step of named(given, 'cdn', 'dist')) expect(secretsOf(step)).toEqual([]);
      const [publish, ...more] = named(given, 'cdn', 'publish');
      expect(more).toEqual([]);
      expect(publish?.inputs).toMatchObject({
        target: 'staging',
        dist: expect.stringMatching(/\/sluice-site$/),
      });
      expect(publish === undefined ? [] : secretsOf(publish)).toEqual([...expected].sort());
      expect(publish?.env['AWS_ACCESS_KEY_ID']).toMatch(/^value-of-/);
      expect(publish?.files).toEqual(expect.arrayContaining(['index.html', '.well-known/a']));
    },
  );

  test('an artifact that has changed on its way is not published', async () => {
    const inputs = { target: 'staging', command: 'publish', to: '' };
    const { code, log, given } = await repository.run({
      workflow: 'cdn.yml',
      inputs,
      secrets: plain,
      tamper: true,
    });
    expect(code).not.toBe(0);
    // What a step says last, act does not always pass on when the step fails.
    expect(log).toMatch(/Failure - Main Compare the digest/);
    expect(named(given, 'cdn', 'publish')).toEqual([]);
  });
});

describe.concurrent('a deploy', () => {
  test.each([
    ['deploy.yml', 'eu', plain, ['ENV_FILE', 'KNOWN_HOSTS', 'SLACK_WEBHOOK_URL', 'SSH_KEY']],
    ['deploy.yml', 'production', plain, ['ENV_FILE', 'KNOWN_HOSTS', 'SLACK_WEBHOOK_URL', 'SSH_KEY']],
    ['deploy-earlier.yml', 'production', byTarget, login('PROD')],
    ['deploy-earlier.yml', 'staging', byTarget, login('STAGING')],
  ])(
    'by %s to %s has the secrets of that target, and the build has none',
    async (workflow, target, secrets, expected) => {
      const { code, log, given } = await repository.run({ workflow, inputs: { target }, secrets });
      expect(code, log).toBe(0);
      for (const step of named(given, 'build')) expect(secretsOf(step)).toEqual([]);
      const [deploy, ...more] = named(given, 'deploy');
      expect(more).toEqual([]);
      expect(deploy?.inputs['target']).toBe(target);
      expect(deploy === undefined ? [] : secretsOf(deploy)).toEqual([...expected].sort());
    },
  );
});

describe.concurrent('what else logs in', () => {
  test('a rollback has the secrets of its target, and no variables of the app', async () => {
    const inputs = { target: 'eu', release: '' };
    const { code, log, given } = await repository.run({ workflow: 'rollback.yml', inputs, secrets: plain });
    expect(code, log).toBe(0);
    expect(given.map((step) => [step.action, step.inputs['target'], secretsOf(step)])).toEqual([
      ['rollback', 'eu', ['KNOWN_HOSTS', 'SLACK_WEBHOOK_URL', 'SSH_KEY']],
    ]);
  });

  test.each(['backup.yml', 'backup-own.yml'])('%s has a key, for each target in turn', async (workflow) => {
    const { code, log, given } = await repository.run({ workflow, inputs: {}, secrets: plain });
    expect(code, log).toBe(0);
    const keys = ['KNOWN_HOSTS', 'SSH_KEY'];
    const all = given.map((step) => [step.inputs['target'], secretsOf(step)]);
    expect(all.sort()).toEqual(targets.map(({ name }) => [name, keys]).sort());
  });
});
