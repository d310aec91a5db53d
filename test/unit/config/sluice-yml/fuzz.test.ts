import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../../../../src/config/sluice-yml/load.ts';
import { formatPlace, userErrorsOf } from '../../../../src/kernel/errors.ts';

/** A config with everything in it, as a starting point for damage. */
const whole = {
  app: 'bookreader',
  compose: ['compose.yml', 'compose.prod.yml'],
  registry: 'ghcr.io/acme/bookreader',
  checks: { scan: { 'fail-on': 'HIGH' } },
  services: {
    backend: { port: 8000, health: '/api/health', pool: 30, processes: 4 },
    'celery-worker': { strategy: 'workers' },
    db: { strategy: 'keep' },
  },
  migrate: { service: 'backend', command: 'alembic upgrade head', 'lock-timeout': '5s' },
  backup: { postgres: 'db', keep: 14, 'restore-test': true },
  watch: { for: '30s', 'max-5xx': '1%', 'max-p95': '800ms', url: 'https://example.com/health' },
  targets: {
    staging: { hosts: ['deploy@staging.example.com'], 'env-file': '.env.staging' },
    production: {
      hosts: [
        'deploy@prod-1',
        { host: 'deploy@[fd00::1]:2222', services: ['backend'], env: { A: 'b' }, root: '/srv' },
      ],
      'env-secret': 'PROD_ENV',
      env: ['A', 'B'],
      'require-tag': true,
      batch: 1,
    },
  },
  cdn: { dist: 'frontend/dist' },
  notify: { slack: 'SLACK_WEBHOOK_URL' },
  keep: 3,
};

const keys = [
  'app',
  'hosts',
  'env',
  'port',
  'services',
  'targets',
  'watch',
  '__proto__',
  'constructor',
  'toString',
  '',
  '<<',
  '5',
  'a b',
];
const scalar = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '30s',
    '1%',
    '-5',
    '~',
    'yes',
    'null',
    '*a',
    '&a',
    '!!binary x',
    '$(id)',
    '${X}',
    '\u0000',
    '\ud800',
    '💥',
    'a: b',
    '- x',
    '# x',
  ),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const { any } = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string({ maxLength: 8 })), tie('any'), {
      maxKeys: 3,
    }),
  ),
}));

type Tree = Record<string, unknown>;
type Damage = {
  readonly path: readonly number[];
  readonly how: 'replace' | 'remove' | 'add' | 'rename';
  readonly key: string;
  readonly value: unknown;
};
const damage: fc.Arbitrary<Damage> = fc.record({
  path: fc.array(fc.nat(12), { minLength: 1, maxLength: 5 }),
  how: fc.constantFrom('replace', 'remove', 'add', 'rename'),
  key: fc.oneof(fc.constantFrom(...keys), fc.string({ maxLength: 10 })),
  value: any,
});

/** Goes down by the path (numbers choose among the keys) and breaks what is there. */
function damaged(tree: unknown, { path, how, key, value }: Damage): unknown {
  const copy = structuredClone(tree);
  let node = copy as Tree;
  for (const [depth, choice] of path.entries()) {
    const names = Object.keys(node);
    const name = names[choice % Math.max(1, names.length)];
    if (name === undefined) return copy;
    const next = node[name];
    const goesOn =
      depth < path.length - 1 && next !== null && typeof next === 'object' && Object.keys(next).length > 0;
    if (goesOn) {
      node = next as Tree;
      continue;
    }
    if (how === 'replace') node[name] = value;
    else if (how === 'remove') delete node[name];
    else if (how === 'add')
      Object.defineProperty(node, key, { value, enumerable: true, configurable: true, writable: true });
    else
      Object.defineProperty(node, key, { value: next, enumerable: true, configurable: true, writable: true });
    return copy;
  }
  return copy;
}

/** A piece of the text replaced: what a slip of the hand does. */
const slip = fc.record({
  at: fc.nat(2000),
  length: fc.nat(6),
  text: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom(
      '\t',
      ':',
      '"',
      '{',
      '[',
      '&',
      '*',
      '- ',
      '\n',
      '\r',
      '#',
      '|',
      '>',
      '%',
      '---\n',
      '...\n',
    ),
  ),
});

const configText = fc.oneof(
  fc
    .array(damage, { minLength: 1, maxLength: 4 })
    .map((list) => stringify(list.reduce(damaged, whole as unknown), { merge: false })),
  fc
    .array(slip, { minLength: 1, maxLength: 5 })
    .map((list) =>
      list.reduce(
        (text, { at, length, text: put }) => text.slice(0, at) + put + text.slice(at + length),
        stringify(whole),
      ),
    ),
  any.map((value) => stringify(value)),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        'app: x',
        '  ',
        '\n',
        '- ',
        '{',
        '}',
        '[',
        ']',
        ': ',
        '&a ',
        '*a',
        '<<: ',
        '!t ',
        '"',
        "'",
        '|\n',
        '? ',
        '\t',
        '%YAML 1.1\n',
        '---\n',
      ),
      { maxLength: 40 },
    )
    .map((parts) => parts.join('')),
);

test('5,000 broken configs end in a config or in errors of the user’s, each with its code and place', () => {
  let accepted = 0;
  fc.assert(
    fc.property(configText, (text) => {
      try {
        parseConfig(text, 'sluice.yml', '/repo');
        accepted++;
      } catch (error) {
        const errors = userErrorsOf(error);
        if (errors.length === 0) throw error;
        for (const userError of errors) {
          expect(userError.code).toMatch(/^config\./);
          expect(userError.message.length).toBeLessThan(600);
          expect(userError.message).not.toMatch(/undefined|\[object|NaN/);
          expect(formatPlace(userError.at ?? { file: '' })).toMatch(/^sluice\.yml:\d+:\d+$/);
        }
      }
    }),
    { numRuns: 5000 },
  );
  // If nothing or everything came through, the damage would be of the wrong size.
  expect(accepted).toBeGreaterThan(20);
  expect(accepted).toBeLessThan(4500);
}, 120_000);
