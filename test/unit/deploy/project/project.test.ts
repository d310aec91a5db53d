import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ComposeService } from '../../../../src/config/model.ts';
import { labels } from '../../../../src/deploy/model.ts';
import {
  contentHash,
  type EdgeContainer,
  releaseProject,
  serviceHash,
} from '../../../../src/deploy/project/project.ts';
import { edgeImage, release, servicePlan } from '../../../support/deploy/fixtures.ts';

const edge = (service: string): EdgeContainer => ({
  service,
  image: edgeImage,
  user: '1000:1000',
  command: ['sh'],
  stopSignal: 'SIGUSR1',
  folder: `/opt/sluice/shop/edge/${service}`,
  version: 'v1',
});

const web: ComposeService = {
  image: 'web',
  container_name: 'the-web',
  restart: 'unless-stopped',
  expose: ['8000'],
  profiles: ['all'],
  build: { context: '.' },
  ports: [{ target: 8000, published: '80' }],
  depends_on: { db: { condition: 'service_healthy' } },
  networks: { front: { aliases: ['api'] }, back: null },
  labels: { own: 'label' },
  environment: { A: 'it\'s $(x)\n"ж"' },
};

const record = release(
  'v1',
  [
    servicePlan('web', 'blue-green', { replicas: 3 }),
    servicePlan('worker', 'workers'),
    servicePlan('db', 'keep'),
    servicePlan('seed', 'job'),
  ],
  {
    web,
    worker: { image: 'w', restart: 'on-failure:3' },
    db: {
      image: 'db',
      container_name: 'the-db',
      restart: 'unless-stopped',
      ports: [{ target: 5432, published: '5432' }],
    },
    seed: { image: 's' },
  },
);
const project = releaseProject(record, 'green', [edge('web')]);
const entry = (name: string) => {
  const found = project.services[name];
  if (found === undefined) throw new Error(`no entry ${name} in ${Object.keys(project.services)}`);
  return found;
};

describe('the project of a release', () => {
  test('coloured services get their colour, the edge an entry of its own, the rest keeps its name', () => {
    expect(Object.keys(project.services)).toEqual(['web-green', 'web-edge', 'worker-green', 'db', 'seed']);
    expect(Object.keys(releaseProject(record, 'blue', []).services)).toEqual([
      'web-blue',
      'worker-blue',
      'db',
      'seed',
    ]);
  });

  test('a colour has no name, port or alias that the other one would want too', () => {
    const green = entry('web-green');
    for (const key of ['ports', 'container_name', 'expose', 'depends_on', 'profiles', 'build'])
      expect(green).not.toHaveProperty(key);
    const aliases = ['green.web.shop.sluice'];
    expect(green.networks).toEqual({ front: { aliases }, back: { aliases } });
    const bare = releaseProject(release('v1', [servicePlan('web', 'blue-green')]), 'blue', []);
    expect(bare.services['web-blue']?.networks).toEqual({ default: { aliases: ['blue.web.shop.sluice'] } });
    expect(green.deploy?.replicas).toBe(3);
    expect(green.environment).toEqual(web.environment);
  });

  test('the edge takes the name, the aliases and the ports', () => {
    const { networks, ports, restart, labels: marks } = entry('web-edge');
    const names = ['web', 'the-web', 'shop-web-1', 'shop-web-2', 'shop-web-3'];
    expect(networks).toEqual({ front: { aliases: [...names, 'api'] }, back: { aliases: names } });
    expect(ports).toEqual(web.ports);
    expect(restart).toBe('always');
    expect(marks).toMatchObject({ [labels.edge]: 'v1', [labels.service]: 'web', [labels.app]: 'shop' });
    const bare = releaseProject(release('v1', [servicePlan('web', 'blue-green')]), 'blue', [edge('web')]);
    expect(bare.services['web-edge']?.networks).toEqual({
      default: { aliases: ['web', 'shop-web-1'] },
    });
  });

  test('what serves comes back after a crash of the engine; who may end keeps its own policy', () => {
    expect(entry('web-green').restart).toBe('always');
    expect(entry('worker-green').restart).toBe('on-failure:3');
    expect(entry('db').restart).toBe('always');
    const failing = release('v1', [servicePlan('web', 'blue-green')], {
      web: { image: 'w', restart: 'on-failure' },
    });
    expect(releaseProject(failing, 'blue', []).services['web-blue']?.restart).toBe('always');
    expect(entry('seed').restart).toBe('no');
  });

  test('labels tell what a container is; the release’s name would change what has not changed', () => {
    expect(entry('web-green').labels).toEqual({
      own: 'label',
      'traefik.enable': 'false',
      [labels.app]: 'shop',
      [labels.service]: 'web',
      [labels.strategy]: 'blue-green',
      [labels.colour]: 'green',
      [labels.release]: 'v1',
      [labels.hash]: serviceHash(web),
      [labels.name]: 'green.web.shop.sluice',
    });
    expect(entry('db').labels).not.toHaveProperty(labels.release);
    expect(entry('db')).toMatchObject({ container_name: 'the-db', ports: [{ target: 5432 }] });
    const renamed = releaseProject({ ...record, release: 'v2' }, 'blue', [edge('web')]);
    expect(renamed.services.db).toEqual(project.services.db);
  });

  test('fixed addresses belong to the edge', () => {
    const fixed = {
      image: 'web',
      networks: { front: { ipv4_address: '10.0.0.9', priority: 3 } },
    } as ComposeService;
    const { services } = releaseProject(
      release('v1', [servicePlan('web', 'blue-green')], { web: fixed }),
      'blue',
      [edge('web')],
    );
    expect(services['web-blue']?.networks).toEqual({
      front: { priority: 3, aliases: ['blue.web.shop.sluice'] },
    });
    expect(services['web-edge']?.networks).toMatchObject({ front: { ipv4_address: '10.0.0.9' } });
  });
});

describe('hashes', () => {
  const shuffled = (value: unknown, seed: number): unknown => {
    if (Array.isArray(value)) return value.map((item) => shuffled(item, seed));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([key, item]) => [key, shuffled(item, seed)] as const);
    return Object.fromEntries(
      seed % 2 === 0 ? entries.reverse() : entries.sort(([a], [b]) => (a < b ? 1 : -1)),
    );
  };

  test('the order of keys never counts, that of a list does', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (what, seed) => {
        const service = { image: 'x', what } as ComposeService;
        expect(serviceHash(shuffled(service, seed) as ComposeService)).toBe(serviceHash(service));
      }),
    );
    expect(serviceHash({ command: ['a', 'b'] })).not.toBe(serviceHash({ command: ['b', 'a'] }));
  });

  test('what makes other containers is another hash, order of start and build are not', () => {
    expect(serviceHash({ ...web, environment: { A: 'other' } })).not.toBe(serviceHash(web));
    const { depends_on: _order, build: _build, profiles: _profiles, ...rest } = web;
    expect(serviceHash(rest)).toBe(serviceHash(web));
  });

  test('a release’s content is its model and its strategies', () => {
    const other = release('v2', [servicePlan('web', 'recreate')], { web });
    const same = release('v3', [servicePlan('web', 'blue-green')], { web });
    expect(contentHash(same.model, same.services)).toBe(same.content);
    expect(other.content).not.toBe(same.content);
  });
});
