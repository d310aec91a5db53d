import { describe, expect, test } from 'vitest';
import type { ComposeService } from '../../../../src/config/model.ts';
import { connectionBudget, memoryBudget, memoryDemand } from '../../../../src/config/services/capacity.ts';
import { judgePostgres, postgresSettings } from '../../../../src/config/services/postgres-settings.ts';
import { type ImageHints, processesOf, processMemoryOf } from '../../../../src/config/services/processes.ts';
import { planServices } from '../../../../src/config/services/strategies.ts';

const gb = 1024 ** 3;
const words = (line: string) => line.split(' ');
const sight = { services: {}, registry: undefined, migrate: undefined, backup: undefined };
const planned = (services: Record<string, ComposeService>) => {
  const model = { name: 'app', services };
  return { model, plans: planServices(model, sight) };
};

describe('memory of workers', () => {
  const workers = (replicas: number, concurrency: number, memory: string) =>
    planned({
      worker: {
        command: words(`celery -A app worker --concurrency=${concurrency} --max-tasks-per-child=10`),
        deploy: { replicas, resources: { limits: { memory } } },
      },
    });

  test('30 workers × 30 tasks × 2.2 GB ask for far more than their limit', () => {
    const { model, plans } = workers(30, 30, '6G');
    const [demand] = memoryDemand(model, plans, { worker: { processMemory: 2.2 * gb } });
    expect(demand).toMatchObject({ processes: 30, containers: 60, limit: 6 * gb });
    expect((demand?.needed ?? 0) / gb).toBeCloseTo(66);
    expect(((demand?.needed ?? 0) * 30) / gb).toBeCloseTo(1_980);
  });

  test('5 workers × 2 tasks in 6 GB each fit, and stay below 50 GB but for a deploy', () => {
    const { model, plans } = workers(5, 2, '6G');
    const [demand] = memoryDemand(model, plans, { worker: { processMemory: 2.2 * gb } });
    expect(demand?.needed).toBeLessThan(demand?.limit ?? 0);
    const budget = memoryBudget(model, plans);
    expect(budget.needed / 2).toBeLessThan(50 * gb);
    expect(budget.needed).toBe(60 * gb);
  });

  test.each([
    ['celery -A app worker --max-memory-per-child=2200000', {}, 2_200_000 * 1024],
    ['node --max-old-space-size=4096 server.js', {}, 4 * gb],
    ['node server.js', { NODE_OPTIONS: '--max_old_space_size=512' }, gb / 2],
    ['node server.js', {}, undefined],
  ])('%s takes what its option says', (line, environment, bytes) => {
    expect(processMemoryOf({ command: words(line), environment })).toBe(bytes);
  });
});

describe('connections', () => {
  const web = (pool: number, overflow: number, more: Record<string, string> = {}): ComposeService => ({
    command: words('gunicorn --workers 4 app:app'),
    environment: { DB_POOL_SIZE: String(pool), DB_MAX_OVERFLOW: String(overflow), ...more },
    expose: ['8000'],
  });
  const db: ComposeService = { image: 'postgres:17' };
  const budgetOf = (services: Record<string, ComposeService>, hints?: Record<string, ImageHints>) => {
    const { model, plans } = planned(services);
    return connectionBudget(model, plans, {}, 'db', hints);
  };

  test.each([
    [10, 20, 240],
    [20, 10, 240],
    [50, 100, 1_200],
    [20, 30, 400],
  ])('pool %i + overflow %i, 4 workers, two colours: %i of 97', (pool, overflow, needed) => {
    expect(budgetOf({ web: web(pool, overflow), db })).toMatchObject({ needed, available: 97 });
  });

  test('PgBouncer 1000/50 takes the clients, and opens fifty', () => {
    const pgbouncer: ComposeService = {
      image: 'edoburu/pgbouncer:v1.24.1-p1',
      environment: { MAX_CLIENT_CONN: '1000', DEFAULT_POOL_SIZE: '50' },
    };
    const through = web(20, 30, { DATABASE_URL: 'postgresql://app@pgbouncer:6432/app' });
    expect(budgetOf({ web: through, pgbouncer, db })).toMatchObject({
      needed: 50,
      pooler: { service: 'pgbouncer', clients: 400, maxClients: 1000, pool: 50 },
    });
    // Who goes past it counts as before.
    expect(budgetOf({ web: web(20, 30, { DB_HOST: 'db' }), pgbouncer, db })?.needed).toBe(450);
  });

  test('what the source of the image says, under what its variables say', () => {
    const bare: ComposeService = { command: words('gunicorn -w 4 app:app'), expose: ['8000'] };
    expect(budgetOf({ web: bare, db }, { web: { pool: 30 } })?.needed).toBe(240);
    expect(budgetOf({ web: web(1, 1), db }, { web: { pool: 30 } })?.needed).toBe(16);
    const prisma = { ...bare, environment: { DATABASE_URL: 'postgresql://db/app?connection_limit=7' } };
    expect(budgetOf({ web: prisma, db })?.needed).toBe(56);
  });
});

test.each<[string, ComposeService, ImageHints, number, string | undefined, boolean]>([
  ['gunicorn', { command: words('gunicorn -w 4 app:app') }, {}, 4, '-w', true],
  ['uvicorn', { command: words('uvicorn app:app --workers=3') }, {}, 3, '--workers', true],
  ['of the image', {}, { command: 'gunicorn --workers 5 app:app' }, 5, '--workers', true],
  [
    'a variable',
    { environment: { WEB_CONCURRENCY: '6' } },
    { command: 'uvicorn app:app' },
    6,
    'WEB_CONCURRENCY',
    true,
  ],
  ['WORKERS=1', { environment: { WORKERS: '1' } }, { command: 'gunicorn app:app' }, 1, 'WORKERS', true],
  ['a shell', { command: ['sh', '-c', 'exec gunicorn -w ${WORKERS:-7} app:app'] }, {}, 7, '-w', true],
  ['a file', {}, { command: 'gunicorn', gunicorn: 'workers = 8  # four cores' }, 8, 'gunicorn.conf.py', true],
  [
    'a file that asks',
    { environment: { N: '9' } },
    { command: 'gunicorn', gunicorn: 'workers = int(os.environ.get("N", "2"))' },
    9,
    'gunicorn.conf.py',
    true,
  ],
  [
    'a file that computes',
    {},
    { command: 'gunicorn', gunicorn: 'workers = cpu_count() * 2 + 1' },
    1,
    undefined,
    false,
  ],
  ['a file elsewhere', { command: words('gunicorn -c /etc/g.py app:app') }, {}, 1, undefined, false],
  ['celery', { command: words('celery -A app worker -c 10') }, {}, 10, '-c', true],
  ['celery by itself', { command: words('celery -A app worker') }, {}, 1, undefined, false],
  [
    'celery that scales',
    { command: words('celery -A app worker --autoscale=12,3') },
    {},
    12,
    '--autoscale',
    true,
  ],
  ['puma', { command: words('bundle exec puma -w 3 -t 5:5') }, {}, 3, '-w', true],
  ['pm2', { command: words('pm2-runtime start app.js -i 4') }, {}, 4, '-i', true],
  ['nothing known', { command: words('./server') }, {}, 1, undefined, true],
])('processes of %s', (_what, service, hints, count, from, certain) => {
  expect(processesOf(service, hints)).toMatchObject({ count, from, certain });
});

describe('Postgres against the limit of its container', () => {
  const judge = (settings: string, limit: number, file = '') => {
    const service = { image: 'postgres:17', command: words(`postgres ${settings}`) };
    return judgePostgres(postgresSettings(service, file), limit).map(
      ({ setting, kind }) => `${setting} ${kind}`,
    );
  };

  test.each([
    ['-c shared_buffers=1GB -c work_mem=16MB -c effective_cache_size=3GB', 4, []],
    ['', 0.5, []],
    ['', 4, ['shared_buffers wasteful']],
    ['-c shared_buffers=2GB', 2, ['shared_buffers impossible']],
    ['-c shared_buffers=262144', 4, ['shared_buffers impossible']],
    ['-c shared_buffers=512MB -c work_mem=64MB -c max_connections=100', 2, ['work_mem impossible']],
    ['-cshared_buffers=512MB --work-mem=64MB', 2, ['work_mem impossible']],
    ['-c shared_buffers=512MB -c max_connections=500', 2, ['work_mem impossible']],
    ['-c shared_buffers=512MB -c effective_cache_size=6GB', 2, ['effective_cache_size impossible']],
    ['-c shared_buffers=512MB -c maintenance_work_mem=1GB', 2, ['maintenance_work_mem impossible']],
  ])('%s in %s GB: %j', (settings, size, faults) => {
    expect(judge(settings, size * gb)).toEqual(faults);
  });

  test('its file counts, and the command over it', () => {
    const file = "# memory\nshared_buffers = '3GB'\nmax_connections = 50 # few\n";
    expect(judge('', 4 * gb, file)).toEqual(['shared_buffers impossible']);
    expect(judge('-c shared_buffers=1GB', 4 * gb, file)).toEqual([]);
    expect(postgresSettings({}, file).maxConnections).toBe(50);
  });
});
