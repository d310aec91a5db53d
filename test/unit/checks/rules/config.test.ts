import { describe, expect, test } from 'vitest';
import { ignoresIn, withoutIgnored } from '../../../../src/checks/rules/ignores.ts';
import { parseConfig } from '../../../../src/config/sluice-yml/load.ts';
import { linesOf, ownFindings } from '../../../support/checks/own.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

const worker = `services:
  worker:
    image: ghcr.io/acme/app:1
    command: celery -A app worker --concurrency=30
    restart: unless-stopped
    deploy: { replicas: 30, resources: { limits: { memory: 6G, cpus: "2" } } }
`;
const config = (text: string) => parseConfig(text, '/repo/sluice.yml', '/repo');

describe('what sluice.yml adds', () => {
  const base =
    'app: shop\ncompose: [deploy/prod.yml]\ntargets:\n  production: { hosts: [d@one, d@two], env-file: .env.live }\n';

  test('its compose files count, and no others', async () => {
    const repo = memoryRepo({
      'compose.yml': 'services: { a: { image: nginx } }\n',
      'deploy/other.yml': worker,
    });
    const named = base.replace('prod.yml', 'other.yml');
    expect(linesOf(await ownFindings(repo, config(named)))).toEqual([]);
    expect(linesOf(await ownFindings(repo))).toContain('compose.yml:1 compose/floating-tag');
  });

  test('30 workers × 30 tasks × 2.2 GB are killed', async () => {
    const repo = memoryRepo({ 'deploy/prod.yml': worker });
    const [found] = await ownFindings(repo, config(`${base}services:\n  worker: { process-memory: 2.2G }\n`));
    expect(found).toMatchObject({
      rule: 'capacity/process-memory',
      level: 'fail',
      at: { file: 'deploy/prod.yml', line: 2 },
    });
    expect(found?.message).toBe('worker needs 66 GiB (30 processes × 2.2 GiB), but its limit is 6 GiB.');
  });

  test('the processes of all hosts share the database', async () => {
    const compose = `services:
  api:
    image: ghcr.io/acme/api:1
    command: gunicorn --workers 4 app:app
    expose: ["8000"]
    restart: always
    healthcheck: { test: [CMD, true] }
    deploy: { resources: { limits: { memory: 1G, cpus: "2" } } }
  db:
    image: postgres:17
    restart: always
    healthcheck: { test: [CMD, pg_isready] }
    deploy: { resources: { limits: { memory: 1G, cpus: "2" } } }
`;
    const repo = memoryRepo({ 'deploy/prod.yml': compose });
    const found = await ownFindings(repo, config(`${base}services:\n  api: { pool: 8 }\n`));
    expect(found.map(({ message }) => message)).toEqual([
      'With both colors up to 128 connections to db of production (api 2×4×8 + 2×4×8), which has 97 available.',
    ]);
  });

  test('env files of targets are judged although git ignores them, and are no leak', async () => {
    const texts = { 'deploy/prod.yml': 'services: {}\n', '.env.live': 'DB_PASSWORD=short\nDEBUG=1\n' };
    const repo = { ...memoryRepo(texts), files: ['deploy/prod.yml'] };
    expect(linesOf(await ownFindings(repo, config(base)))).toEqual([
      '.env.live:1 env/weak-secret',
      '.env.live:2 env/debug',
    ]);
  });
});

describe('comments that ignore a rule', () => {
  test.each([
    ['# sluice: ignore a/b because', { rule: 'a/b', reason: 'because', alone: true }],
    ['  #sluice:ignore a/b: so it is', { rule: 'a/b', reason: 'so it is', alone: true }],
    ['x: 1 # sluice: ignore a/b - why not', { rule: 'a/b', reason: 'why not', alone: false }],
    ['# sluice: ignore a/b', { rule: 'a/b', reason: '', alone: true }],
    ['# sluice: ignore', { rule: '', reason: '', alone: true }],
  ])('%s', (text, expected) => {
    expect(ignoresIn(text)).toEqual([{ line: 1, ...expected }]);
  });

  test('on its lines or right above them, for that rule only', () => {
    const text =
      '# sluice: ignore a/b above\n# more\none\ntwo\nthree # sluice: ignore a/b same\nfour\n\nfive\n';
    const at = (line: number, rule = 'a/b', endLine?: number) => ({
      ...({
        tool: 'sluice',
        rule,
        severity: 'low',
        level: 'fail',
        message: '',
        at: { file: 'f', line },
      } as const),
      ...(endLine === undefined ? {} : { endLine }),
    });
    const kept = (finding: ReturnType<typeof at>) => withoutIgnored([finding], () => text).length === 1;
    expect([1, 2, 3, 4, 5, 6, 8].map((line) => kept(at(line)))).toEqual([
      false,
      false,
      false,
      true,
      false,
      true,
      true,
    ]);
    expect(kept(at(3, 'a/c'))).toBe(true);
    expect(kept(at(4, 'a/b', 6))).toBe(false);
    expect(withoutIgnored([at(4)], () => undefined)).toHaveLength(1);
  });
});
