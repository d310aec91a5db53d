import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Config } from '../../../src/config/model.ts';
import { guessTargets, realTargets, type TargetGuess } from '../../../src/init/guess/targets.ts';
import { type Caller, renderCaller } from '../../../src/init/render/callers.ts';
import { faultsOf, type Workflow } from '../../support/hostile/workflow-rules.ts';

// Who writes a workflow step that runs foreign code (packages, a checked-out file) may write $GITHUB_ENV, $GITHUB_PATH, its
// outputs and its artifacts. So nothing of that decides which secrets a job has, and no job has one that it does not use.

const root = join(import.meta.dirname, '../../..');
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');
const ours = globSync('.github/workflows/*.yml', { cwd: root });
const reusable = ours.filter((file) => 'workflow_call' in (parse(textOf(file)) as Workflow).on);

describe('the workflows of this repository', () => {
  test.each(ours)(
    '%s keeps every secret where it is used, and decides by nothing that foreign code could write',
    (file) => {
      expect(faultsOf(textOf(file))).toEqual([]);
    },
  );

  test.each(reusable)('%s uses what it declares', (file) => {
    const text = textOf(file);
    const { workflow_call: call } = (parse(text) as { on: { workflow_call: Declared } }).on;
    for (const [name, { description }] of Object.entries(call.secrets ?? {})) {
      expect(text.includes(`secrets.${name} `), name).toBe(!description.includes('not used'));
    }
  });

  test.each(reusable)('the jobs of %s for different targets differ in their names alone', (file) => {
    const { jobs } = parse(textOf(file)) as Workflow;
    const { production, staging, other } = jobs;
    if (production === undefined) return expect(file).toMatch(/ci\.yml$/);
    const plain = (job: unknown) =>
      JSON.stringify(job)
        .replace(/"if":"[^"]*"|"name":"(?:Deploy|Publish|Roll back|Back up)[^"]*"/g, '')
        .replace(/,"(?:PROD|STAGING)_ENV":"[^"]*"/g, '')
        .replace(/ \|\| (?:secrets\.(?:PROD|STAGING)_\w+|'(?:production|staging)')/g, '');
    expect(plain(production)).toBe(plain(other));
    expect(plain(staging)).toBe(plain(other));
  });
});

interface Declared {
  readonly secrets?: Readonly<Record<string, { readonly description: string }>>;
}

const named = (names: readonly string[]) =>
  guessTargets(undefined, {
    ...{ production: undefined, staging: undefined },
    others: names.map((name) => ({ name, host: 'deploy@host.example.com' })),
  });
const own = (targets: readonly TargetGuess[]) =>
  targets.map((target) => ({ ...target, envSecrets: [`${target.prefix}_ENV`], variables: ['STRIPE_KEY'] }));
const tagged = (targets: readonly TargetGuess[]) =>
  targets.map((target) => ({ ...target, requireTag: true }));
const noConfig: Config | undefined = undefined;
const standard = guessTargets(noConfig, { production: undefined, staging: undefined });

const repositories: readonly (readonly [string, readonly TargetGuess[]])[] = [
  ['production and staging', standard],
  ['production alone', guessTargets(noConfig, { production: undefined, staging: false })],
  ['prod', named(['prod'])],
  ['eu and us, of which no tag tells', named(['eu', 'us'])],
  ['eu and us, for tags', tagged(named(['eu', 'us']))],
  ['prod and staging, with secrets of their own names', own(named(['staging', 'prod']))],
  [
    'production and staging, with PROD_ENV and STAGING_ENV',
    standard.map((targetGuess) => ({ ...targetGuess, envSecrets: [`${targetGuess.prefix}_ENV`] })),
  ],
];
const callers: readonly Caller[] = ['ci', 'deploy', 'rollback', 'backup', 'cdn'];
const places = [
  { config: 'sluice.yml', app: 'shop' },
  { config: 'services/shop/sluice.yml', app: 'shop' },
];

describe.each(repositories)('what init writes for %s', (_, targets) => {
  const front = { folder: 'services/shop/web', build: 'pnpm install && pnpm run build' };
  const facts = { branches: ['main'], targets, backups: realTargets(targets), hasRegistryLogin: true, front };
  const texts = places.flatMap((place) =>
    callers.flatMap((caller) =>
      [false, true].map(
        (ownJobs) => [caller, renderCaller(caller, { ...facts, ...place, ownJobs })] as const,
      ),
    ),
  );

  test('keeps every secret where it is used, and decides by nothing that foreign code could write', () => {
    for (const [caller, text] of texts) expect([caller, faultsOf(text)]).toEqual([caller, []]);
  });

  test('is 25 lines at most where it calls a workflow, without comments for a linter', () => {
    for (const [caller, text] of texts) {
      const calls = text.includes('/.github/workflows/');
      if (calls) expect(text.trimEnd().split('\n').length, `${caller}\n${text}`).toBeLessThanOrEqual(25);
      expect(text).not.toMatch(/\bignore\b|zizmor|disable/i);
    }
  });

  test('hands to a called workflow what that one declares, each secret under its own name', () => {
    for (const [caller, text] of texts) {
      for (const { uses: called, secrets, with: given } of Object.values((parse(text) as Workflow).jobs)) {
        if (called === undefined) continue;
        const { workflow_call: call } = (parse(textOf(`.github/workflows/${caller}.yml`)) as Called).on;
        for (const [name, value] of Object.entries(secrets ?? {})) {
          expect(Object.keys(call.secrets ?? {})).toContain(name);
          expect(value).toBe(`\${{ secrets.${name} }}`);
        }
        for (const name of Object.keys(given ?? {})) expect(Object.keys(call.inputs)).toContain(name);
      }
    }
  });
});

interface Called {
  readonly on: { readonly workflow_call: Declared & { readonly inputs: object } };
}

describe('the rules find', () => {
  const job = (text: string) =>
    `on: { workflow_call: {} }\npermissions: {}\njobs:\n  a:\n    runs-on: x\n${text}`;
  const build = '      - run: npm run build\n';
  test.each([
    [
      'the step that env chose after a build',
      `    environment: x\n    steps:\n${build}      - if: env.TARGET == 'production'\n        uses: sluice-ci/sluice/actions/cdn@v1\n        env: { AWS_ACCESS_KEY_ID: "\${{ secrets.PROD_AWS_ACCESS_KEY_ID }}" }\n`,
      'decides by env.TARGET',
    ],
    [
      'a token beside a build',
      `    permissions: { id-token: write }\n    steps:\n${build}`,
      'id-token: write in a job',
    ],
    [
      'a target of an earlier job',
      `    environment: "\${{ needs.b.outputs.target }}"\n    steps: []\n`,
      'decides by needs.b.outputs.target',
    ],
    [
      'the key of another target',
      `    if: inputs.target == 'staging'\n    environment: x\n    steps:\n      - uses: sluice-ci/sluice/actions/deploy@v1\n        with: { ssh-key: "\${{ secrets.PROD_SSH_KEY }}" }\n`,
      'PROD_SSH_KEY in a job that is not for production',
    ],
    [
      'a key that a step does not use',
      `    environment: x\n    steps:\n      - uses: sluice-ci/sluice/actions/backup@v1\n        with: { slack-webhook-url: "\${{ secrets.SLACK_WEBHOOK_URL }}" }\n`,
      'does not use it',
    ],
    [
      'a key without an environment',
      `    steps:\n      - uses: sluice-ci/sluice/actions/backup@v1\n        with: { ssh-key: "\${{ secrets.SSH_KEY }}" }\n`,
      'outside of an environment',
    ],
    [
      'a script of the checkout',
      `    steps:\n      - run: ./build.sh\n      - run: echo\n        env: { T: "\${{ github.token }}" }\n`,
      'github.token after foreign code',
    ],
    [
      'an artifact that is not compared',
      `    steps:\n      - uses: actions/download-artifact@v8\n        with: { path: dist }\n`,
      'whose digest nobody compares',
    ],
    ['all secrets', `    uses: a/b/.github/workflows/c.yml@v1\n    secrets: inherit\n`, 'secrets: inherit'],
    ['a checkout with its token', `    steps:\n      - uses: actions/checkout@v5\n`, 'leaves its token'],
  ])('%s', (_, text, fault) => {
    expect(faultsOf(job(text)).join('\n')).toContain(fault);
  });
});
