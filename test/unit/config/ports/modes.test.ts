import { describe, expect, test } from 'vitest';
import type { ComposeService, ServiceConfig } from '../../../../src/config/model.ts';
import { findPorts, type PortSight, portsText } from '../../../../src/config/ports/ports.ts';
import { parseConfig } from '../../../../src/config/sluice-yml/load.ts';
import { linesOf } from '../../../support/config/fixtures.ts';
import { modes, ports, shell } from '../../../support/config/port-fixtures.ts';

const whyOf = (service: ComposeService, config: ServiceConfig = {}, sight: PortSight = { name: 'x' }) =>
  findPorts(service, config, sight)?.ports[0]?.why;

describe('how a port is carried', () => {
  test.each<[image: string, targets: number[], expected: string]>([
    ['axllent/mailpit:v1.20', [1025, 8025], '8025 http, 1025 tcp'],
    ['itzg/minecraft-server:2025.1.0', [25565], '25565 tcp'],
    ['eclipse-mosquitto:2.0.20', [1884], '1884 tcp'],
    ['eclipse-mosquitto:2.0.20', [8080], '8080 tcp'],
    ['lldap/lldap:v0.6', [3890, 17170], '17170 http, 3890 tcp'],
    ['quay.io/minio/minio', [9000, 9001], '9000 http, 9001 http'],
    ['clickhouse/clickhouse-server:24', [8123, 9000], '8123 http, 9000 tcp'],
    ['rabbitmq:4-management', [5672, 15672], '15672 http, 5672 tcp'],
    ['mcr.microsoft.com/mssql/server:2022-latest', [1433], '1433 tcp'],
    ['pingcap/tidb', [4000, 10080], '10080 http, 4000 tcp'],
    ['ghcr.io/goauthentik/server', [9000, 9443], '9000 http, 9443 tcp'],
    ['acme/server', [9000, 9443], '9000 tcp, 9443 tcp'],
    ['jaegertracing/all-in-one', [16686, 4317, 4318], '16686 http, 4317 tcp, 4318 http'],
    ['php:8.3-fpm-alpine', [9000], '9000 tcp'],
    ['php:8.3-apache', [80], '80 http'],
    [
      'acme/thing',
      [25, 143, 993, 5060, 1935, 50051, 53, 22, 21],
      '25 tcp, 143 tcp, 993 tcp, 5060 tcp, 1935 tcp, 50051 tcp, 53 tcp, 22 tcp, 21 tcp',
    ],
    ['acme/thing', [443, 8443], '443 tcp, 8443 tcp'],
    ['acme/thing', [7777], '7777 tcp'],
    ['acme/thing', [80], '80 http'],
  ])('%s on %j', (image, targets, expected) => expect(modes({ image, ...ports(...targets) })).toBe(expected));

  test.each<[name: string, service: ComposeService, expected: string]>([
    // Ordinary web apps keep the guard.
    ['web', { build: '.', ...ports(5432) }, '5432 tcp'],
    ['web', { build: '.', ...ports(7005) }, '7005 http'],
    ['shop', { build: '.', ...ports(9000), environment: { PORT: '9000' } }, '9000 http'],
    ['app', { build: '.', ...ports(9002) }, '9002 http'],
    ['app', { build: '.', ...ports(9000) }, '9000 tcp'],
    ['app', { image: 'acme/app', ...ports(9002) }, '9002 tcp'],
    ['api', { image: 'acme/x', expose: ['9876'] }, '9876 http'],
    ['basket', { build: '.', expose: ['9876'] }, '9876 tcp'],
    ['cart', { build: '.', command: ['gunicorn', '-b', ':9876', 'x'], expose: ['9876'] }, '9876 http'],
    [
      'cart',
      { build: '.', command: ['gunicorn', '-b', ':9876', '--certfile', 'x.pem'], expose: ['9876'] },
      '9876 tcp',
    ],
    ['cart', { build: '.', command: ['uwsgi', '--socket', ':8000'], expose: ['8000'] }, '8000 tcp'],
    ['cart', { build: '.', command: ['uwsgi', '--http', ':8000'], expose: ['8000'] }, '8000 http'],
    ['php', { build: '.', command: ['php-fpm'] }, '9000 tcp'],
    // What its settings say.
    ['cart', { build: '.', ...ports(7070), environment: { HTTP_PORT: '7070' } }, '7070 http'],
    ['cart', { build: '.', ...ports(8080), environment: { GRPC_PORT: '8080' } }, '8080 tcp'],
    ['cart', { build: '.', ...ports(8080), environment: { SMTP_LISTEN: ':8080' } }, '8080 tcp'],
    ['cart', { build: '.', command: ['./x', '--grpc.addr=0.0.0.0:8080'], ...ports(8080) }, '8080 tcp'],
    ['cart', { build: '.', command: ['./x', '--web.listen-address', ':7070'], ...ports(7070) }, '7070 http'],
    // What its health check asks.
    ['x', { ...shell('curl -f http://x:7070/'), ...ports(7070) }, '7070 http'],
    ['x', { ...shell('curl -kf https://localhost:8080/'), ...ports(8080) }, '8080 tcp'],
    ['x', { ...shell('curl -f http://localhost:8443/'), ...ports(8443) }, '8443 http'],
    ['x', { ...shell('grpc_health_probe -addr=:8080'), ...ports(8080) }, '8080 tcp'],
    ['x', { ...shell('mysqladmin ping'), ...ports(8080) }, '8080 tcp'],
    // Where it is published.
    ['x', { ports: [{ target: 7070, published: '80' }] }, '7070 http'],
    ['x', { ports: [{ target: 8080, published: '443' }] }, '8080 tcp'],
  ])('%s: %j', (name, service, expected) => expect(modes(service, {}, { name })).toBe(expected));

  test('how others call it', () => {
    const mode = (environment: Record<string, string>, port = 7070) => {
      const cart = { build: '.', expose: [String(port)] };
      const model = { name: 'shop', services: { cart, web: { environment } } };
      return modes(cart, {}, { name: 'cart', model });
    };
    expect(mode({ CART_URL: 'http://cart:7070/v1' })).toBe('7070 http');
    expect(mode({ CART_URL: 'http://basket:7070/v1' })).toBe('7070 tcp');
    expect(mode({ CART_URL: 'http://cart:7071/v1' })).toBe('7070 tcp');
    expect(mode({ CART_URL: 'https://cart:8080' }, 8080)).toBe('8080 tcp');
    expect(mode({ CART_URL: 'redis://:pass@cart:8080/0' }, 8080)).toBe('8080 tcp');
    expect(mode({ CART_ADDR: 'cart:8080' }, 8080)).toBe('8080 tcp');
    expect(mode({ CART_ADDR: 'cart:8080', CART_URL: 'http://cart:8080' }, 8080)).toBe('8080 http');
    expect(mode({ CART_HOST: 'cart:8080' }, 8080)).toBe('8080 http');
    expect(mode({ BASE_URL: 'http://localhost:7070' })).toBe('7070 tcp');
  });

  test('what others write outweighs the service’s own URL', () => {
    const cart = { build: '.', expose: ['7070'], environment: { ASPNETCORE_URLS: 'http://*:7070' } };
    const sight = (environment: Record<string, string>) => ({
      name: 'cart',
      model: { name: 'shop', services: { cart, web: { environment } } },
    });
    expect(modes(cart, {}, sight({}))).toBe('7070 http');
    expect(modes(cart, {}, sight({ CART_ADDR: 'cart:7070' }))).toBe('7070 tcp');
    const self = { ...cart, environment: { CART_ADDR: 'cart:8080' }, expose: ['8080'] };
    expect(modes(self, {}, { name: 'cart', model: { name: 'shop', services: { cart: self } } })).toBe(
      '8080 http',
    );
  });

  test('a program counts where it is run, not where its name is in a file’s', () => {
    const command = ['logstash', '-f', '/etc/logstash-nginx.config'];
    expect(whyOf({ command, ...ports(7777) })).toBe('nothing shows that it speaks HTTP');
    expect(whyOf({ command: ['/usr/sbin/nginx', '-g', 'daemon off;'], ...ports(7777) })).toBe(
      'nginx serves it',
    );
  });

  test('an image of one’s own is what it is made from', () => {
    const service = { build: '.', image: 'acme/redis', expose: ['8080'] };
    expect(modes(service)).toBe('8080 http');
    expect(modes({ ...service, from: 'redis:8' })).toBe('8080 tcp');
    const own = { image: 'ghcr.io/acme/shop/redis', expose: ['8080'] };
    expect(modes(own, {}, { name: 'x', registry: 'ghcr.io/acme/shop' })).toBe('8080 http');
  });

  test('labels that route to it', () => {
    const service = {
      expose: ['1234'],
      labels: {
        'traefik.http.routers.x.rule': 'Host(`x.example.com`)',
        'traefik.http.services.x.loadbalancer.server.port': '7070',
      },
    };
    expect(modes(service)).toBe('7070 http, 1234 tcp');
    expect(modes({ expose: ['7070'], environment: { VIRTUAL_HOST: 'x.example.com' } })).toBe('7070 http');
    const fastcgi = { VIRTUAL_HOST: 'x.example.com', VIRTUAL_PROTO: 'fastcgi', VIRTUAL_PORT: '8080' };
    expect(modes({ expose: ['8080'], environment: fastcgi })).toBe('8080 tcp');
  });

  test('sluice.yml says it for one port or for each', () => {
    const service = { image: 'acme/thing', ...ports(8080, 7777) };
    expect(modes(service, { mode: 'tcp' })).toBe('8080 tcp, 7777 tcp');
    expect(modes(service, { modes: { 7777: 'http' } })).toBe('8080 http, 7777 http');
    expect(modes(service, { modes: { 8080: 'tcp', 1025: 'tcp' } })).toBe('8080 tcp, 1025 tcp, 7777 tcp');
    expect(modes({}, { modes: { 1025: 'tcp', 8025: 'http' } })).toBe('1025 tcp, 8025 http');
    expect(modes({ expose: ['7777'] }, { health: '/up' })).toBe('7777 http');
    expect(modes({}, { port: 7777 }, { name: 'web' })).toBe('7777 http');
  });

  test('the plan names each port with its mode and what shows it', () => {
    const found = findPorts({ image: 'axllent/mailpit', ...ports(1025, 8025) }, {});
    expect(found === undefined ? '' : portsText(found)).toBe(
      'port 8025 from `ports`: http (mailpit: web UI); 1025: tcp (mailpit: SMTP)',
    );
    expect(whyOf({ image: 'acme/x', ...ports(7777) })).toBe('nothing shows that it speaks HTTP');
    expect(whyOf({ image: 'acme/x', ...ports(1883) })).toBe('the port of MQTT');
    expect(whyOf({ build: '.', ...ports(9002) }, {}, { name: 'web' })).toBe(
      'the only port of a service called web',
    );
  });
});

describe('`mode` in sluice.yml', () => {
  const file = (mode: string) =>
    `app: shop\ntargets: { production: { hosts: [deploy@prod] } }\nservices: { web: { mode: ${mode} } }\n`;
  const web = (mode: string) => parseConfig(file(mode), 'sluice.yml').services['web'];

  test('for the main port, or by port', () => {
    expect(web('tcp')).toEqual({ mode: 'tcp' });
    expect(web('{ 8025: http, 1025: tcp }')).toEqual({ modes: { 8025: 'http', 1025: 'tcp' } });
  });

  test.each([
    '{ 70000: tcp }',
    '{ 0: tcp }',
    '{ web: tcp }',
    '{ 1025: smtp }',
    '{}',
    '[tcp]',
    'smtp',
    '1025',
  ])('%s is refused with the two forms', async (mode) => {
    expect(await linesOf(() => web(mode))).toEqual([
      expect.stringMatching(
        /^sluice\.yml:3:\d+ services\.web\.mode.*: must be (?:http, tcp, or a map|one of http, tcp)/,
      ),
    ]);
  });
});
