import { describe, expect, test } from 'vitest';
import type { ComposeService, Strategy } from '../../../../src/config/model.ts';
import { linkClashes, namesOf, notesOfNames } from '../../../../src/config/services/network-names.ts';

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

test('the plan says who has the names', () => {
  const notes = (web: ComposeService, strategy: Strategy, others: Record<string, ComposeService> = {}) =>
    notesOfNames('web', { web, ...others }, strategy);
  const service = { container_name: 'the-web', hostname: 'web-host' };
  expect(notes(service, 'blue-green')).toEqual([
    'the edge answers to container_name the-web: Docker cannot give it to containers of two colors',
    'the edge answers to hostname web-host: the containers of both colors have their ID as hostname',
  ]);
  expect(notes({ hostname: 'api' }, 'blue-green', { other: { hostname: 'api' } })).toEqual([
    'hostname api is left out, because other has that name too: its containers have their ID as hostname',
  ]);
  expect(notes(service, 'workers')).toEqual([
    'both colors answer to container_name the-web: Docker cannot give it to two containers',
  ]);
  expect(notes(service, 'recreate')).toEqual([]);
  const fixed = { networks: { front: { ipv4_address: '10.0.0.9' } } } as ComposeService;
  expect(notes(fixed, 'blue-green')).toEqual([]);
  expect(notes(fixed, 'workers')).toEqual([
    'the fixed address 10.0.0.9 is left out: containers of two colors cannot share one',
  ]);
});
