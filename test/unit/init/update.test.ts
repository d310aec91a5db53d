import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../../src/config/sluice-yml/load.ts';
import { configSchema } from '../../../src/config/sluice-yml/schema/schema.ts';
import { type Guess, guess } from '../../../src/init/guess/guess.ts';
import { guessTargets, type TargetWishes } from '../../../src/init/guess/targets.ts';
import { updateConfig } from '../../../src/init/render/update.ts';
import type { Seen } from '../../../src/init/study/repository.ts';

const none: TargetWishes = { production: undefined, staging: undefined };

/** Every key, with comments and layouts of people: quotes, braces over several lines, blank lines. */
const whole = `# Owned by the platform team.
app: shop # the project name
compose: [compose.yml, compose.prod.yml]

# Our own registry.
registry: registry.example.com/team/shop
services: {
  web: { strategy: recreate, port: 8080 } # one at a time
}
build:
  platforms: [linux/amd64]

migrate: { service: web, command: "bin/migrate --all" }
backup:
  postgres: db
  keep: 3 # disk is small


watch: { for: 1m }
# Where it runs.
targets:
    # The shop itself.
    production:
        hosts:
            - host: deploy@shop-1.example.com # rack 4
              root: /srv/sluice
        env-secret: LIVE_ENV
    # End of the targets.
notify: { slack: SLACK_URL }
edge:
  max-connections: 100
keep: 7
previous: warm
drain: 45s
checks:
  skip:
    trivy: no network here
# The site.
cdn:
  dist: dist
  store: s3://shop
`;

function guessFor(text: string, wishes: TargetWishes = none): Guess {
  const present = parseConfig(text, 'sluice.yml', '/shop');
  return {
    app: { value: 'other', why: 'x' },
    compose: { value: present.compose, why: 'x', explicit: true },
    registry: { value: 'ghcr.io/acme/other', why: 'x' },
    logins: [],
    services: [],
    migrate: { service: 'api', command: 'other', why: 'x', instead: undefined },
    backup: { postgres: 'pg', why: 'x', others: [] },
    targets: guessTargets(present, wishes, text),
    site: undefined,
    needsVariables: true,
    onGitHub: true,
    notHandled: [],
    notes: [],
  };
}

function updated(text: string, wishes: TargetWishes = none, compose?: readonly string[]): string {
  const present = parseConfig(text, 'sluice.yml', '/shop');
  const guessed = guessFor(text, wishes);
  const named =
    compose === undefined ? guessed : { ...guessed, compose: { ...guessed.compose, value: compose } };
  return updateConfig(text, named, { present, hasCompose: compose !== undefined });
}

describe('an existing sluice.yml', () => {
  test('the file of these tests has every key', () => {
    expect(Object.keys(parse(whole)).sort()).toEqual(Object.keys(configSchema.shape).sort());
  });

  test('is kept to the letter', () => {
    expect(updated(whole)).toBe(whole);
    expect(updated(whole.trimEnd())).toBe(whole.trimEnd());
  });

  test('gets a target that was asked for, and nothing else changes', () => {
    const others = [{ name: 'staging', host: 'deploy@test.example.com' }];
    const text = updated(whole, { ...none, others });
    const added = `    staging:
      hosts: [deploy@test.example.com]
      # NAME of the secret with the text of a whole .env file. Each target’s GitHub environment has its own.
      env-secret: ENV_FILE
`;
    expect(text).toBe(whole.replace('notify:', () => `${added}notify:`));
    expect(Object.keys(parseConfig(text, 'sluice.yml', '/shop').targets)).toEqual(['production', 'staging']);
  });

  test('gets a new server in place of the old one', () => {
    const text = updated(whole, { ...none, production: 'ops@new.example.com' });
    expect(text).toBe(whole.replace('deploy@shop-1.example.com', 'ops@new.example.com'));
  });

  test('gets a server in place of the draft, without the comment that asks for it', () => {
    const head = '\ntargets:\n  production:\n';
    const draft = `app: shop${head}    # CHANGE THIS: the user and the server to deploy to.\n    hosts: [deploy@production.example.com]\n    url: https://deploy@production.example.com/\n`;
    const real = `${head}    hosts: [ops@new.example.com]\n    url: https://deploy@production.example.com/\n`;
    expect(updated(draft, { ...none, production: 'ops@new.example.com' })).toContain(real);
  });

  test('loses a staging target with --no-staging only', () => {
    const staging = '    staging:\n        hosts: [deploy@test.example.com]\n';
    const two = whole.replace('    # The shop itself.', () => `${staging}    # The shop itself.`);
    expect(updated(two)).toBe(two);
    expect(updated(two, { ...none, staging: false })).toBe(whole);
  });

  test('gets the compose files that were asked for', () => {
    expect(updated(whole, none, ['compose.yml'])).toBe(
      whole.replace('[compose.yml, compose.prod.yml]', '[compose.yml]'),
    );
    const block = whole.replace(
      'compose: [compose.yml, compose.prod.yml]',
      'compose:\n  - compose.yml\n  - compose.prod.yml # more',
    );
    expect(parse(updated(block, none, ['a.yml', 'b.yml']))).toEqual({
      ...parse(block),
      compose: ['a.yml', 'b.yml'],
    });
  });

  test('in braces: the targets are written from their values, with the new one', () => {
    const text =
      'app: shop\n# Ours.\ntargets: { eu: { hosts: [deploy@eu.example.com], batch: 1 } } # two\nkeep: 3\n';
    const others = [{ name: 'us', host: 'deploy@us.example.com' }];
    const result = updated(text, { ...none, others });
    expect(result).toContain('# Ours.\ntargets:\n');
    expect(result).toContain('\nkeep: 3\n');
    expect(parse(result)).toMatchObject({
      targets: {
        eu: { hosts: ['deploy@eu.example.com'], batch: 1 },
        us: { hosts: ['deploy@us.example.com'] },
      },
    });
  });

  test('gets the sections that it lacks, above its targets', () => {
    const text = '# Ours.\napp: shop\n\n# Where.\ntargets:\n  eu: { hosts: [deploy@eu.example.com] }\n';
    const result = updated(text);
    expect(result.startsWith('# Ours.\napp: shop\n\n# x\ncompose:')).toBe(true);
    expect(result.endsWith('\n\n# Where.\ntargets:\n  eu: { hosts: [deploy@eu.example.com] }\n')).toBe(true);
    expect(parse(result)).toMatchObject({
      registry: 'ghcr.io/acme/other',
      migrate: { service: 'api' },
      backup: { postgres: 'pg' },
    });
    expect(updated(result)).toBe(result);
  });

  test('with faults: nothing is taken from it', () => {
    const broken = whole.replace('keep: 7', 'keeep: 7');
    const fresh = { ...guessFor(whole), targets: guessTargets(undefined, none) };
    const text = updateConfig(broken, fresh, { present: undefined, hasCompose: false });
    expect(text).toBe(broken);
  });
});

describe('the guess beside an existing sluice.yml', () => {
  const model = {
    name: 'shop',
    services: { web: { build: { context: '.' } }, db: { image: 'postgres:17' } },
  };
  const seen = (text: string | undefined) =>
    ({
      folder: '/shop',
      below: '',
      tree: { folder: '/shop', files: [], read: async () => undefined },
      git: { top: '/shop', remote: undefined, defaultBranch: 'main', branches: [] },
      composeFiles: [],
      compose: undefined,
      ...{ variables: [], shell: [], defaults: {}, envFiles: [], examples: [], otherDeploys: [] },
      present: text === undefined ? undefined : parseConfig(text, 'sluice.yml', '/shop'),
      presentText: text,
      front: undefined,
    }) as Seen;
  const sight = (name: string) => ({ name, context: undefined, migrations: [] });
  const sights = ['web', 'db'].map(sight) as unknown as Parameters<typeof guess>[2];
  const guessed = (text?: string) => guess(seen(text), model, sights, none);

  test('a registry that is set is not asked for', () => {
    expect(guessed().notes.join('\n')).toContain('Set `registry:` in sluice.yml.');
    const kept = guessed(whole);
    expect(kept.notes.join('\n')).not.toContain('registry:');
    expect(kept.registry.value).toBe('registry.example.com/team/shop');
    expect(kept.logins).toEqual(['registry.example.com']);
  });

  test('strategies, migration and backup are those of the file', () => {
    const { services, migrate, backup } = guessed(whole);
    expect(services.find(({ name }) => name === 'web')?.plan.strategy).toBe('recreate');
    expect(migrate).toMatchObject({ service: 'web', command: 'bin/migrate --all', instead: undefined });
    expect(backup?.postgres).toBe('db');
  });
});
