import type { DeployReport, HostTimeline, Serving, StepRecord } from '../../../src/report/model.ts';

/** Reports as real deploys of the example app give them: what the tests of src/report/ read. */

const startedAt = '2026-03-14T02:58:03.000Z';
const at = (ms: number): string => new Date(Date.parse(startedAt) + ms).toISOString();
const image = (name: string, digit: string): string =>
  `ghcr.io/acme/bookreader/${name}@sha256:${digit.repeat(4)}d0a1c5e2b7f49386ab10cd57e8f2634b9a0c1d2e3f405162738495a6b7${digit}`;

type Row = readonly [name: string, ms: number, note?: string | undefined, outcome?: StepRecord['outcome']];

/** Steps one after the other from `from` on, with a millisecond between; a step without name is a pause. */
function lane(name: string, from: number, rows: readonly Row[]): HostTimeline {
  let startedAt = from;
  const steps = rows.flatMap(([step, durationMs, note, outcome = 'done']): StepRecord[] => {
    const record = { name: step, host: name, startedAt, durationMs, outcome, note };
    startedAt += durationMs + 1;
    return step === '' ? [] : [record];
  });
  return { name, steps };
}

function serves(hosts: readonly string[], release: string, colour: string): Serving[] {
  return hosts.flatMap((host) =>
    ['backend', 'frontend'].map((service) => ({ host, service, release, colour })),
  );
}

const prod1 = 'deploy@prod-1.example.com';
const prod2 = 'deploy@prod-2.example.com';
const healthy = { database: 'connected', redis: 'connected', celery: 'running' };

const base = {
  version: 1,
  app: 'bookreader',
  target: 'production',
  command: 'deploy',
  startedAt,
  unreachable: [],
  runUrl: 'https://github.com/acme/bookreader/actions/runs/8123456789',
  actor: 'mira',
  commit: '9f1c2ab47d50e6b38a9c1f2d3e4b5a6978877665',
  warnings: [],
  nextAction: '',
} as const satisfies Partial<DeployReport>;

const images = [
  { service: 'backend', reference: image('backend', '4') },
  { service: 'frontend', reference: image('frontend', '7') },
  { service: 'celery-worker', reference: image('backend', '4') },
];

/** Two hosts, a migration, a backup that was restored, thirty seconds of watch. */
export const confirmed: DeployReport = {
  ...base,
  deploy: '20260314-025803-v1.2.4',
  release: 'v1.2.4',
  previousRelease: 'v1.2.3',
  outcome: 'confirmed',
  serving: serves([prod1, prod2], 'v1.2.4', 'green'),
  finishedAt: at(41_240),
  hosts: [
    lane('runner', 0, [
      ['resolve', 412, '3 images by digest'],
      ['connect', 318],
    ]),
    lane(prod1, 733, [
      ['lease', 41],
      ['reconcile', 12],
      ['preflight', 164, '11.2 GiB free, 38 of 100 connections'],
      ['transfer', 1_430, '2 images pulled'],
      ['backup', 3_120, '48.2 MiB, restored'],
      ['migrate', 842, '3f2a91c0 → 9bc1d4e7'],
      ['start', 611, 'green'],
      ['health', 1_874, 'backend, frontend'],
      ['switch', 7],
      ['watch', 30_004],
      ['confirm', 96],
      ['retire', 1_210, 'blue stopped'],
      ['prune', 233, '1 release, 2 images'],
    ]),
    lane(prod2, 735, [
      ['lease', 44],
      ['reconcile', 14],
      ['preflight', 171],
      ['transfer', 1_702, '2 images pulled'],
      ['start', 655, 'green'],
      ['health', 1_760, 'backend, frontend'],
      ['', 3_750],
      ['switch', 6],
      ['watch', 30_004],
      ['confirm', 102],
      ['retire', 1_180, 'blue stopped'],
      ['prune', 190],
    ]),
  ],
  events: [
    { kind: 'switched', at: 8_842, host: prod1 },
    { kind: 'switched', at: 8_846, host: prod2 },
    { kind: 'confirmed', at: 38_949, host: prod1 },
    { kind: 'confirmed', at: 38_953, host: prod2 },
  ],
  health: [
    { host: prod1, service: 'backend', components: healthy, ok: true },
    { host: prod1, service: 'frontend', components: {}, ok: true },
    { host: prod2, service: 'backend', components: healthy, ok: true },
    { host: prod2, service: 'frontend', components: {}, ok: true },
  ],
  watch: [
    {
      host: prod1,
      service: 'backend',
      seconds: 30,
      requests: 2_406,
      errors5xx: 0,
      slow: 3,
      p95Ms: 84,
      outcome: 'kept',
    },
    {
      host: prod2,
      service: 'backend',
      seconds: 30,
      requests: 2_406,
      errors5xx: 0,
      slow: 1,
      p95Ms: 79,
      outcome: 'kept',
    },
    {
      host: prod1,
      service: 'frontend',
      seconds: 30,
      requests: 611,
      errors5xx: 0,
      slow: 0,
      p95Ms: 6,
      outcome: 'kept',
    },
    {
      host: prod2,
      service: 'frontend',
      seconds: 30,
      requests: 598,
      errors5xx: 0,
      slow: 0,
      p95Ms: 5,
      outcome: 'kept',
    },
  ],
  backup: {
    file: '/opt/sluice/bookreader/backups/v1.2.4.dump',
    bytes: 50_541_312,
    sha256: '5b1f0c7a9d3e4826f10b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f',
    seconds: 1.62,
    restoreTest: { ok: true, tables: 14, rows: 120_331, seconds: 1.48 },
  },
  migration: {
    before: '3f2a91c0',
    after: '9bc1d4e7',
    output:
      'INFO  [alembic.runtime.migration] Context impl PostgresqlImpl.\nINFO  [alembic.runtime.migration] Will assume transactional DDL.\nINFO  [alembic.runtime.migration] Running upgrade 3f2a91c0 -> 9bc1d4e7, add reading_progress.updated_at',
    seconds: 0.84,
  },
  images,
  env: { added: ['FEATURE_READING_GOALS'], removed: ['LEGACY_SEARCH_URL'] },
  warnings: [
    'deploy@prod-2.example.com: 1 old worker still finishes its task; it stops by itself within 10 m',
  ],
  counts: { execs: 22, forwards: 18 },
};

/** The new release answers 500 to everything; the guard takes it out after 33 answers. */
export const reverted: DeployReport = {
  ...confirmed,
  deploy: '20260314-031209-v1.2.4',
  outcome: 'reverted',
  serving: serves([prod1, prod2], 'v1.2.3', 'green'),
  finishedAt: at(9_812),
  hosts: [
    lane('runner', 0, [
      ['resolve', 398],
      ['connect', 305],
    ]),
    lane(prod1, 706, [
      ['lease', 39],
      ['reconcile', 11],
      ['preflight', 158],
      ['transfer', 1_204],
      ['backup', 3_088, '48.2 MiB, restored'],
      ['start', 640, 'blue', 'undone'],
      ['health', 1_902],
      ['switch', 7, undefined, 'undone'],
      ['watch', 24, '5xx rate 100 % of 33 answers', 'failed'],
      ['undo', 1_630, 'blue stopped and removed'],
    ]),
    lane(prod2, 708, [
      ['lease', 40],
      ['reconcile', 12],
      ['preflight', 166],
      ['transfer', 1_377],
      ['start', 655, 'blue', 'undone'],
      ['health', 1_811],
    ]),
  ],
  events: [
    { kind: 'switched', at: 7_757, host: prod1 },
    { kind: 'reverted', at: 7_780, host: prod1, note: '5xx rate 100 % of 33 answers' },
    { kind: 'switched', at: 7_758, host: prod2 },
    { kind: 'reverted', at: 7_803, host: prod2, note: 'asked to' },
  ],
  watch: [
    {
      host: prod1,
      service: 'backend',
      seconds: 0.023,
      requests: 33,
      errors5xx: 33,
      slow: 0,
      p95Ms: 4,
      outcome: 'reverted',
      reason: '5xx rate 100 % of 33 answers',
    },
    {
      host: prod2,
      service: 'backend',
      seconds: 0.045,
      requests: 21,
      errors5xx: 21,
      slow: 0,
      p95Ms: 4,
      outcome: 'reverted',
    },
  ],
  migration: undefined,
  warnings: [],
  env: { added: [], removed: [] },
  error: {
    code: 'deploy.reverted',
    message: 'The guard on deploy@prod-1.example.com reverted backend v1.2.4: 5xx rate 100 % of 33 answers',
    hint: 'Read the log of the new containers below, fix the release and deploy again. v1.2.3 serves as before.',
    output: [
      '[2026-03-14 02:58:10 +0000] [7] [INFO] Application startup complete.',
      'ERROR:    Exception in ASGI application',
      'Traceback (most recent call last):',
      '  File "/app/bookreader/api/books.py", line 41, in list_books',
      '    rows = await session.execute(select(Book).order_by(Book.shelf_position))',
      "AttributeError: type object 'Book' has no attribute 'shelf_position'",
      'INFO:     172.20.0.9:41872 - "GET /api/books?page=1 HTTP/1.1" 500 Internal Server Error',
    ].join('\n'),
  },
  nextAction: 'Nothing is urgent: v1.2.3 serves. Fix list_books (log below) and deploy again.',
};

/** The new release never gets well: undone before any request reached it. One host, staging. */
export const undone: DeployReport = {
  ...base,
  target: 'staging',
  deploy: '20260314-094500-v1.3.0-rc1',
  release: 'v1.3.0-rc1',
  previousRelease: 'v1.2.4',
  outcome: 'undone',
  serving: serves(['deploy@staging.example.com'], 'v1.2.4', 'blue'),
  finishedAt: at(34_960),
  hosts: [
    lane('deploy@staging.example.com', 640, [
      ['lease', 52],
      ['preflight', 201],
      ['transfer', 2_480],
      ['start', 702, 'green', 'undone'],
      ['health', 30_020, 'backend: database is disconnected', 'failed'],
      ['undo', 812, 'green stopped and removed'],
    ]),
  ],
  events: [{ kind: 'undone', at: 34_900, host: 'deploy@staging.example.com' }],
  health: [
    {
      host: 'deploy@staging.example.com',
      service: 'backend',
      components: { database: 'disconnected', redis: 'connected', celery: 'running' },
      ok: false,
    },
    { host: 'deploy@staging.example.com', service: 'frontend', components: {}, ok: true },
  ],
  watch: [],
  images: images.slice(0, 2),
  env: { added: ['DATABASE_URL'], removed: ['DB_HOST', 'DB_NAME', 'DB_USER'] },
  error: {
    code: 'deploy.unhealthy',
    message: 'backend on deploy@staging.example.com was not healthy within 30 s: database is disconnected',
    hint: 'Check DATABASE_URL in .env.staging: the new release reads it instead of DB_HOST, DB_NAME and DB_USER.',
    output:
      'sqlalchemy.exc.OperationalError: (psycopg.OperationalError) connection failed: FATAL:  password authentication failed for user "bookreader"',
  },
  nextAction: 'Correct DATABASE_URL in .env.staging, then deploy again.',
  counts: { execs: 9, forwards: 6 },
};

const fleet = Array.from(
  { length: 10 },
  (_, index) => `deploy@app-${String(index + 1).padStart(2, '0')}.example.com`,
);

/** Ten hosts in two batches, no watch numbers worth a worry. */
export const tenHosts: DeployReport = {
  ...base,
  deploy: '20260314-120000-v2.0.0',
  release: 'v2.0.0',
  previousRelease: 'v1.9.7',
  outcome: 'confirmed',
  serving: serves(fleet, 'v2.0.0', 'blue'),
  finishedAt: at(21_700),
  hosts: fleet.map((name, index) =>
    lane(name, 690 + index * 6, [
      ['lease', 38 + index],
      ['preflight', 150 + 11 * index],
      ['transfer', 2_100 + ((index * 613) % 1_900)],
      ['start', 580 + ((index * 97) % 240)],
      ['health', 7_160 - ((index * 613) % 1_900) - ((index * 97) % 240) - 12 * index],
      ['switch', 6],
      ['watch', 10_000],
      ['confirm', 88 + index],
      ['retire', 640 + ((index * 41) % 300)],
    ]),
  ),
  events: fleet.flatMap((host, index) => [
    { kind: 'switched' as const, at: 10_722 + index, host },
    { kind: 'confirmed' as const, at: 20_830 + index, host },
  ]),
  health: fleet.map((host) => ({ host, service: 'backend', components: healthy, ok: true })),
  watch: fleet.map((host, index) => ({
    host,
    service: 'backend',
    seconds: 10,
    requests: 8_100 + 37 * index,
    errors5xx: index === 6 ? 2 : 0,
    slow: index,
    p95Ms: 61 + index,
    outcome: 'kept' as const,
  })),
  images,
  env: { added: [], removed: [] },
  counts: { execs: 104, forwards: 88 },
};

/** Cancelled while armed; one of the two hosts could no longer be asked. */
export const interrupted: DeployReport = {
  ...confirmed,
  deploy: '20260314-153012-v1.2.5',
  release: 'v1.2.5',
  previousRelease: 'v1.2.4',
  outcome: 'interrupted',
  serving: serves([prod1], 'v1.2.5', 'blue'),
  unreachable: [prod2],
  finishedAt: at(14_020),
  hosts: [
    lane(prod1, 700, [
      ['lease', 40],
      ['preflight', 158],
      ['transfer', 1_204],
      ['start', 640, 'blue'],
      ['health', 1_902],
      ['switch', 7],
      ['watch', 9_300, undefined, 'running'],
    ]),
    lane(prod2, 702, [
      ['lease', 41],
      ['preflight', 160],
      ['transfer', 1_310],
      ['start', 652, 'blue'],
      ['health', 1_790],
      ['switch', 8],
      ['watch', 9_290, undefined, 'running'],
    ]),
  ],
  events: [
    { kind: 'switched', at: 4_658, host: prod1 },
    { kind: 'switched', at: 4_672, host: prod2 },
  ],
  watch: [
    {
      host: prod1,
      service: 'backend',
      seconds: 9.3,
      requests: 742,
      errors5xx: 0,
      slow: 0,
      p95Ms: 81,
      outcome: 'interrupted',
    },
  ],
  backup: undefined,
  migration: undefined,
  warnings: [],
  env: { added: [], removed: [] },
  error: {
    code: 'cancelled',
    message: 'Cancelled (SIGINT)',
    hint: 'The guard goes back to v1.2.4 by itself. Run `sluice status`, then deploy again.',
  },
  nextAction: 'Wait one minute, run `sluice status production`, then deploy again.',
};

export const reports: readonly DeployReport[] = [confirmed, reverted, undone, tenHosts, interrupted];
