import { describe, expect, test } from 'vitest';
import type { Ran } from '../corpus/command.ts';
import { compareConfig, compareServices } from '../corpus/compare.ts';
import { type Expectation, waysOf } from '../corpus/expectation.ts';
import { brokenInvariants } from '../corpus/invariants.ts';
import type { Resolved } from '../corpus/resolved.ts';
import { judge } from '../corpus/verdict.ts';
import { servicePlan } from '../support/deploy/fixtures.ts';

const ended: Ran = { code: 0, stdout: '', stderr: '', crashed: false, errors: [] };

function expectation(more: Partial<Expectation> = {}): Expectation {
  const lists = { init: [], routing: [], leftOut: [], named: [], strangersNot: [], falseAlarms: [] };
  const open = {
    compose: undefined,
    migrate: undefined,
    backup: undefined,
    builds: undefined,
    refuses: undefined,
  };
  return { stack: 'Go', env: {}, services: {}, ...lists, ...open, ...more };
}

function resolved(more: Partial<Resolved> = {}): Resolved {
  const config = { compose: ['compose.yml'], migrate: undefined, backup: undefined };
  return { config, services: [servicePlan('web', 'recreate')], faults: [], before: {}, after: {}, ...more };
}

describe('a strategy that was not expected', () => {
  test.each([
    ['recreate', 'blue-green', 'wrong'],
    ['recreate', 'keep', 'wrong'],
    ['job', 'workers', 'wrong'],
    ['keep', 'recreate', 'wrong'],
    ['blue-green', 'workers', 'wrong'],
    ['blue-green', 'recreate', 'edit'],
    ['workers', 'recreate', 'edit'],
    ['singleton', 'recreate', 'edit'],
  ] as const)('%s → %s is %s', (wanted, got, severity) => {
    const services = { web: waysOf(wanted, 'test') };
    const found = compareServices(
      expectation({ services }),
      resolved({ services: [servicePlan('web', got)] }),
    );
    expect(found.map((mismatch) => mismatch.severity)).toEqual([severity]);
  });

  test('a service that is lost, and one that nobody expected', () => {
    const services = { api: waysOf('absent', 'test'), db: waysOf('keep', 'test') };
    const found = compareServices(expectation({ services }), resolved());
    expect(found.map(({ subject, severity }) => `${subject} ${severity}`)).toEqual(['db wrong', 'web wrong']);
  });
});

test.each([
  ['blue-green 8000/http', []],
  ['blue-green 8000/tcp', ['wrong']],
  ['blue-green 9000/http', ['wrong']],
  ['blue-green 8000/http 8081/tcp', ['wrong']],
  ['blue-green 8000/http /up', ['wrong']],
  ['blue-green 9000 | blue-green 8000 /health', []],
] as const)('ports and health of %s', (text, severities) => {
  const services = { web: waysOf(text, 'test') };
  const found = compareServices(
    expectation({ services }),
    resolved({ services: [servicePlan('web', 'blue-green')] }),
  );
  expect(found.map(({ severity }) => severity)).toEqual(severities);
});

test('a migration of another service, and one that runs twice', () => {
  const config = {
    compose: ['compose.yml'],
    migrate: { service: 'web', command: 'flask db upgrade' },
    backup: 'db',
  };
  const found = (migrate: string) => compareConfig(expectation({ migrate }), config).length;
  expect([found('web ^flask db'), found('api ^flask db'), found('web alembic'), found('none')]).toEqual([
    0, 1, 1, 1,
  ]);
});

describe('what holds for every repository', () => {
  const before = {
    web: { labels: { 'traefik.http.routers.web.rule': 'Host(`a`)' }, container_name: 'shop' },
  };
  const services = [servicePlan('web', 'blue-green')];
  const edge = { ...before.web, networks: { default: { aliases: ['web', 'shop'] } } };

  test('nothing to deploy', () => {
    expect(brokenInvariants(resolved({ services: [], after: undefined }), [])).toHaveLength(1);
  });

  test('names and labels at the edge are in order', () => {
    const after = { 'web-blue': {}, 'web-edge': edge };
    expect(brokenInvariants(resolved({ services, before, after }), [])).toEqual([]);
  });

  test('a lost name, a label at a color, none at the edge, a path of the runner', () => {
    const volumes = [{ type: 'bind', source: '/tmp/copy/src', target: '/app' }];
    const after = {
      'web-blue': { labels: before.web.labels, volumes },
      'web-edge': { networks: { default: { aliases: ['web'] } } },
    };
    const found = brokenInvariants(resolved({ services, before, after }), ['/tmp/copy']);
    expect(found.map(({ text }) => text)).toEqual([
      'web: nothing answers to shop on network default (blue-green)',
      'web: its colors have traefik.http.routers.web.rule: a proxy bypasses the edge',
      'web: its edge lacks traefik.http.routers.web.rule',
      'web-blue: /app is mounted from /tmp/copy/src, a path of the runner',
    ]);
  });
});

describe('verdict', () => {
  const wrong = { subject: 'web', severity: 'wrong', text: 'web: keep' } as const;
  const refusal = { code: 'compose.mount-data', message: './data is mounted' };
  const verdict = (
    expected: Partial<Expectation>,
    found: readonly (typeof wrong)[],
    refusals: readonly (typeof refusal)[],
  ) => judge(expectation(expected), [ended], found, '', refusals).verdict;

  test.each([
    ['accept', {}, [], []],
    ['WRONG IN SILENCE', {}, [wrong], []],
    ['refused', {}, [], [refusal]],
    ['refused', {}, [wrong], [refusal]],
    ['refused as expected', { refuses: '\\./data' }, [], [refusal]],
    ['edit needed', { refuses: '\\./data' }, [wrong], [refusal]],
    ['WRONG IN SILENCE', { refuses: '\\./data' }, [], []],
  ] as const)('%s', (expected, more, found, refusals) => {
    expect(verdict(more, found, refusals)).toBe(expected);
  });

  test('what is said of a backup is an edit, and a crash is a crash', () => {
    const backup = { subject: 'backup', severity: 'wrong', text: 'backup: of nothing' } as const;
    expect(judge(expectation(), [ended], [backup], 'MariaDB has no backup', []).verdict).toBe('edit needed');
    expect(judge(expectation(), [ended, { ...ended, crashed: true }], [], '', []).verdict).toBe('crash');
  });
});
