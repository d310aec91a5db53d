import { describe, expect, test } from 'vitest';
import type { ComposeService } from '../../src/config/model.ts';
import { findPorts, healthTarget } from '../../src/config/ports.ts';

const shell = (line: string): ComposeService => ({ healthcheck: { test: ['CMD-SHELL', line] } });

describe('what a health check asks', () => {
  test.each<[string, unknown]>([
    ['curl -f http://localhost:8000/api/health || exit 1', { port: 8000, path: '/api/health', tls: false }],
    ['curl -fsS -o /dev/null "http://127.0.0.1:3000/"', { port: 3000, path: '/', tls: false }],
    ['wget --spider -q http://0.0.0.0/up', { port: 80, path: '/up', tls: false }],
    ['curl -k https://localhost/health', { port: 443, path: '/health', tls: true }],
    ['curl http://[::1]:8080', { port: 8080, path: '/', tls: false }],
    ['curl localhost:9000/ping', { port: 9000, path: '/ping', tls: false }],
    ['curl http://localhost:$$PORT/health', { port: undefined, path: '/health', tls: false }],
    ['curl http://localhost:$${PORT:-80}/health', { port: undefined, path: '/health', tls: false }],
    ['curl http://localhost:80/$$NAME', { port: 80, path: undefined, tls: false }],
    [
      'python -c "import urllib.request as r; r.urlopen(\'http://localhost:8000/health\')"',
      { port: 8000, path: '/health', tls: false },
    ],
    [
      'node -e "fetch(\'http://127.0.0.1:3000/\').catch(() => process.exit(1))"',
      { port: 3000, path: '/', tls: false },
    ],
    ['curl "http://localhost:8000/health?deep=1"', { port: 8000, path: '/health?deep=1', tls: false }],
    ['nc -z localhost 5432', { port: 5432, path: undefined, tls: false }],
    ['timeout 1 bash -c "</dev/tcp/127.0.0.1/9092"', { port: 9092, path: undefined, tls: false }],
    ['curl http://other-service:8000/health', undefined],
    ['curl https://example.com', undefined],
    ['pg_isready -U app', undefined],
    ['celery -A app inspect ping', undefined],
  ])('%s', (line, expected) => expect(healthTarget(shell(line))).toEqual(expected));

  test('none when it is switched off', () => {
    expect(
      healthTarget({ healthcheck: { disable: true, test: ['CMD', 'curl', 'http://localhost/'] } }),
    ).toBeUndefined();
    expect(healthTarget({ healthcheck: { test: ['NONE'] } })).toBeUndefined();
    expect(healthTarget({})).toBeUndefined();
  });
});

describe('ports', () => {
  test('the health check chooses among those declared', () => {
    const service = {
      ...shell('curl http://localhost:8000/up'),
      ports: [{ target: 9090 }],
      expose: ['8000'],
    };
    expect(findPorts(service, {})).toEqual({
      ports: [
        { port: 8000, mode: 'http' },
        { port: 9090, mode: 'http' },
      ],
      from: 'its health check',
      health: '/up',
    });
  });

  test('sluice.yml over all', () => {
    const service = { ...shell('curl http://localhost:8000/up'), expose: ['8000'] };
    expect(findPorts(service, { port: 7000 })).toMatchObject({
      ports: [{ port: 7000 }, { port: 8000 }],
      from: 'sluice.yml',
      health: undefined,
    });
    expect(findPorts(service, { health: '/mine' })?.health).toBe('/mine');
    expect(findPorts(service, { mode: 'tcp' })).toMatchObject({
      ports: [{ port: 8000, mode: 'tcp' }],
      health: undefined,
    });
  });

  test.each<[ComposeService, unknown]>([
    [{ expose: ['443'] }, [{ port: 443, mode: 'tcp' }]],
    [{ expose: ['5432'] }, [{ port: 5432, mode: 'tcp' }]],
    [
      { expose: ['7000-7002', '53/udp', '7001', 'nonsense', '99999', '9-7'] },
      [7000, 7001, 7002].map((port) => ({ port, mode: 'http' })),
    ],
    [{ ports: [{ target: 53, protocol: 'udp' }], expose: ['80/tcp'] }, [{ port: 80, mode: 'http' }]],
    [{ image: 'php:8.3-fpm', command: ['php-fpm'] }, [{ port: 9000, mode: 'tcp' }]],
    [{ ...shell('curl -k https://localhost:8080/'), expose: ['8080'] }, [{ port: 8080, mode: 'tcp' }]],
    [{ command: ['next', 'start', '-p', '3100'] }, [{ port: 3100, mode: 'http' }]],
    [{ command: ['serve', '--listen', ':8081'] }, [{ port: 8081, mode: 'http' }]],
    [{ entrypoint: ['gunicorn'], command: ['--bind=[::]:8000', 'app'] }, [{ port: 8000, mode: 'http' }]],
    [{ command: ['uvicorn', 'app:app'] }, [{ port: 8000, mode: 'http' }]],
    [{ command: ['rails', 'server'] }, [{ port: 3000, mode: 'http' }]],
    [{ command: ['./server', ':4000'] }, [{ port: 4000, mode: 'http' }]],
    [{ environment: { PORT: 'nonsense', HTTP_PORT: '81' } }, [{ port: 81, mode: 'http' }]],
  ])('%j', (service, ports) => expect(findPorts(service, {})?.ports).toEqual(ports));

  test('a range is not taken whole', () => {
    expect(findPorts({ expose: ['30000-40000'] }, {})?.ports).toHaveLength(16);
  });

  test.each<ComposeService>([
    {},
    { image: 'app', command: ['python', 'main.py'] },
    { command: ['mkdir', '-p', '/data'] },
    { environment: { PORT: null } },
    { command: ['run', '--at', '12:30'] },
  ])('no port in %j', (service) => expect(findPorts(service, {})).toBeUndefined());
});
