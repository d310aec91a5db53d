import { describe, expect, test } from 'vitest';
import type { ComposeService, ServiceConfig } from '../../../../src/config/model.ts';
import { findPorts } from '../../../../src/config/ports/ports.ts';
import { planServices } from '../../../../src/config/services/strategies.ts';
import { config, model } from '../../../support/config/fixtures.ts';
import { ports, shell } from '../../../support/config/port-fixtures.ts';

describe('which health path the edge asks', () => {
  const found = (line: string, config: ServiceConfig = {}) =>
    findPorts({ build: '.', ...shell(line), expose: ['3000'] }, config, { name: 'web' });

  test.each<[line: string, health: string | undefined, note: RegExp | undefined]>([
    ['curl -f http://web:3000/up', '/up', undefined],
    ['curl -fI http://localhost:3000/', '/', undefined],
    ['curl http://localhost:3000/healthz', '/healthz', undefined],
    ['curl http://localhost:3000/', undefined, /requests \/ and accepts any status: without `health`/],
    ['curl -so /dev/null -w "%{http_code}" http://localhost:3000/ | grep 401', undefined, /expects 401/],
    ['curl -f -X POST http://localhost:3000/up', undefined, /with POST/],
    ['curl -f http://localhost:3000/$$NAME', undefined, /a path with a variable/],
    ['curl -f http://localhost:3001/up', undefined, /on port 3001, not on port 3000/],
    ['node healthcheck.js', undefined, /runs healthcheck.js, whose request is not known/],
    ['nc -z localhost 3000', undefined, undefined],
    ['curl -f http://localhost:$$PORT/up', '/up', undefined],
  ])('%s', (line, health, note) => {
    expect(found(line)?.health).toBe(health);
    expect(found(line)?.notes).toEqual(note === undefined ? [] : [expect.stringMatching(note)]);
    expect(found(line, { health: '/mine' })).toMatchObject({ health: '/mine', notes: [] });
  });

  test('a path of sluice.yml is asked on a port that is carried as TCP, but not inside TLS', () => {
    expect(findPorts({ expose: ['7777'] }, { mode: 'tcp', health: '/up' })?.health).toBe('/up');
    expect(findPorts({ expose: ['8443'] }, { health: '/up' })).toMatchObject({
      ports: [{ port: 8443, mode: 'tcp' }],
      health: undefined,
      notes: ['health /up is not used: port 8443 is not plain HTTP (the port of HTTPS)'],
    });
  });

  test.each<[name: string, service: ComposeService, expected: string]>([
    [
      'config',
      {
        image: 'acme/config:1',
        ...ports(8888),
        healthcheck: { test: ['CMD', 'curl', '-I', 'http://config:8888/actuator/health'] },
      },
      '/actuator/health',
    ],
    [
      'b',
      {
        image: 'acme/b:1',
        ...ports(9000),
        hostname: 'bhost',
        ...shell('curl -fs bhost:9000/ping || exit 1'),
      },
      '/ping',
    ],
    [
      'c',
      {
        image: 'acme/c:1',
        ...ports(9100),
        healthcheck: { test: ['CMD', 'wget', '--spider', '-q', 'http://127.0.0.1:9100/healthz'] },
      },
      '/healthz',
    ],
    [
      'd',
      {
        image: 'acme/d:1',
        ...ports(9200),
        ...shell(
          "node -e \"require('http').get({host:'localhost',port:9200,path:'/hz'},r=>process.exit(r.statusCode===200?0:1))\"",
        ),
      },
      '/hz',
    ],
    [
      'e',
      {
        image: 'acme/e:1',
        ...ports(9300),
        ...shell('python -c "import urllib.request as u; u.urlopen(\'http://localhost:9300/h\')"'),
      },
      '/h',
    ],
  ])('%s', (name, service, expected) => {
    const { health, ports: all } = findPorts(service, {}, { name }) ?? {};
    expect([health, all?.[0]?.mode]).toEqual([expected, 'http']);
  });
});

test('the HEALTHCHECK of an image counts as one of the compose file does', () => {
  const image = {
    ports: [{ port: 3000, protocol: 'tcp' as const }],
    entrypoint: [],
    command: ['node', 'server.js'],
    healthcheck: {
      test: ['CMD-SHELL', 'curl -fs http://$HOSTNAME:${PORT:-1}/up || exit 1'],
      startPeriodMs: 120_000,
      intervalMs: 5000,
    },
    volumes: [],
    env: { PORT: '3000' },
    labels: {},
  };
  const [web] = planServices(model({ web: { build: '.' } }), config, { images: { web: image } });
  expect(web).toMatchObject({
    strategy: 'blue-green',
    ports: [{ port: 3000, mode: 'http', why: 'its health check uses http' }],
    health: '/up',
    startDeadlineMs: 135_000,
  });
});
