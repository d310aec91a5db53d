import { describe, expect, test } from 'vitest';
import type { ComposeService } from '../../../../src/config/model.ts';
import { findPorts } from '../../../../src/config/ports/ports.ts';
import { modes, ports, shell } from '../../../support/config/port-fixtures.ts';

describe('which port is the main one', () => {
  test('the health check chooses among those declared', () => {
    const service = { ...shell('curl -f http://localhost:8000/up'), ...ports(9090), expose: ['8000'] };
    expect(findPorts(service, {})).toMatchObject({
      ports: [
        { port: 8000, mode: 'http', why: 'its health check uses http' },
        { port: 9090, mode: 'http', why: 'a common port of web servers' },
      ],
      from: 'its health check',
      health: '/up',
      notes: [],
    });
  });

  test('one that speaks HTTP before one that does not, published before exposed', () => {
    expect(modes({ image: 'gitea/gitea:1', ...ports(22, 3000) })).toBe('3000 http, 22 tcp');
    expect(modes({ ...ports(1025), expose: ['8025', '3000'] })).toBe('1025 tcp, 8025 tcp, 3000 http');
    expect(modes({ ...shell('nc -z localhost 2525'), ...ports(2525, 8080) })).toBe('8080 http, 2525 tcp');
    expect(modes({ ...shell('nc -z localhost 2525'), ...ports(4444, 2525) })).toBe('2525 tcp, 4444 tcp');
  });

  test('.NET’s second port is HTTPS, and what is called gRPC speaks HTTP/2', () => {
    const image = 'mcr.microsoft.com/dotnet/aspnet:8.0';
    expect(modes({ image, expose: ['8080', '8081'] })).toBe('8080 http, 8081 tcp');
    expect(modes({ image: 'acme/x', expose: ['8080', '8081'] })).toBe('8080 http, 8081 http');
    expect(modes({ build: '.', expose: ['8080'] }, {}, { name: 'discount.grpc' })).toBe('8080 tcp');
  });

  test.each<[what: string, service: ComposeService, main: string]>([
    [
      'Caddy’s API',
      { ...shell('curl -f http://localhost:2019/metrics'), ...ports(80, 443), expose: ['2019'] },
      '80 http',
    ],
    [
      'Caddy’s API, published',
      { ...shell('curl -f http://localhost:2019/metrics'), ...ports(2019, 80) },
      '80 http',
    ],
    ['Envoy', { ...shell('curl -f localhost:9901/ready'), ...ports(9901, 10000) }, '10000 tcp'],
    [
      'Spring',
      { ...shell('curl -f localhost:8081/actuator/health'), ...ports(8080), expose: ['8081'] },
      '8080 http',
    ],
    [
      'a port that is called so',
      {
        ...shell('curl -f localhost:9000/'),
        ...ports(9000, 8080),
        environment: { MANAGEMENT_SERVER_PORT: '9000' },
      },
      '8080 http',
    ],
    ['nginx', { ...shell('curl -f localhost:8081/stub_status'), ...ports(80), expose: ['8081'] }, '80 http'],
  ])('administration is not what users ask: %s', (_, service, main) => {
    const found = findPorts(service, {}, { name: 'x' });
    expect(`${found?.ports[0]?.port} ${found?.ports[0]?.mode}`).toBe(main);
    expect(found?.health).toBeUndefined();
    if (found?.ports[0]?.mode === 'http')
      expect(found.notes).toEqual([expect.stringMatching(/on port \d+, not on port/)]);
  });

  test('Spring’s health where its users ask it', () => {
    const service = { ...shell('curl -f http://localhost:8080/actuator/health'), ...ports(8080) };
    expect(findPorts(service, {})?.health).toBe('/actuator/health');
  });

  test('sluice.yml over all', () => {
    const service = { ...shell('curl -f http://localhost:8000/up'), expose: ['8000'] };
    expect(findPorts(service, { port: 7000 }, { name: 'web' })).toMatchObject({
      ports: [{ port: 7000 }, { port: 8000 }],
      from: 'sluice.yml',
      health: undefined,
      notes: [],
    });
    expect(findPorts(service, { health: '/mine' })?.health).toBe('/mine');
    expect(findPorts(service, { mode: 'tcp' })).toMatchObject({
      ports: [{ port: 8000, mode: 'tcp', why: 'sluice.yml' }],
      health: undefined,
    });
  });

  test.each<[ComposeService, string | undefined]>([
    [{ expose: ['7000-7002', '53/udp', '7001', 'nonsense', '99999', '9-7'] }, '7000 tcp, 7001 tcp, 7002 tcp'],
    [{ expose: ['8000-8002/tcp'] }, '8000 http, 8001 http, 8002 http'],
    [{ ports: [{ target: 53, protocol: 'udp' }], expose: ['80/tcp'] }, '80 http'],
    [{ ports: [{ target: 8000, published: '8000-8010' }] }, '8000 http'],
    [
      { ports: [{ target: 8000, host_ip: '127.0.0.1', published: '1' }, { target: 8001 }] },
      '8000 http, 8001 http',
    ],
    [{ command: ['next', 'start', '-p', '3100'] }, '3100 http'],
    [{ entrypoint: ['gunicorn'], command: ['--bind=[::]:8000', 'app'] }, '8000 http'],
    [{ command: ['uvicorn', 'app:app'] }, '8000 http'],
    [{ command: ['rails', 'server'] }, '3000 http'],
    [{ command: ['./server', ':4000'] }, '4000 http'],
    [{ environment: { PORT: 'nonsense', HTTP_PORT: '81' } }, '81 http'],
    [{ environment: { ASPNETCORE_URLS: 'http://+:8123' } }, '8123 http'],
    [{ image: 'apache/tika:3.0.0.0' }, '9998 http'],
    [{ image: 'ghost:5' }, '2368 http'],
    [{ image: 'gotenberg/gotenberg:8', command: ['gotenberg', '--api-timeout=10s'] }, '3000 http'],
    [{ image: 'n8nio/n8n', command: ['worker'] }, undefined],
    [{}, undefined],
    [{ image: 'app', command: ['python', 'main.py'] }, undefined],
    [{ command: ['mkdir', '-p', '/data'] }, undefined],
    [{ environment: { PORT: null } }, undefined],
    [{ command: ['run', '--at', '12:30'] }, undefined],
    [{ image: 'postgres:17' }, undefined],
  ])('%j', (service, expected) => expect(modes(service)).toBe(expected));

  test('a range is not taken whole, and what is left out is named', () => {
    expect(findPorts({ expose: ['30000-40000'] }, {})).toMatchObject({
      ports: { length: 16 },
      notes: ['the edge forwards at most 16 ports: 9985 ports (30016 to 40000) cannot be reached through it'],
    });
    expect(findPorts({ expose: ['1-17'] }, {})?.notes).toEqual([
      'the edge forwards at most 16 ports: port 17 cannot be reached through it',
    ]);
    expect(findPorts({ expose: ['80', '53/udp', '443/udp'] }, {})?.notes).toEqual([
      'the edge does not forward UDP: 53/udp is reachable only on the containers',
    ]);
    expect(findPorts({ expose: ['80', '53/udp', '2905/sctp'] }, {})?.notes).toEqual([
      'the edge does not forward UDP and SCTP: 53/udp, 2905/sctp is reachable only on the containers',
    ]);
  });
});
