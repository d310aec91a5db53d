import { describe, expect, test } from 'vitest';
import type { ComposeService } from '../../../../src/config/model.ts';
import { connectionBudget, memoryBudget } from '../../../../src/config/services/capacity.ts';
import { parseBytes } from '../../../../src/config/sluice-yml/human.ts';
import { judgeHost } from '../../../../src/deploy/preflight/preflight.ts';
import type { HostFacts } from '../../../../src/host/probe/facts.ts';
import { release, servicePlan } from '../../../support/deploy/fixtures.ts';

const gib = 1024 ** 3;
const limit = (memory: string): ComposeService => ({ deploy: { resources: { limits: { memory } } } });

describe('memory while both colours run', () => {
  const plans = [
    servicePlan('web', 'blue-green', { replicas: 2 }),
    servicePlan('worker', 'workers'),
    servicePlan('db', 'keep'),
    servicePlan('cache', 'keep'),
    servicePlan('seed', 'job'),
  ];
  const { model } = release('v1', plans, {
    web: limit('512M'),
    worker: { mem_limit: String(gib) },
    db: limit('1g'),
    cache: {},
    seed: limit('8g'),
  });

  test('coloured services count twice, jobs not at all, unlimited ones are named', () => {
    const budget = memoryBudget(model, plans);
    expect(budget.needed).toBe(4 * 512 * 1024 ** 2 + 2 * gib + gib);
    expect(budget.lines.map((line) => [line.service, line.containers])).toEqual([
      ['web', 4],
      ['worker', 2],
      ['db', 1],
    ]);
    expect(budget.unlimited).toEqual(['cache']);
  });

  test.each([
    ['512m', 512 * 1024 ** 2],
    ['1.5G', 1.5 * gib],
    ['1073741824', gib],
    ['64kb', 65536],
    ['2 GiB', 2 * gib],
    ['10b', 10],
    ['', undefined],
    ['lots', undefined],
    ['-1g', undefined],
    ['1e9', undefined],
  ])('%j is %s bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });
});

describe('connections to the database while both colours run', () => {
  const plans = [
    servicePlan('web', 'blue-green', { replicas: 2 }),
    servicePlan('worker', 'workers'),
    servicePlan('db', 'keep'),
    servicePlan('seed', 'job'),
  ];
  const services: Record<string, ComposeService> = {
    web: { environment: { DB_POOL_SIZE: '5', DB_MAX_OVERFLOW: '10', WEB_CONCURRENCY: '3' } },
    worker: { command: ['celery', 'worker', '--concurrency=4'] },
    db: { command: ['postgres', '-c', 'max_connections=200'] },
    seed: { environment: { DB_POOL_SIZE: '50' } },
  };
  const budget = (config: Parameters<typeof connectionBudget>[2], more = {}) => {
    const record = release('v1', plans, { ...services, ...more });
    return connectionBudget(record.model, plans, config, 'db');
  };

  test('replicas × 2 × processes × pool, against max_connections less the reserved ones', () => {
    expect(budget({})).toEqual({
      needed: 2 * 2 * 3 * 15,
      available: 197,
      lines: [{ service: 'web', containers: 4, processes: 3, pool: 15 }],
    });
    expect(budget({ worker: { pool: 2 } })?.lines[1]).toEqual({
      service: 'worker',
      containers: 2,
      processes: 4,
      pool: 2,
    });
    expect(budget({ web: { pool: 1, processes: 1 } })?.needed).toBe(4);
    expect(budget({}, { db: {} })?.available).toBe(97);
  });

  test('without a known pool there is nothing to add up', () => {
    expect(budget({}, { web: {} })).toBeUndefined();
    expect(budget({}, { web: { environment: { DB_POOL_SIZE: 'many' } } })).toBeUndefined();
  });
});

describe('whether a host can bear a release', () => {
  interface Given {
    memory?: number;
    free?: number;
    engine?: string;
    compose?: string;
    forwarding?: boolean;
    usable?: boolean;
    clockMs?: number;
    rootless?: boolean;
    remapped?: boolean;
  }
  const facts = (more: Given) =>
    ({
      root: { path: '/opt/sluice', usable: more.usable ?? true },
      sshd: { allowStreamLocalForwarding: more.forwarding },
      clock: { utcMs: 0, offsetMs: more.clockMs ?? 0 },
      docker: {
        ...{ engine: more.engine ?? '28.2.2', compose: more.compose ?? '2.36.0' },
        ...{ rootless: more.rootless ?? false, remapped: more.remapped ?? false },
      },
      memory: { totalBytes: more.memory },
      disk: { root: { freeBytes: more.free ?? 50 * gib }, docker: { freeBytes: 50 * gib } },
    }) as HostFacts;
  const plans = [servicePlan('web', 'blue-green'), servicePlan('db', 'keep')];
  const record = release('v1', plans, {
    web: { ...limit('2g'), environment: { DB_POOL_SIZE: '60' } },
    db: limit('1g'),
  });
  const judge = (more: Parameters<typeof facts>[0], config = {}) =>
    judgeHost({ facts: facts(more), record, config, database: 'db' });
  const errors = (found: ReturnType<typeof judge>) =>
    found.filter((finding) => finding.level === 'error').map((finding) => finding.topic);

  test('what is missing or too small is an error with a way out', () => {
    const enough = { web: { pool: 5 } };
    expect(errors(judge({ memory: 8 * gib }, enough))).toEqual([]);
    expect(errors(judge({ memory: 4 * gib }, enough))).toEqual(['memory']);
    expect(errors(judge({ memory: 8 * gib }))).toEqual(['connections']);
    expect(errors(judge({ free: 0.5 * gib }, enough))).toEqual(['disk']);
    expect(errors(judge({ engine: '19.03.1' }, enough))).toEqual(['engine']);
    expect(errors(judge({ engine: '20.9.1' }, enough))).toEqual(['engine']);
    expect(errors(judge({ engine: '20.10.0', compose: 'v2.20.0' }, enough))).toEqual([]);
    expect(errors(judge({ compose: '2.19.1' }, enough))).toEqual(['compose']);
    expect(errors(judge({ compose: '5.0.1' }, enough))).toEqual([]);
    expect(errors(judge({ engine: '', compose: '' }, enough))).toEqual(['engine', 'compose']);
    expect(errors(judge({ forwarding: false }, enough))).toEqual(['ssh']);
    expect(errors(judge({ usable: false }, enough))).toEqual(['folder']);
    for (const found of judge({
      usable: false,
      forwarding: false,
      memory: gib,
      free: 0,
      engine: '',
      compose: '',
    })) {
      if (found.level === 'error') expect(found.fix).toMatch(/\w/);
    }
  });

  test('an old Compose is named with its version', () => {
    const old = judge({ compose: '2.17.2-1' }).find(({ topic }) => topic === 'compose');
    expect(old?.message).toBe('Compose 2.17.2-1 is older than 2.20');
    expect(judge({ compose: '' }).find(({ topic }) => topic === 'compose')?.message).toContain('is missing');
  });

  test('the message names the largest and does the sum', () => {
    const memory = judge({ memory: 4 * gib }).find((finding) => finding.topic === 'memory');
    expect(memory?.message).toBe('5.0 GiB of memory limits while both colors run, the host has 4.0 GiB');
    expect(memory?.fix).toContain('web alone uses 2 × 2.0 GiB');
    const connections = judge({}).find((finding) => finding.topic === 'connections');
    expect(connections?.message).toContain(
      'up to 120 database connections while both colors run (web 2×1×60), 97 available',
    );
  });

  test('the processes of all hosts share the database, and it is said once', () => {
    const other = release('v1', plans, { web: { environment: { DB_POOL_SIZE: '10' } }, db: limit('1g') });
    const on = (one: typeof record) =>
      judgeHost({ facts: facts({}), record: one, fleet: [record, other], config: {}, database: 'db' });
    const said = on(record).filter((finding) => finding.topic === 'connections');
    expect(said.map((finding) => finding.message.slice(0, 10))).toEqual(['up to 140 ']);
    expect(on(other).filter((finding) => finding.topic === 'connections')).toEqual([]);
  });

  test('processes beyond their limit are an error, settings of Postgres a warning', () => {
    const tight = release('v1', plans, {
      web: { ...limit('1g'), command: ['celery', 'worker', '--concurrency=30'] },
      db: { ...limit('1g'), image: 'postgres:17', command: ['postgres', '-c', 'shared_buffers=2GB'] },
    });
    const config = { web: { processMemory: 2 * gib } };
    const found = judgeHost({ facts: facts({}), record: tight, config, database: undefined });
    expect(
      found
        .filter(({ level, topic }) => topic === 'memory' && level !== 'ok')
        .map((finding) => [finding.level, finding.message]),
    ).toEqual([
      ['error', 'web needs 60.0 GiB (30 processes × 2.0 GiB), but its limit is 1.0 GiB'],
      ['warning', 'shared_buffers (2 GiB) is 200 % of the limit of 1 GiB'],
    ]);
  });

  test('one PgBouncer stands between all hosts and the database', () => {
    const services = {
      web: { environment: { DB_HOST: 'pgbouncer', DB_POOL_SIZE: '60' } },
      pgbouncer: {
        image: 'edoburu/pgbouncer:1',
        environment: { MAX_CLIENT_CONN: '200', DEFAULT_POOL_SIZE: '50' },
      },
      db: { image: 'postgres:17' },
    };
    const both = [...plans, servicePlan('pgbouncer', 'keep')];
    const fleet = [release('v1', both, services), release('v1', both, services)];
    const [first] = fleet;
    if (first === undefined) return expect.unreachable();
    const found = judgeHost({ facts: facts({}), record: first, fleet, config: {}, database: 'db' });
    expect(
      found.filter(({ topic }) => topic === 'connections').map((finding) => [finding.level, finding.message]),
    ).toEqual([
      ['ok', expect.stringMatching(/^up to 50 database connections .*pgbouncer opens 50\), 97 available$/)],
      ['error', 'up to 240 connections to pgbouncer while both colors run, but it accepts 200'],
    ]);
  });

  test('a clock that is far off is a warning', () => {
    const clock = judge({ clockMs: -90_000 }).find((finding) => finding.topic === 'clock');
    expect([clock?.level, clock?.message]).toEqual([
      'warning',
      "the host's clock is 90 s behind the clock where Sluice runs",
    ]);
    expect(judge({ clockMs: 2_000 }).some((finding) => finding.topic === 'clock')).toBe(false);
  });

  test('a service without a limit is a warning, an unknown memory says nothing', () => {
    const open = release('v1', plans, { web: {}, db: {} });
    const found = judgeHost({ facts: facts({ memory: gib }), record: open, config: {}, database: undefined });
    expect(found.filter((finding) => finding.topic === 'memory').map((finding) => finding.level)).toEqual([
      'warning',
      'warning',
    ]);
    expect(
      judge({ memory: undefined as unknown as number }).some((finding) => finding.topic === 'memory'),
    ).toBe(false);
  });
});
