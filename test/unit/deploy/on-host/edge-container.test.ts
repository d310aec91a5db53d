import { describe, expect, test } from 'vitest';
import type { ComposeService, Strategy } from '../../../../src/config/model.ts';
import { labels } from '../../../../src/deploy/model.ts';
import { type EdgeContainer, releaseProject } from '../../../../src/deploy/project/project.ts';
import { edgeHash, isRedefined } from '../../../../src/deploy/traffic/edge-container.ts';
import { edgeImage, plan, release, servicePlan, serving } from '../../../support/deploy/fixtures.ts';

const edge: EdgeContainer = {
  service: 'web',
  image: edgeImage,
  user: '1000:1000',
  command: ['sh'],
  stopSignal: 'SIGUSR1',
  folder: '/opt/sluice/shop/edge/web',
  version: 'v1',
};

/** A release in which `web` has the given definition, and others beside it. */
const releaseOf = (
  web: ComposeService,
  others: Record<string, { strategy: Strategy; definition: ComposeService }> = {},
  ports = [8000],
) =>
  release(
    'v1',
    [
      servicePlan('web', 'blue-green', {
        ports: ports.map((port) => ({ port, mode: 'http', why: 'sluice.yml' })),
      }),
      ...Object.entries(others).map(([name, { strategy }]) => servicePlan(name, strategy)),
    ],
    {
      web,
      ...Object.fromEntries(Object.entries(others).map(([name, { definition }]) => [name, definition])),
    },
  );
const entries = (...given: Parameters<typeof releaseOf>) => {
  const { services } = releaseProject(releaseOf(...given), 'green', [edge]);
  return { green: services['web-green'] ?? {}, edge: services['web-edge'] ?? {}, services };
};

describe('what routes is the edge’s', () => {
  const traefik = {
    'traefik.enable': 'true',
    'traefik.http.routers.web.rule': 'Host(`x.example.com`)',
    'homepage.group': 'Apps',
  };

  test('labels of Traefik go to the edge with the automatic name of the service; the colors are switched off', () => {
    const { green, edge: opened } = entries({ labels: traefik }, {}, [8000, 9000]);
    expect(opened.labels).toMatchObject({
      'traefik.enable': 'true',
      'traefik.http.routers.web.rule': 'Host(`x.example.com`)',
      'traefik.http.services.web-shop.loadbalancer.server.port': '8000',
    });
    expect(opened.labels).not.toHaveProperty('homepage.group');
    expect(opened.expose).toEqual(['8000', '9000']);
    expect(opened).not.toHaveProperty('healthcheck');
    expect(Object.keys(green.labels ?? {}).filter((key) => !key.startsWith('sluice.'))).toEqual([
      'homepage.group',
      'traefik.enable',
    ]);
    expect(green.labels?.['traefik.enable']).toBe('false');
  });

  test('where Traefik leaves the service alone, it leaves the edge alone', () => {
    const { edge: opened } = entries({ labels: { 'traefik.enable': 'false' } });
    const routed = Object.entries(opened.labels ?? {}).filter(([key]) => !key.startsWith('sluice.'));
    expect(routed).toEqual([['traefik.enable', 'false']]);
  });

  test('variables of nginx-proxy: the colors keep what switches nothing on', () => {
    const environment = { VIRTUAL_HOST: 'a', VIRTUAL_PORT: '8000', LETSENCRYPT_HOST: 'a', SECRET: 's' };
    const { green, edge: opened } = entries({ environment });
    expect(green.environment).toEqual({ VIRTUAL_PORT: '8000', SECRET: 's' });
    expect(opened.environment).toEqual({ VIRTUAL_HOST: 'a', VIRTUAL_PORT: '8000', LETSENCRYPT_HOST: 'a' });
    expect(entries({ environment: { SECRET: 's' } }).edge).not.toHaveProperty('environment');
  });

  test('labels of caddy-docker-proxy go, another service keeps its own', () => {
    const caddy = { caddy: 'x.example.com', 'caddy.reverse_proxy': '{{upstreams 8000}}' };
    const {
      green,
      edge: opened,
      services,
    } = entries(
      { labels: caddy },
      { admin: { strategy: 'recreate', definition: { image: 'a', labels: caddy } } },
    );
    expect(opened.labels).toMatchObject(caddy);
    expect(Object.keys(green.labels ?? {}).join()).not.toContain('caddy');
    expect(services.admin?.labels).toMatchObject(caddy);
    expect(services.admin?.labels).not.toHaveProperty('traefik.enable');
  });
});

describe('no name is lost, and none leads to a color', () => {
  test('hostname, container_name and hardware address leave the color', () => {
    const { green, edge: opened } = entries({
      hostname: 'web-host',
      container_name: 'the-web',
      mac_address: '02:42:ac:11:00:03',
      networks: { front: { aliases: ['api'], mac_address: '02:42:ac:11:00:04' } as { aliases: string[] } },
    });
    for (const key of ['hostname', 'container_name', 'mac_address']) expect(green).not.toHaveProperty(key);
    expect(green.networks).toEqual({ front: { aliases: ['green.web.shop.sluice'] } });
    expect(opened.networks).toEqual({
      front: {
        aliases: ['web', 'the-web', 'web-host', 'shop-web-1', 'api'],
        mac_address: '02:42:ac:11:00:04',
      },
    });
    expect(opened.mac_address).toBe('02:42:ac:11:00:03');
  });

  test('links to what exists twice become names, those to the rest stay', () => {
    const { services } = entries(
      {},
      {
        nginx: { strategy: 'keep', definition: { image: 'n', links: ['web:app', 'db', 'worker:w'] } },
        db: { strategy: 'keep', definition: { image: 'd' } },
        worker: { strategy: 'workers', definition: { image: 'w' } },
      },
    );
    expect(services.nginx?.links).toEqual(['db:db']);
    expect(services['web-edge']?.networks?.default?.aliases).toContain('app');
    expect(services['worker-green']?.networks).toEqual({
      default: { aliases: ['worker', 'shop-worker-1', 'w'] },
    });
  });

  test('workers answer to all their names in both colors', () => {
    const definition = {
      image: 'w',
      container_name: 'tika-1',
      hostname: 'tika',
      networks: { back: { aliases: ['ocr'] } },
    };
    const record = releaseOf({}, { tika: { strategy: 'workers', definition } });
    for (const color of ['blue', 'green'] as const) {
      const entry = releaseProject(record, color, [edge]).services[`tika-${color}`];
      expect(entry?.networks).toEqual({ back: { aliases: ['tika', 'tika-1', 'shop-tika-1', 'ocr'] } });
      expect(entry).not.toHaveProperty('container_name');
      expect(entry?.hostname).toBe('tika');
    }
  });

  test('a health check by the service’s own name stays in its container', () => {
    const healthcheck = { test: ['CMD', 'curl', 'http://web:8000/health'] };
    expect(entries({ healthcheck }).green.extra_hosts).toEqual(['web:127.0.0.1']);
    expect(entries({ healthcheck, extra_hosts: ['db=10.0.0.1'] }).green.extra_hosts).toEqual([
      'db=10.0.0.1',
      'web:127.0.0.1',
    ]);
    expect(entries({ healthcheck, extra_hosts: { web: '::1' } }).green.extra_hosts).toEqual({ web: '::1' });
    const local = { test: ['CMD', 'curl', 'http://localhost:8000/web'] };
    expect(entries({ healthcheck: local }).green).not.toHaveProperty('extra_hosts');
  });

  test('a link’s name that another service has is refused before anything runs', () => {
    const record = releaseOf({}, { db: { strategy: 'keep', definition: { image: 'd', links: ['web:db'] } } });
    expect(() => plan(record, serving(record, 'blue'))).toThrow(
      'services.db.links: "web:db" gives web the name of db',
    );
  });
});

describe('an edge that is reached in another way is replaced', () => {
  const before = releaseOf({ labels: { 'traefik.http.routers.web.rule': 'Host(`a`)' } });
  const webPlan = before.services[0] ?? servicePlan('web', 'blue-green');
  const hashOf = (web: ComposeService) => {
    const record = releaseOf(web);
    return edgeHash(record, webPlan, web);
  };
  const withHash = (hash: string | undefined) => {
    const state = serving(before, 'blue');
    return {
      ...state,
      containers: state.containers.map((one) => (one.edge === undefined ? one : { ...one, hash })),
    };
  };
  const planned = (web: ComposeService, hash: string | undefined) => plan(releaseOf(web), withHash(hash));

  test('it carries the hash of how it is reached', () => {
    const web = before.model.services.web ?? {};
    expect(entries(web).edge.labels?.[labels.hash]).toBe(hashOf(web));
  });

  test.each([
    ['a label', { labels: { 'traefik.http.routers.web.rule': 'Host(`b`)' } }],
    ['a variable', { environment: { VIRTUAL_HOST: 'a' } }],
    ['a network', { networks: { proxy: null } }],
    ['an alias', { networks: { default: { aliases: ['api'] } } }],
    ['container_name', { container_name: 'the-web' }],
    ['a published port', { ports: [{ target: 8000, published: '8080' }] }],
  ])('%s changed', (_what, web) => {
    const { edges, warnings } = planned(web as ComposeService, hashOf(before.model.services.web ?? {}));
    expect(edges).toMatchObject([{ action: 'replace', redefined: true }]);
    expect(warnings.join()).toContain('its edge is replaced, which interrupts the service for a few seconds');
  });

  test('the app’s own changes leave it alone, and so does another number of replicas', () => {
    const web = before.model.services.web ?? {};
    const changed = { ...web, image: 'app/web:2', environment: { A: 'b' }, deploy: { replicas: 3 } };
    expect(planned(changed, hashOf(web)).edges).toMatchObject([{ action: 'keep', redefined: false }]);
    expect(edgeHash(before, { ...webPlan, replicas: 3 }, web)).toBe(hashOf(web));
  });

  test('one from before edges had a hash is replaced only if it lacks what routes', () => {
    expect(planned({ image: 'x' }, undefined).edges).toMatchObject([{ action: 'keep' }]);
    expect(isRedefined(undefined, before, webPlan, before.model.services.web ?? {})).toBe(true);
  });
});
