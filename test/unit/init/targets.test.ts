import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../../src/config/sluice-yml/load.ts';
import { guessTargets, realTargets, type TargetWishes, tagTargets } from '../../../src/init/guess/targets.ts';
import { type Caller, renderCaller } from '../../../src/init/render/callers.ts';
import { checkout } from '../../../src/init/render/toolkit.ts';
import { sectionOf, splitEntries } from '../../../src/init/render/yaml.ts';

const none: TargetWishes = { production: undefined, staging: undefined };
const two = `app: shop
# Where it runs.
targets:
  # The shop itself.
  prod:
    hosts: [deploy@shop-1.example.com, deploy@shop-2.example.com] # both
    env-secret: LIVE_ENV
    env: [STRIPE_KEY]
    require-tag: true

  eu:
    hosts: [deploy@eu.example.com]
    env-file: eu.env
`;

function targetsOf(text: string | undefined, wishes: TargetWishes = none) {
  const present = text === undefined ? undefined : parseConfig(text, 'sluice.yml', '/shop');
  return guessTargets(present, wishes, text);
}

describe('which targets there are', () => {
  test('without a sluice.yml: staging and production, or those of the command line', () => {
    const named = (wishes: TargetWishes) => targetsOf(undefined, wishes).map(({ name }) => name);
    expect(named(none)).toEqual(['staging', 'production']);
    expect(named({ ...none, staging: false })).toEqual(['production']);
    const others = [{ name: 'eu', host: 'a@b.example.com' }];
    expect(named({ ...none, others })).toEqual(['eu']);
    expect(named({ ...none, production: 'a@c.example.com', others })).toEqual(['eu', 'production']);
  });

  test('those of the sluice.yml that is there, to the letter', () => {
    const [prod, eu] = targetsOf(two);
    expect(prod).toMatchObject({
      name: 'prod',
      prefix: 'LIVE',
      envSecrets: ['LIVE_ENV'],
      variables: ['STRIPE_KEY'],
      requireTag: true,
    });
    expect(eu).toMatchObject({ name: 'eu', prefix: 'EU', envSecrets: [], host: 'deploy@eu.example.com' });
    expect(`targets:\n${prod?.section}\n${eu?.section}\n`).toBe(two.slice(two.indexOf('targets:')));
  });

  test('a new server takes the place of the old one, and nothing else of the target changes', () => {
    const others = [{ name: 'eu', host: 'ops@new.example.com:2222' }];
    const [, eu] = targetsOf(two, { ...none, others });
    expect(eu?.section?.trimStart()).toBe('eu:\n    hosts: [ops@new.example.com:2222]\n    env-file: eu.env');
    const both = [{ name: 'prod', host: 'ops@new.example.com' }];
    expect(() => targetsOf(two, { ...none, others: both })).toThrow('target prod: it has 2 hosts');
  });

  test('with nothing to try a commit on, a manual run of a branch reaches production', () => {
    expect(targetsOf(undefined, { ...none, staging: false })).toMatchObject([{ requireTag: false }]);
    expect(targetsOf(undefined)).toMatchObject([
      { requireTag: false },
      { name: 'production', requireTag: true },
    ]);
  });

  test.each([
    [
      ['prod', 'production'],
      ['PROD', 'PRODUCTION'],
    ],
    [
      ['production', 'staging'],
      ['PROD', 'STAGING'],
    ],
    [
      ['eu-1', 'eu_1'],
      ['EU_1', 'EU_1_2'],
    ],
    [['github'], ['T_GITHUB']],
  ])('prefixes of %j are unique', (names, prefixes) => {
    const others = names.map((name) => ({ name, host: 'a@b.example.com' }));
    expect(targetsOf(undefined, { ...none, others }).map(({ prefix }) => prefix)).toEqual(prefixes);
  });

  test.each([
    ['the one that takes tags only', { prod: true, live: false }, ['prod']],
    ['else the one called production', { eu: false, live: false }, ['live']],
    ['else the only one that is no trial', { staging: false, eu: false }, ['eu']],
    ['else nobody knows', { us: false, eu: false }, []],
  ])('a version tag goes to %s', (_, targets, expected) => {
    const all = Object.entries(targets).map(([name, requireTag]) => ({ name, requireTag }));
    expect(tagTargets(all).map(({ name }) => name)).toEqual(expected);
  });
});

describe('their workflows', () => {
  const targets = targetsOf(two);
  const facts = { branches: ['main'], config: 'sluice.yml', targets, backups: realTargets(targets) };
  const render = (caller: Caller) => parse(renderCaller(caller, facts)) as Workflow;

  test('a manual run chooses among them; a tag goes to prod', () => {
    const { on, jobs } = render('deploy');
    expect(on.workflow_dispatch?.inputs?.['target']).toMatchObject({
      options: ['prod', 'eu'],
      default: 'prod',
    });
    expect(on.push).toEqual({ tags: ['v*.*.*'] });
    expect(Object.keys(jobs)).toEqual(['build', 'deploy-prod', 'deploy-eu']);
    expect(jobs['deploy-prod']).toMatchObject({
      if: "github.event_name == 'push' || inputs.target == 'prod'",
      environment: 'prod',
    });
    expect(jobs['deploy-eu']?.if).toBe("inputs.target == 'eu'");
  });

  test('each job has the secrets of its target, by the names of sluice.yml, and no other’s', () => {
    const { jobs } = render('deploy');
    const secrets = (job: string) => [...new Set(JSON.stringify(jobs[job]).match(/secrets\.\w+/g))].sort();
    const plain = ['KNOWN_HOSTS', 'SLACK_WEBHOOK_URL', 'SSH_KEY'];
    expect(secrets('deploy-prod')).toEqual(
      ['KNOWN_HOSTS', 'LIVE_ENV', 'SLACK_WEBHOOK_URL', 'SSH_KEY', 'STRIPE_KEY'].map(
        (name) => `secrets.${name}`,
      ),
    );
    expect(secrets('deploy-eu')).toEqual(plain.map((name) => `secrets.${name}`));
    const step = jobs['deploy-prod']?.steps?.at(-1);
    expect(step).toMatchObject({ with: { target: 'prod', images: '${{ needs.build.outputs.images }}' } });
    expect(step?.env).toEqual({
      LIVE_ENV: '${{ secrets.LIVE_ENV }}',
      STRIPE_KEY: '${{ secrets.STRIPE_KEY }}',
    });
  });

  test('targets of any name call the same workflows, where their variables have the plain name', () => {
    const others = ['us', 'eu'].map((name) => ({ name, host: 'a@b.example.com' }));
    const both = targetsOf(undefined, { ...none, others }).map((target) => ({ ...target, requireTag: true }));
    const deploy = renderCaller('deploy', { ...facts, targets: both, backups: both });
    expect(deploy).toContain('uses: sluice-ci/sluice/.github/workflows/deploy.yml@v1');
    const chosen = `fromJSON(inputs.target && format('["{0}"]', inputs.target) || '["us","eu"]')`;
    expect(parse(deploy).jobs.deploy.strategy.matrix.target).toBe(`\${{ ${chosen} }}`);
    // zizmor looks no further at an expression with quotes that YAML doubles.
    expect(deploy).not.toContain("''");
    expect(renderCaller('backup', { ...facts, targets: both, backups: both })).toContain('target: [us, eu]');
    expect(renderCaller('rollback', { ...facts, targets: both })).toContain('options: [us, eu]');
  });

  test('an app in a folder has environments of its own', () => {
    const inFolder = { ...facts, config: 'services/shop/sluice.yml', app: 'shop' };
    const environments = (['rollback', 'backup'] as const).map(
      (caller) => /^ +environment: (.*)$/m.exec(renderCaller(caller, inFolder))?.[1],
    );
    expect(environments).toEqual(['shop-${{ inputs.target }}', 'shop-${{ matrix.target }}-backup']);
    expect(renderCaller('deploy', inFolder)).toContain('environment: shop-prod\n');
  });

  test('where no target is known to take tags, none starts the workflow', () => {
    const others = ['us', 'eu'].map((name) => ({ name, host: 'a@b.example.com' }));
    const open = targetsOf(undefined, { ...none, others });
    const text = renderCaller('deploy', { ...facts, targets: open, backups: open });
    expect((parse(text) as Workflow).on).toEqual({ workflow_dispatch: expect.anything() });
  });

  test('the versions of others’ actions are those of our own workflows', () => {
    expect(renderCaller('deploy', facts)).toContain(`uses: ${checkout}`);
  });
});

describe('parts of a YAML file', () => {
  test('entries with their comments', () => {
    const entries = splitEntries(sectionOf(two, 'targets') ?? '');
    expect([...entries.keys()]).toEqual(['prod', 'eu']);
    expect(entries.get('prod')).toMatch(/^ {2}# The shop itself\.\n {2}prod:\n/);
  });

  test('in braces there are none, and the targets are written as they are meant', () => {
    const text = 'app: shop\ntargets: { eu: { hosts: [deploy@eu.example.com], batch: 1 } }\n';
    expect(splitEntries(sectionOf(text, 'targets') ?? '').size).toBe(0);
    const [eu] = targetsOf(text);
    expect(parse(eu?.section ?? '')).toEqual({ eu: { hosts: ['deploy@eu.example.com'], batch: 1 } });
  });
});

interface Workflow {
  readonly on: {
    readonly push?: object;
    readonly workflow_dispatch?: { readonly inputs?: Readonly<Record<string, object>> };
  };
  readonly jobs: Readonly<
    Record<string, { readonly if?: string; readonly steps?: readonly { readonly env?: object }[] }>
  >;
}
