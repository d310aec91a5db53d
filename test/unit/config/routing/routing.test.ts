import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ComposeService } from '../../../../src/config/model.ts';
import {
  notesOfRouting,
  routingKeys,
  routingOf,
  withImageRouting,
  withRoutingOfImages,
} from '../../../../src/config/routing/routing.ts';
import { automaticName, automaticService } from '../../../../src/config/routing/traefik.ts';

const labelled = (labels: Record<string, string>, more: Partial<ComposeService> = {}): ComposeService => ({
  image: 'acme/shop',
  labels,
  ...more,
});
const withEnvironment = (environment: Record<string, string | null>): ComposeService => ({
  image: 'acme/shop',
  environment,
});
/** `8000 http`, in order. */
const portsOf = (service: ComposeService, name?: string) =>
  routingOf(service, name)?.ports.map(({ port, mode }) => `${port} ${mode}`);

describe('Traefik', () => {
  test('ports and protocols of its labels, in any case', () => {
    expect(
      portsOf(
        labelled({
          'traefik.enable': 'true',
          'traefik.http.routers.shop.rule': 'Host(`shop.example.com`)',
          'traefik.http.services.shop.loadbalancer.server.port': '8000',
          'Traefik.HTTP.Services.Admin.LoadBalancer.Server.Port': '9443',
          'Traefik.HTTP.Services.admin.LoadBalancer.Server.Scheme': 'https',
          'traefik.http.services.rpc.loadbalancer.server.scheme': 'h2c',
          'traefik.http.services.rpc.loadbalancer.server.port': '50051',
          'traefik.tcp.services.mail.loadbalancer.server.port': '1025',
          'traefik.tcp.services.mail.loadbalancer.proxyprotocol.version': '2',
          'traefik.udp.services.dns.loadbalancer.server.port': '53',
        }),
      ),
    ).toEqual(['8000 http', '9443 tcp', '50051 tcp', '1025 tcp', '53 udp']);
  });

  test('labels of version 1', () => {
    expect(portsOf(labelled({ 'traefik.frontend.rule': 'Host:a', 'traefik.port': '3000' }))).toEqual([
      '3000 http',
    ]);
    expect(
      portsOf(
        labelled({ 'traefik.api.port': '3000', 'traefik.api.protocol': 'h2c', 'traefik.ui.port': '80' }),
      ),
    ).toEqual(['3000 tcp', '80 http']);
  });

  test('another protocol needs tcp even where no label names the port', () => {
    const scheme = labelled({ 'traefik.http.services.a.loadbalancer.server.scheme': 'https' });
    expect(routingOf(scheme)).toMatchObject({ ports: [], needsTcp: true });
    const router = labelled({ 'traefik.tcp.routers.a.rule': 'HostSNI(`*`)' });
    expect(routingOf(router)).toMatchObject({ ports: [], needsTcp: true });
    expect(routingOf(labelled({ 'traefik.enable': 'true' }))).toMatchObject({ ports: [], needsTcp: false });
  });

  test('a port that two labels name is tcp if one of them says so', () => {
    const twice = labelled({
      'traefik.http.services.a.loadbalancer.server.port': '8000',
      'traefik.http.services.b.loadbalancer.server.port': '8000',
      'traefik.http.services.b.loadbalancer.server.scheme': 'https',
    });
    expect(portsOf(twice)).toEqual(['8000 tcp']);
  });

  test('switched off it routes nothing, but its label still belongs to whoever has the name', () => {
    for (const value of ['false', 'False', '0', 'f']) {
      const off = labelled({ 'Traefik.Enable': value, own: 'label' });
      expect(routingOf(off)).toBeUndefined();
      expect(routingKeys(off).labels).toEqual(['Traefik.Enable']);
    }
  });

  test('the automatic service keeps its name and the port that Traefik chose', () => {
    expect(automaticName('my_web.v2', 'Shop-EU')).toBe('my-web-v2-Shop-EU');
    const rule = 'traefik.http.routers.a.rule';
    const key = 'traefik.http.services.web-shop.loadbalancer.server.port';
    expect(automaticService([rule], 'web-shop', 80)).toEqual([key, '80']);
    expect(automaticService(['traefik.enable'], 'web-shop', 80)).toEqual([key, '80']);
    expect(automaticService(['traefik.tcp.routers.a.rule'], 'web-shop', 25)).toEqual([
      'traefik.tcp.services.web-shop.loadbalancer.server.port',
      '25',
    ]);
    // Where Traefik would make none, or where the labels name their own, a second one would make the router ambiguous.
    const named = 'traefik.http.services.a.loadbalancer.server.port';
    for (const labels of [
      [rule, named],
      [rule, 'traefik.tcp.routers.b.rule'],
      ['traefik.port'],
      ['traefik.udp.routers.a.entrypoints'],
    ])
      expect(automaticService(labels, 'web-shop', 80)).toBeUndefined();
  });
});

describe('caddy-docker-proxy', () => {
  test('ports of its templates', () => {
    expect(
      portsOf(
        labelled({
          caddy: 'shop.example.com',
          'caddy.reverse_proxy': '{{upstreams 8000}}',
          caddy_1: 'admin.example.com',
          'caddy_1.reverse_proxy': '{{ upstreams https 8443 }}',
          'caddy_2.reverse_proxy': '{{upstreams "h2c" 50051}}',
          'caddy_3.handle_path.0_reverse_proxy': '{{- upstreams }}',
          'caddy_4.php_fastcgi': '{{upstreams 9000}}',
        }),
      ),
    ).toEqual(['8000 http', '8443 tcp', '50051 tcp', '80 http', '9000 tcp']);
  });

  test('a transport that is not plain HTTP', () => {
    const base = { caddy: 'a', 'caddy.reverse_proxy': '{{upstreams 8000}}' };
    expect(portsOf(labelled(base))).toEqual(['8000 http']);
    for (const more of [
      { 'caddy.reverse_proxy.transport': 'fastcgi' },
      {
        'caddy.reverse_proxy.transport': 'http',
        'caddy.reverse_proxy.transport.tls_insecure_skip_verify': '',
      },
      { 'caddy.reverse_proxy.transport': 'http', 'caddy.reverse_proxy.transport.proxy_protocol': 'v2' },
      { 'caddy.reverse_proxy.transport': 'http', 'caddy.reverse_proxy.transport.versions': 'h2c 2' },
    ])
      expect(portsOf(labelled({ ...base, ...more } as Record<string, string>))).toEqual(['8000 tcp']);
    const http = {
      'caddy.reverse_proxy.transport': 'http',
      'caddy.reverse_proxy.transport.read_buffer': '8k',
    };
    expect(portsOf(labelled({ ...base, ...http }))).toEqual(['8000 http']);
  });

  test('an upstream that is the service’s own name', () => {
    const named = labelled({ caddy: 'a', 'caddy.reverse_proxy': 'web:3000 other:4000' });
    expect(portsOf(named, 'web')).toEqual(['3000 http']);
    expect(portsOf(named)).toEqual([]);
  });

  test('another prefix is known by the template in a value', () => {
    const other = labelled({
      edgeproxy_0: 'shop.example.com',
      'edgeproxy_0.reverse_proxy': '{{upstreams 8000}}',
      'edgeproxy_0.tls': 'internal',
      edgeproxying: 'no',
    });
    expect(routingKeys(other).labels).toEqual([
      'edgeproxy_0',
      'edgeproxy_0.reverse_proxy',
      'edgeproxy_0.tls',
    ]);
    expect(portsOf(other)).toEqual(['8000 http']);
  });

  test('labels that only begin like it stay', () => {
    const labels = { caddyshack: 'x', caddy_controlled_server: '', 'com.caddy.x': 'y' };
    expect(routingKeys(labelled(labels)).labels).toEqual([]);
    expect(routingOf(labelled(labels))).toBeUndefined();
  });
});

describe('nginx-proxy', () => {
  test('the host switches it on; the app keeps the settings that it may read itself', () => {
    const service = withEnvironment({
      VIRTUAL_HOST: 'shop.example.com',
      VIRTUAL_PORT: '3000',
      LETSENCRYPT_HOST: 'shop.example.com',
      LETSENCRYPT_EMAIL: 'ops@example.com',
      LETSENCRYPT_RESTART_CONTAINER: 'true',
      HSTS: 'off',
      DATABASE_URL: 'x',
    });
    expect(routingKeys(service)).toEqual({
      labels: [],
      variables: ['VIRTUAL_HOST', 'VIRTUAL_PORT', 'LETSENCRYPT_HOST', 'LETSENCRYPT_EMAIL', 'HSTS'],
      switches: ['VIRTUAL_HOST', 'LETSENCRYPT_HOST'],
    });
    expect(portsOf(service)).toEqual(['3000 http']);
    expect(notesOfRouting(service, 'blue-green').join('\n')).toContain(
      'LETSENCRYPT_RESTART_CONTAINER no longer has an effect',
    );
  });

  test('without a host nothing of it is nginx-proxy’s', () => {
    const other = { HSTS: 'on', ACME_EMAIL: 'a@b', VIRTUAL_PORT: '80' };
    for (const host of [{}, { VIRTUAL_HOST: '' }, { VIRTUAL_HOST: null }]) {
      const service = withEnvironment({ ...other, ...host });
      expect(routingOf(service)).toBeUndefined();
      expect(routingKeys(service).variables).toEqual([]);
    }
  });

  test('protocols', () => {
    const mode = (VIRTUAL_PROTO: string) =>
      routingOf(withEnvironment({ VIRTUAL_HOST: 'a', VIRTUAL_PORT: '9000', VIRTUAL_PROTO }))?.ports[0]?.mode;
    expect(['http', 'https', 'uwsgi', 'fastcgi', 'grpc', 'grpcs'].map(mode)).toEqual([
      'http',
      ...Array(5).fill('tcp'),
    ]);
    const unnamed = withEnvironment({ VIRTUAL_HOST: 'a', VIRTUAL_PROTO: 'fastcgi' });
    expect(routingOf(unnamed)).toMatchObject({ ports: [], needsTcp: true });
  });

  test('several ports replace the single one', () => {
    const VIRTUAL_HOST_MULTIPORTS = `
www.example.com:
api.example.com:
  "/":
    port: 8000
  "/rpc": { port: "50051", dest: "/", proto: grpc }
`;
    expect(portsOf(withEnvironment({ VIRTUAL_HOST_MULTIPORTS, VIRTUAL_PORT: '1' }))).toEqual([
      '80 http',
      '8000 http',
      '50051 tcp',
    ]);
    expect(portsOf(withEnvironment({ VIRTUAL_HOST_MULTIPORTS: '{ broken: [' }))).toEqual([]);
  });
});

test('others that read labels, with the port that they name', () => {
  const shop = { 'virtual.host': 'a', 'virtual.port': '8000', 'virtual.machine': 'x', autoheal: 'true' };
  expect(routingOf(labelled(shop))).toMatchObject({ kind: 'other', proxies: ['caddy-gen'] });
  expect(portsOf(labelled(shop))).toEqual(['8000 http']);
  expect(routingKeys(labelled(shop)).labels).toEqual(['virtual.host', 'virtual.port']);
});

test('labels of the image count where the compose file does not say otherwise', () => {
  const image = { 'traefik.enable': 'true', 'traefik.http.routers.a.rule': 'Host(`a`)', maintainer: 'x' };
  const service = labelled({ 'traefik.enable': 'false' });
  expect(withImageRouting(service, image).labels).toEqual({
    'traefik.enable': 'false',
    'traefik.http.routers.a.rule': 'Host(`a`)',
  });
  expect(withImageRouting(service, { maintainer: 'x' })).toBe(service);
  const model = { name: 'shop', services: { web: { image: 'a' }, db: { image: 'b' } } };
  const plans = [
    { name: 'web', strategy: 'blue-green' },
    { name: 'db', strategy: 'keep' },
  ] as const;
  const images = { web: { labels: image }, db: { labels: image } };
  const { services } = withRoutingOfImages(model, plans, images);
  expect(Object.keys(services.web?.labels ?? {})).toEqual(['traefik.enable', 'traefik.http.routers.a.rule']);
  expect(services.db).toEqual({ image: 'b' });
});

test('a long label is read in no time', () => {
  const before = performance.now();
  const value = '{{ upstreams '.repeat(10_000);
  notesOfRouting(labelled({ caddy: value, 'caddy.reverse_proxy': value }), 'blue-green');
  expect(performance.now() - before).toBeLessThan(500);
});

test('any labels and variables are read without an error, and no key is invented', () => {
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'traefik.http.services.',
      'traefik.',
      'caddy',
      'caddy_1.reverse_proxy',
      'VIRTUAL_HOST',
      'VIRTUAL_HOST_MULTIPORTS',
    ),
  );
  fc.assert(
    fc.property(
      fc.dictionary(key, fc.string()),
      fc.dictionary(key, fc.option(fc.string())),
      (labels, environment) => {
        const service = { labels, environment };
        const keys = routingKeys(service);
        expect(Object.keys(labels)).toEqual(expect.arrayContaining([...keys.labels]));
        expect(Object.keys(environment)).toEqual(
          expect.arrayContaining([...keys.variables, ...keys.switches]),
        );
        for (const { port } of routingOf(service)?.ports ?? []) expect(port).toBeGreaterThan(0);
        notesOfRouting(service, 'blue-green');
      },
    ),
  );
});
