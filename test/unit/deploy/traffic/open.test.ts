import { describe, expect, test } from 'vitest';
import { describeServices } from '../../../../src/config/services/strategies.ts';
import { parseConfig } from '../../../../src/config/sluice-yml/load.ts';
import { renderEdgeConfig } from '../../../../src/deploy/traffic/edge-config.ts';
import { edgeSpec } from '../../../../src/deploy/traffic/edges.ts';
import { config, errorsOf, model } from '../../../support/config/fixtures.ts';
import { servicePlan } from '../../../support/deploy/fixtures.ts';

const plan = servicePlan('web', 'blue-green', {
  edge: { trustedProxies: ['10.0.0.0/8', '2001:db8::/32'] },
});
const openFor = (ip?: string) => {
  const port = { target: 8000, published: '80', ...(ip === undefined ? {} : { host_ip: ip }) };
  return edgeSpec('shop', plan, { ports: [port] }).open;
};

describe('whether clients reach an edge without a proxy', () => {
  test.each<[string | undefined, boolean]>([
    [undefined, true],
    ['0.0.0.0', true],
    ['10.1.2.3', true],
    ['127.0.0.1', false],
    ['[::1]', false],
    ['::1', false],
  ])('published on %s: %s', (ip, isOpen) => {
    expect(openFor(ip) !== undefined).toBe(isOpen);
  });

  test('one that publishes nothing is behind a proxy', () => {
    expect(edgeSpec('shop', plan, { expose: ['8000'] }).open).toBeUndefined();
    const config = renderEdgeConfig(edgeSpec('shop', plan, {}), 'v1');
    expect(config).not.toMatch(/del-header|track-sc0|timeout http-request 30s/);
  });

  test('an open one believes the networks that sluice.yml trusts', () => {
    const config = renderEdgeConfig(
      edgeSpec('shop', plan, { ports: [{ target: 8000, published: '80' }] }),
      'v1',
    );
    expect(config).toContain('acl trusted src 10.0.0.0/8 2001:db8::/32\n');
    expect(config).toContain('sc0_conn_cur gt 1000');
    const { edge: _, ...none } = plan;
    const alone = renderEdgeConfig(
      edgeSpec('shop', none, { ports: [{ target: 8000, published: '80' }] }),
      'v1',
    );
    expect(alone).toContain('acl trusted always_false\n');
    expect(alone).not.toContain('acl trusted src');
    // HAProxy takes 64 words a line.
    const networks = Array.from({ length: 95 }, (_, index) => `10.0.${index}.0/24`);
    const many = servicePlan('web', 'blue-green', { edge: { trustedProxies: networks } });
    const long = renderEdgeConfig(
      edgeSpec('shop', many, { ports: [{ target: 8000, published: '80' }] }),
      'v1',
    );
    expect(long.split('\n').filter((line) => line.includes('acl trusted src'))).toHaveLength(3);
    for (const network of networks) expect(long).toContain(network);
  });
});

test('listens on IPv6 where a network of the service has it', () => {
  const service = { expose: ['8000'], networks: { front: null } };
  expect(edgeSpec('shop', plan, service, { front: { enable_ipv6: true } }).ipv6).toBe(true);
  expect(edgeSpec('shop', plan, service, { back: { enable_ipv6: true } }).ipv6).toBeUndefined();
  expect(edgeSpec('shop', plan, { expose: ['8000'] }, { default: { enable_ipv6: true } }).ipv6).toBe(true);
});

describe('a port that is open beside a proxy', () => {
  const services = (more: object) => ({
    web: { image: 'acme/web', ports: [{ target: 8000, published: '8000' }], ...more },
    nginx: { image: 'nginx', ports: [{ target: 80, published: '80' }] },
  });
  const notesOf = (all: ReturnType<typeof services>, edge = config.edge) =>
    (
      describeServices(model(all), { ...config, edge }).find(({ name }) => name === 'web')?.notes ?? []
    ).join();

  test('is named, because the proxy’s word on clients does not count there', () => {
    expect(notesOf(services({}))).toContain('port 8000 is public and bypasses nginx');
  });

  test('not where proxies are trusted, where it is the loopback address’s, or where no proxy is', () => {
    expect(notesOf(services({}), { ...config.edge, trustedProxies: [] })).toBe('');
    const local = [{ target: 8000, published: '8000', host_ip: '127.0.0.1' }];
    expect(notesOf(services({ ports: local }))).toBe('');
    const { nginx: _, ...alone } = services({});
    expect(notesOf(alone as ReturnType<typeof services>)).toBe('');
  });
});

describe('edge.trusted-proxies', () => {
  const yml = (value: string) =>
    `app: shop\nedge: { trusted-proxies: ${value} }\ntargets: { production: { hosts: [deploy@h.example.com] } }\n`;

  test('networks and addresses of both families', () => {
    const { edge } = parseConfig(yml('[10.0.0.0/8, 192.0.2.1, "2001:db8::/32"]'), '/x/sluice.yml', '/x');
    expect(edge.trustedProxies).toEqual(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32']);
  });

  test.each(['[all]', '[10.0.0.0/33]', '["::/129"]', '[10.0.0.0/8/8]', 'cloudflare'])(
    '%s is refused',
    async (value) => {
      const errors = await errorsOf(() => parseConfig(yml(value), '/x/sluice.yml', '/x'));
      expect(errors).toHaveLength(1);
      expect(errors[0]?.message).toMatch(/edge\.trusted-proxies/);
    },
  );
});
