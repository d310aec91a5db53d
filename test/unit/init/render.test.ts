import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Strategy } from '../../../src/config/model.ts';
import { parseConfig } from '../../../src/config/sluice-yml/load.ts';
import { appName, type Guess } from '../../../src/init/guess/guess.ts';
import { guessTargets } from '../../../src/init/guess/targets.ts';
import { nextSteps } from '../../../src/init/next-steps/next-steps.ts';
import { type Caller, renderCaller } from '../../../src/init/render/callers.ts';
import { renderConfig } from '../../../src/init/render/config.ts';
import { comment, inline } from '../../../src/init/render/terminal.ts';
import { reusable, toolkit } from '../../../src/init/render/toolkit.ts';
import { scalar } from '../../../src/init/render/yaml.ts';
import { quoteWords } from '../../../src/kernel/quote.ts';

const noWishes = { production: undefined, staging: undefined };
const callers: readonly Caller[] = ['ci', 'deploy', 'rollback', 'backup', 'cdn'];

/** Names as nobody would choose them: YAML, shell, GitHub expressions, terminals, lone halves of characters. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(
    ...[
      '${{ secrets.PROD_ENV }}',
      'a: b',
      '- x',
      '# c',
      "it's",
      '"q"',
      'yes',
      'null',
      '~',
      '1e3',
      '0x10',
      '\u2028',
      '\ud800',
    ],
    ...[
      'a\nb: c',
      '$(id)',
      '`id`',
      '\u001b[31m',
      '[x',
      '{a: b}',
      '*a',
      '&a',
      '!!binary x',
      '%TAG',
      '@x',
      '\ufeff',
      '',
      ' ',
    ],
  ),
);

describe('words', () => {
  test('any text is one scalar, alone and in a list', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(parse(`a: ${scalar(text)}\nb: [x, ${scalar(text)}]\nc: { ${scalar(text)}: 1 }\n`)).toEqual({
          a: text,
          b: ['x', text],
          c: { [text]: 1 },
        });
      }),
    );
  });

  test.each(['main', 'feature/x', 'alembic upgrade head', 'deploy@prod-1.example.com:2222'])(
    '%s needs no quotes',
    (text) => {
      expect(scalar(text)).toBe(text);
    },
  );

  test('a comment is a comment, whatever it holds', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(parse(`${comment(text, '  ').join('\n')}\na: 1\n`)).toEqual({ a: 1 });
      }),
    );
  });
});

const strategies: readonly Strategy[] = ['blue-green', 'workers', 'singleton', 'recreate', 'keep', 'job'];
// No map of sluice.yml takes the name __proto__.
const service = fc.stringMatching(/^[A-Za-z0-9._-]{1,30}$/).filter((name) => name !== '__proto__');
const anyGuess: fc.Arbitrary<Guess> = fc
  .record({
    app: hostile,
    why: hostile,
    services: fc.uniqueArray(service, { maxLength: 4 }),
    path: hostile,
    known: fc.boolean(),
  })
  .map(
    ({ app, why, services, path, known }): Guess => ({
      app: { value: appName(app), why },
      compose: { value: [path.replaceAll(/[\u0000-\u001f\u007f]/g, '') || 'x'], why, explicit: true },
      registry: { value: known ? 'ghcr.io/acme/app' : undefined, why },
      logins: known ? [] : ['docker.io'],
      services: services.map((name, index) => ({
        name,
        plan: {
          name,
          strategy: strategies[index % 6] ?? 'keep',
          reason: why,
          replicas: 1,
          ports: [],
          health: undefined,
          startDeadlineMs: 1,
          stopGraceMs: 1,
        },
        own: known ? { port: 80, health: '/health' } : {},
        why: [why],
        maybe: index === 1 ? { when: why, own: { health: path } } : undefined,
      })),
      migrate:
        services[0] === undefined
          ? undefined
          : {
              service: services[0],
              command: path.replaceAll('\0', '') || 'x',
              why,
              instead: known ? why : undefined,
            },
      backup: services[0] === undefined ? undefined : { postgres: services[0], why, others: [why] },
      targets: guessTargets(undefined, { ...noWishes, staging: false }).map((target) => ({
        ...target,
        isOpen: known,
      })),
      site: {
        front: {
          folder: path.replaceAll('\0', ''),
          dist: path.replaceAll('\0', ''),
          build: 'npm ci',
          tool: 'vite',
        },
        section: known ? 'cdn: { dist: dist, store: "s3://assets" }' : undefined,
      },
      needsVariables: known,
      onGitHub: true,
      notHandled: [why],
      notes: [why],
    }),
  );

const plain = {
  branches: ['main'],
  config: 'sluice.yml',
  targets: guessTargets(undefined, noWishes),
  backups: [],
};

describe('sluice.yml', () => {
  test('is sound whatever the repository’s names are, and says what was guessed', () => {
    fc.assert(
      fc.property(anyGuess, (guess) => {
        const text = renderConfig(guess);
        expect(text).not.toMatch(/\r|[^\S\n]+\n$/);
        const config = parseConfig(text, 'sluice.yml', '/app');
        expect(config.app).toBe(guess.app.value);
        expect(config.compose).toEqual(guess.compose.value);
        expect(config.registry).toBe(guess.registry.value);
        expect(Object.keys(config.targets)).toEqual(['production']);
        expect(config.cdn?.store).toBe(guess.site?.section === undefined ? undefined : 's3://assets');
      }),
    );
  });

  test('what is long is a block, as formatters of YAML have it', () => {
    const command = `cd backend && flask --app 'shop.main:create_app("production", debug=False, testing=False)' db upgrade`;
    const long = { service: 'backend', command, why: 'x', instead: undefined };
    const [guess] = fc.sample(anyGuess, { seed: 1, numRuns: 1 });
    if (guess === undefined) throw new Error('no sample');
    const text = renderConfig({ ...guess, migrate: long });
    expect(text).toContain('\nmigrate:\n  service: backend\n  command: ');
    expect(parse(text)).toMatchObject({ migrate: { service: 'backend', command } });
    const short = { ...long, command: 'bin/shop eval "Shop.Release.migrate()"' };
    const line = `migrate: { service: backend, command: 'bin/shop eval "Shop.Release.migrate()"' }`;
    expect(renderConfig({ ...guess, migrate: short })).toContain(`\n${line}\n`);
  });

  test('any name makes a name that an app may have', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(appName(text)).toMatch(/^[a-z0-9][a-z0-9_-]{0,49}$/);
      }),
    );
  });
});

describe('the workflows that call ours', () => {
  const alone = { ...plain, targets: guessTargets(undefined, { ...noWishes, staging: false }) };

  test.each(callers)(
    '%s calls the toolkit, grants nothing by default, and passes named secrets only',
    (caller) => {
      const workflow = parse(renderCaller(caller, plain)) as Workflow;
      const [job, ...others] = Object.values(workflow.jobs);
      expect(others).toEqual([]);
      expect(job?.uses).toBe(reusable(`${caller}.yml`));
      expect(job?.uses).toContain(toolkit.split('@')[0]);
      expect(workflow.permissions).toEqual({});
      for (const [name, value] of Object.entries(job?.secrets ?? {}))
        expect(value).toBe(`\${{ secrets.${name} }}`);
    },
  );

  test('without staging nothing of it is left', () => {
    for (const caller of callers) {
      const text = renderCaller(caller, alone);
      expect(text).not.toMatch(/staging/i);
      const inputs = (parse(text) as Workflow).on.workflow_dispatch?.inputs;
      if (inputs?.target !== undefined)
        expect(inputs.target).toMatchObject({ options: ['production'], default: 'production' });
    }
  });

  test('branches and folders with hostile names stay what they are, and are no expression', () => {
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 1, maxLength: 3 }), hostile, (branches, name) => {
        // No folder has a NUL in its name.
        const folder = name.replaceAll('\0', '');
        const front = { folder, build: 'npm ci && npm run build' };
        for (const caller of callers) {
          const text = renderCaller(caller, { ...plain, branches, config: `${folder}/sluice.yml`, front });
          const workflow = parse(text) as Workflow;
          if (caller === 'ci') {
            // What GitHub makes of the pattern: a backslash makes the next character mean itself.
            expect(workflow.on.push?.branches?.map((branch) => branch.replace(/\\(.)/gs, '$1'))).toEqual(
              branches,
            );
          }
          const given = Object.values(workflow.jobs)[0]?.with;
          const texts = [given?.['config'] ?? '', given?.['build-command'] ?? ''];
          for (const entry of texts) expect(entry.replaceAll("${{ '${{' }}", '').includes('${{')).toBe(false);
          const meant = texts.map((entry) => entry.replaceAll("${{ '${{' }}", () => '${{'));
          const place = quoteWords([folder.startsWith('-') ? `./${folder}` : folder]);
          const build = `${folder === '.' ? '' : `cd ${place} && `}npm ci && npm run build`;
          expect(meant).toEqual([`${folder}/sluice.yml`, caller === 'cdn' ? build : '']);
        }
      }),
    );
  });
});

interface Workflow {
  readonly on: {
    readonly push?: { readonly branches?: readonly string[] };
    readonly workflow_dispatch?: { readonly inputs?: { readonly target?: object } } | null;
  };
  readonly permissions: object;
  readonly jobs: Readonly<
    Record<
      string,
      { readonly uses: string; readonly secrets?: object; readonly with?: Readonly<Record<string, string>> }
    >
  >;
}

describe('next steps', () => {
  const names = (guess: Guess) =>
    nextSteps({ guess, files: ['sluice.yml'], example: undefined })
      .flatMap(({ commands }) => commands)
      .flatMap((command) => /^gh secret set (\w+)/.exec(command)?.[1] ?? []);

  test('name the secrets of the workflows, and no others', () => {
    fc.assert(
      fc.property(anyGuess, (guess) => {
        const deploy = renderCaller('deploy', { ...plain, hasRegistryLogin: guess.logins.length > 0 });
        const asked = Object.keys(Object.values((parse(deploy) as Workflow).jobs)[0]?.secrets ?? {});
        const told = names(guess);
        for (const name of told) expect(asked).toContain(name);
        expect(told.includes('ENV_FILE')).toBe(guess.needsVariables);
      }),
    );
  });

  test('are for copying: one line each, without anything that drives a terminal', () => {
    fc.assert(
      fc.property(anyGuess, hostile, (guess, path) => {
        const steps = nextSteps({ guess, files: [`${inline(path)}/sluice.yml`], example: inline(path) });
        for (const command of steps.flatMap(({ commands }) => commands))
          expect(command).toBe(inline(command));
      }),
    );
  });
});
