import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ComposeService } from '../../src/config/model.ts';
import { linkClashes, namesOf, notesOfNames, ownNamesIn } from '../../src/config/names.ts';

const namesIn = (services: Record<string, ComposeService>, replicas = 1) =>
  namesOf('web', services, 'shop', replicas);

describe('the names of a service', () => {
  test('its own, its container’s, its hostname and those that Compose numbers', () => {
    const web = { container_name: 'the-web', hostname: 'web-host' };
    expect(namesIn({ web }, 2)).toEqual({
      everywhere: ['web', 'the-web', 'web-host', 'shop-web-1', 'shop-web-2'],
      aliases: { default: [] },
    });
  });

  test('aliases stay on their network, links of others become aliases where both are', () => {
    const services = {
      web: { networks: { front: { aliases: ['api', 'web'] }, back: null } },
      nginx: { networks: { front: null }, links: ['web:app', 'web'] },
      job: { networks: { other: null }, links: ['web:unreachable'] },
    };
    expect(namesIn(services).aliases).toEqual({ front: ['api', 'app'], back: [] });
  });

  test('a hostname that another service has, by whatever, is left to it', () => {
    const web = { hostname: 'api' };
    for (const other of [
      { api: {} },
      { x: { container_name: 'api' } },
      { x: { hostname: 'api' } },
      { x: { networks: { default: { aliases: ['api'] } } } },
    ] as Record<string, ComposeService>[])
      expect(namesIn({ web, ...other }).everywhere).toEqual(['web', 'shop-web-1']);
    expect(namesIn({ web: { hostname: 'localhost' } }).everywhere).not.toContain('localhost');
  });

  test('without a network of the project there is none to have a name on', () => {
    expect(namesIn({ web: { network_mode: 'host' } }).aliases).toEqual({});
  });

  test('a link’s name that another service has is a clash', () => {
    const services = { web: {}, db: {}, nginx: { links: ['web:db', 'web:app', 'web'] } };
    expect(linkClashes('web', services)).toEqual([{ linking: 'nginx', alias: 'db', owner: 'db' }]);
  });
});

describe('names that a health check asks by', () => {
  const asked = (test: string[], more: Partial<ComposeService> = {}) =>
    ownNamesIn({ healthcheck: { test }, ...more }, 'config');

  test.each([
    [['CMD', 'curl', '-I', 'http://config:8888/actuator/health']],
    [['CMD-SHELL', 'curl -fs config:8888/ping || exit 1']],
    [['CMD-SHELL', 'wget -qO- "http://config/health"']],
    [['CMD', 'wget', '--spider', 'https://user:x@config/']],
    [['CMD-SHELL', `node -e "require('http').get({host:'config',port:80})"`]],
    [['CMD-SHELL', 'nc -z config 8888']],
    [['CMD-SHELL', 'echo x && curl -f http://config']],
    [['CMD-SHELL', 'grpc_health_probe -addr=config:50051']],
  ])('%j', (test) => {
    expect(asked(test)).toEqual(['config']);
  });

  test.each([
    [['CMD', 'curl', 'http://localhost:8888/config']],
    [['CMD', 'curl', 'http://localhost/x/config/y']],
    [['CMD', 'config', '--check']],
    [['CMD-SHELL', 'curl http://my-config:8888']],
    [['CMD-SHELL', 'curl http://config-server:8888']],
    [['CMD-SHELL', 'curl http://config.example.com']],
    [['NONE']],
  ])('not %j', (test) => {
    expect(asked(test)).toEqual([]);
  });

  test('hostname, container_name and aliases count; a check that is off does not', () => {
    const test = ['CMD-SHELL', 'curl a:1 && curl b:2 && curl http://c/'];
    const more = { hostname: 'a', container_name: 'b', networks: { front: { aliases: ['c', 'd'] } } };
    expect(asked(test, more)).toEqual(['b', 'a', 'c']);
    expect(ownNamesIn({ ...more, healthcheck: { test, disable: true } }, 'config')).toEqual([]);
  });

  test('any text is searched without an error, in no time', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.string({ minLength: 1 }), (test, name) => {
        for (const found of ownNamesIn({ healthcheck: { test } }, name))
          expect(test.join(' ')).toContain(found);
      }),
    );
    const long = `curl ${'http://'.repeat(20_000)}`;
    const before = performance.now();
    ownNamesIn({ healthcheck: { test: ['CMD-SHELL', long] } }, 'config');
    expect(performance.now() - before).toBeLessThan(100);
  });
});

test('the plan says who has the names', () => {
  const service = { container_name: 'the-web', hostname: 'web-host' };
  expect(notesOfNames(service, 'blue-green')).toEqual([
    'the edge answers to container_name the-web: Docker cannot give it to containers of two colors',
    'the edge answers to hostname web-host: the containers of both colors have their ID as hostname',
  ]);
  expect(notesOfNames(service, 'workers')).toEqual([
    'both colors answer to container_name the-web: Docker cannot give it to two containers',
  ]);
  expect(notesOfNames(service, 'recreate')).toEqual([]);
  const fixed = { networks: { front: { ipv4_address: '10.0.0.9' } } } as ComposeService;
  expect(notesOfNames(fixed, 'blue-green')).toEqual([]);
  expect(notesOfNames(fixed, 'workers')).toEqual([
    'the fixed address 10.0.0.9 is left out: containers of two colors cannot share one',
  ]);
});
