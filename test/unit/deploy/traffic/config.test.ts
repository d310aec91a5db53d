import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  activeMap,
  type EdgeSpec,
  edgeFiles,
  edgeVersion,
  renderEdgeConfig,
  replicaName,
} from '../../../../src/deploy/traffic/edge-config.ts';

const spec: EdgeSpec = {
  service: 'backend',
  app: 'shop',
  ports: [{ port: 8000, mode: 'http' }],
  health: { path: '/api/health', port: 8000 },
};

const lines = (config: string) => config.split('\n').map((line) => line.trim());

describe('the configuration', () => {
  test('has a frontend per port and a backend per port and colour', () => {
    const config = lines(
      renderEdgeConfig({ ...spec, ports: [...spec.ports, { port: 9000, mode: 'tcp' }] }, 'v1'),
    );
    const sections = config.filter((line) => /^(frontend|backend) /.test(line));
    expect(sections).toEqual([
      'frontend port_8000',
      'frontend again_8000',
      'backend blue_8000',
      'backend green_8000',
      'frontend port_9000',
      'frontend again_9000',
      'backend blue_9000',
      'backend green_9000',
    ]);
    expect(config.filter((line) => line === 'mode tcp')).toHaveLength(4);
    expect(config).toContain('bind :9000');
  });

  test('checks the health path on its port, on every port of the service', () => {
    const config = lines(
      renderEdgeConfig({ ...spec, health: { path: '/up?x=1', port: 9100, host: 'app.test' } }, 'v1'),
    );
    expect(config.filter((line) => line.startsWith('http-check send'))).toEqual(
      Array(2).fill(
        'http-check send meth GET uri /up?x=1 ver HTTP/1.1 hdr Host app.test hdr User-Agent sluice-edge',
      ),
    );
    expect(config).toContain(
      'server r10 255.255.255.255:8000 pool-conn-name var(txn.name),add(txn.nonce),set-var(txn.name),sub(txn.nonce) check port 9100 disabled',
    );
  });

  test('asks with the headers, the time-out and the statuses that are wanted', () => {
    const health = {
      ...{ path: '/up', port: 8000, expect: '200,401', timeoutMs: 1500 },
      headers: { 'X-Token': '100% "sure" $HOME \\', 'X-Two': 'b' },
    };
    const config = lines(renderEdgeConfig({ ...spec, health }, 'v1'));
    expect(config).toContain(
      `http-check send meth GET uri /up ver HTTP/1.1 hdr Host localhost hdr User-Agent sluice-edge hdr X-Token '100%% "sure" $HOME \\' hdr X-Two 'b'`,
    );
    expect(config).toContain('http-check expect status 200,401');
    expect(config).toContain('timeout check 1500ms');
    const options = config.find((line) => line.startsWith('lua-load'))?.split(' ') ?? [];
    expect(options).toContain('health_timeout=1500');
    const [, sent = ''] = /health_headers=(\S*)/.exec(options.join(' ')) ?? [];
    expect(decodeURIComponent(sent)).toBe('X-Token: 100% "sure" $HOME \\\r\nX-Two: b\r\n');
  });

  test('without a health path asks for a connection only', () => {
    const config = lines(renderEdgeConfig({ ...spec, health: null }, 'v1'));
    expect(config.join('\n')).not.toContain('httpchk');
    expect(config).toContain(
      'server r1 255.255.255.255:8000 pool-conn-name var(txn.name),add(txn.nonce),set-var(txn.name),sub(txn.nonce) check disabled',
    );
    expect(config.find((line) => line.startsWith('lua-load'))).toContain('health_path=- ');
  });

  test('listens on IPv6 where the network has it', () => {
    expect(renderEdgeConfig({ ...spec, ipv6: true }, 'v1')).toContain('bind :8000,:::8000 v6only\n');
    expect(renderEdgeConfig({ ...spec, ipv6: 'only' }, 'v1')).toContain('bind :::8000 v6only\n');
    expect(renderEdgeConfig({ ...spec, ipv6: 'only' }, 'v1')).toContain('family=AAAA');
  });

  test('leaves nothing of the template behind', () => {
    const config = renderEdgeConfig({ ...spec, ports: [...spec.ports, { port: 9000, mode: 'tcp' }] }, 'v1');
    expect(config).not.toMatch(/@[a-z-]+@|#for|#if|#end|undefined/);
  });
});

describe('what cannot be in a configuration is refused', () => {
  const refused: [name: string, change: Partial<EdgeSpec>][] = [
    ['a service name with a line end', { service: 'a\nlisten x' }],
    ['a service name with a space', { service: 'a b' }],
    ['an empty service name', { service: '' }],
    ['a service name that ends its label', { service: '.hidden' }],
    ['a service name that is no host name', { service: 'x'.repeat(64) }],
    ['no port', { ports: [] }],
    ['a port that is none', { ports: [{ port: 70_000, mode: 'http' }] }],
    [
      'a port twice',
      {
        ports: [
          { port: 80, mode: 'http' },
          { port: 80, mode: 'tcp' },
        ],
      },
    ],
    ['a health path with a line end', { health: { path: '/\nuser root', port: 80 } }],
    ['a health path with a comment', { health: { path: '/#x', port: 80 } }],
    ['a health path that is a URL', { health: { path: 'http://x/', port: 80 } }],
    ['a health host with a space', { health: { path: '/', port: 80, host: 'a b' } }],
    ['a header with a quote', { health: { path: '/', port: 80, headers: { X: "a'b" } } }],
    ['a header with a line end', { health: { path: '/', port: 80, headers: { X: 'a\nb' } } }],
    ['a header name with a space', { health: { path: '/', port: 80, headers: { 'X Y': 'a' } } }],
    ['a status that is none', { health: { path: '/', port: 80, expect: 'ok' } }],
    ['half a replica', { maxReplicas: 1.5 }],
    ['a negative hold', { holdSeconds: -1 }],
    ['a nameserver with a space', { nameserver: '127.0.0.11:53 x' }],
  ];
  test.each(refused)('%s', (_, change) => {
    expect(() => renderEdgeConfig({ ...spec, ...change }, 'v1')).toThrow(
      /^cannot configure the edge of service /,
    );
  });

  test('no service name and no health path adds a word or a line', () => {
    const shape = (text: string) => text.split('\n').map((line) => line.split(' ').length);
    const expected = shape(renderEdgeConfig(spec, 'v1'));
    fc.assert(
      fc.property(fc.string(), fc.webPath(), (service, path) => {
        let config: string;
        try {
          config = renderEdgeConfig({ ...spec, service, health: { path, port: 8000 } }, 'v1');
        } catch (error) {
          expect((error as Error).message).toMatch(/^cannot configure the edge of service /);
          return;
        }
        expect(shape(config)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});

describe('the version', () => {
  test('is the same for the same edge', () => {
    expect(edgeVersion(spec, 'haproxy@sha256:1')).toBe(edgeVersion({ ...spec }, 'haproxy@sha256:1'));
    expect(edgeVersion(spec, 'haproxy@sha256:1')).toMatch(/^[0-9a-f]{12}$/);
  });

  test('changes with image and settings, and is in the files', () => {
    const version = edgeVersion(spec, 'haproxy@sha256:1');
    expect(edgeVersion(spec, 'haproxy@sha256:2')).not.toBe(version);
    expect(edgeVersion({ ...spec, maxReplicas: 3 }, 'haproxy@sha256:1')).not.toBe(version);
    const config = edgeFiles(spec, 'haproxy@sha256:1').find((file) => file.path === 'haproxy.cfg');
    expect(config?.content).toContain(`version=${version}`);
  });
});

test('the files are all that HAProxy loads, and never the state', () => {
  const files = edgeFiles(spec, 'haproxy:3.0');
  const paths = files.map((file) => file.path);
  expect(paths).not.toContain('active.map');
  const required = files.flatMap(({ content }) =>
    [...content.matchAll(/require\('(\w+)'\)/g)].map((match) => `${match[1]}.lua`),
  );
  for (const path of ['haproxy.cfg', 'guard.lua', 'supervise.sh', ...required]) expect(paths).toContain(path);
  expect(files.every((file) => (file.mode & 0o077) === 0o044)).toBe(true);
});

test('active.map names the colour and addresses that DNS does not know', () => {
  expect(activeMap('green')).toBe('active green\n');
  expect(activeMap('blue', { blue: ['172.18.0.4', '172.18.0.5'] })).toBe(
    'active blue\nservers-blue 172.18.0.4,172.18.0.5\n',
  );
});

describe('names of replicas', () => {
  test('no two services of any projects have the same', () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,8}$/);
    const app = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,8}$/);
    fc.assert(
      fc.property(app, name, app, name, (a, one, b, two) => {
        fc.pre(a !== b || one !== two);
        return replicaName(a, one, 'blue') !== replicaName(b, two, 'blue');
      }),
    );
  });

  test('the edge asks for them', () => {
    expect(renderEdgeConfig(spec, 'v1')).toContain(' domain=backend.shop.sluice ');
    expect(replicaName('shop', 'backend', 'green')).toBe('green.backend.shop.sluice');
  });

  test('containers from before have another name until they are replaced', () => {
    expect(activeMap('blue', {}, { blue: 'backend-blue' })).toBe('active blue\nname-blue backend-blue\n');
  });
});
