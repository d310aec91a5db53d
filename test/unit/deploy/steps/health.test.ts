import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readHealth, unwell } from '../../../../src/deploy/steps/waiting/component-health.ts';

const read = (value: unknown, status = 200) => readHealth(status, JSON.stringify(value));

describe('a health answer', () => {
  test('the status code decides; every other field names a component', () => {
    expect(read({ status: 'healthy', database: 'connected', cache: { redis: 'up' }, workers: 3 })).toEqual({
      ok: true,
      status: 200,
      components: { status: 'healthy', database: 'connected', 'cache.redis': 'up' },
      unwell: [],
    });
    expect(read({ status: 'healthy', database: 'disconnected' }, 503)).toMatchObject({
      ok: false,
      unwell: ['database'],
    });
    expect(readHealth(204, '')).toMatchObject({ ok: true, components: {} });
    expect(readHealth(200, 'OK')).toMatchObject({ ok: true, components: {} });
    for (const status of [0, 404, 500]) expect(readHealth(status, 'OK').ok).toBe(false);
  });

  test('a component that is not well is named but decides nothing: the app has said 200', () => {
    expect(read({ status: 'ok', redis: 'unavailable', queue: false })).toMatchObject({
      ok: true,
      unwell: ['redis', 'queue'],
    });
  });

  test.each([
    'unhealthy',
    'UNHEALTHY',
    'down',
    'error',
    'failed',
    'failing',
    'not ready',
    'not_ready',
    'notready',
    'disconnected',
    'inactive',
    'unavailable',
    'timeout',
    'timed out',
    'dead',
    'critical',
    'connection error',
    'false',
  ])('200 with status %j is not well', (status) =>
    expect(read({ status })).toMatchObject({ ok: false, unwell: ['status'] }),
  );

  test.each([
    'ok',
    'healthy',
    'UP',
    'pass',
    'in service',
    'in_service',
    'initialized',
    'running',
    'degraded',
    'unified',
    'distributed',
    'deadline met',
    'download ready',
    'notified',
    'true',
  ])('200 with status %j is well', (status) =>
    expect(read({ status })).toMatchObject({ ok: true, unwell: [] }),
  );

  test('any body is read, and what it names is bounded', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.jsonValue().map((value) => JSON.stringify(value)),
        ),
        (body) => {
          const { components, unwell } = readHealth(200, body);
          expect(Object.keys(components).length).toBeLessThanOrEqual(50);
          for (const name of unwell) expect(Object.keys(components)).toContain(name);
        },
      ),
    );
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`c${index}`, 'up']));
    expect(Object.keys(read({ a: many, b: many }).components)).toHaveLength(50);
    let deep: unknown = 'up';
    for (let level = 0; level < 2000; level += 1) deep = { a: deep };
    expect(read(deep).components).toEqual({});
  });
});

describe('the error', () => {
  const error = (status: number, body: string, lines?: string) => () => {
    throw unwell('one: web', '/health', { ...readHealth(status, body), body }, lines);
  };

  test('names the component, or what the path answered', () => {
    expect(error(503, '{"status":"unhealthy","database":"disconnected"}')).toThrow(
      'one: web is unhealthy: database is disconnected',
    );
    expect(error(500, 'oops')).toThrow('one: web is unhealthy: /health returned 500');
    expect(error(0, 'connect ECONNREFUSED')).toThrow('/health did not answer');
    expect(error(500, 'x'.repeat(5000))).toThrow(
      expect.objectContaining({ code: 'health.component', output: 'x'.repeat(1000) }),
    );
    expect(error(500, 'oops', 'last line')).toThrow(expect.objectContaining({ output: 'oops\nlast line' }));
  });

  test('the statuses of a good answer are those that the edge expects', () => {
    const ok = (status: number, expect?: string) =>
      readHealth(status, '', expect === undefined ? {} : { expect }).ok;
    expect([199, 200, 302, 399, 400].map((status) => ok(status))).toEqual([false, true, true, true, false]);
    expect([200, 204, 401, 500].map((status) => ok(status, '204,400-499'))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});
