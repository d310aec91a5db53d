import { describe, expect, test } from 'vitest';
import type { ComposeService } from '../../../../src/config/model.ts';
import type { ReleaseRecord } from '../../../../src/deploy/model.ts';
import type { HostState } from '../../../../src/deploy/on-host/state.ts';
import { parseState } from '../../../../src/deploy/on-host/state-files.ts';
import { stoppedBy } from '../../../../src/deploy/plan/ports.ts';
import type { PublishedPort } from '../../../../src/deploy/preflight/host-network.ts';
import { edgeHash } from '../../../../src/deploy/traffic/edge-container.ts';
import { plan, release, servicePlan, serving } from '../../../support/deploy/fixtures.ts';

const published = (port: number, ip?: string): ComposeService => ({
  image: 'acme/web',
  ports: [
    { target: 8000, published: `${port}`, protocol: 'tcp', ...(ip === undefined ? {} : { host_ip: ip }) },
  ],
});

/** A release whose services are blue-green and publish a port each. */
const webs = (ports: Readonly<Record<string, number>>, name = 'v2'): ReleaseRecord =>
  release(
    name,
    Object.keys(ports).map((service) => servicePlan(service, 'blue-green')),
    Object.fromEntries(Object.entries(ports).map(([service, port]) => [service, published(port)])),
  );

/** It serves, and its edges have their ports. */
function state(record: ReleaseRecord, more: Partial<HostState> = {}): HostState {
  const base = serving(record, 'blue');
  const containers = base.containers.map((container) => {
    const [own, definition] = [
      record.services.find(({ name }) => name === container.service),
      record.model.services[container.service],
    ];
    if (container.edge === undefined || own === undefined || definition === undefined) return container;
    return { ...container, hash: edgeHash(record, own, definition) };
  });
  const held = containers.flatMap((container): PublishedPort[] =>
    container.edge === undefined
      ? []
      : (record.model.services[container.service]?.ports ?? []).map((port) => ({
          ...{ container: container.id, name: container.name, ip: '0.0.0.0' },
          ...{ port: Number(port.published), protocol: 'tcp' },
        })),
  );
  return { ...base, containers, published: held, ...more };
}

const nameOf = (all: HostState, service: string) =>
  all.containers.find((container) => container.edge !== undefined && container.service === service)?.name ??
  '';

describe('ports that change hands within the app', () => {
  test('a renamed service takes the port of its former edge, and the plan says so', () => {
    const before = state(webs({ web: 80 }, 'v1'));
    const { handovers, warnings } = plan(webs({ app: 80 }), before);
    const container = nameOf(before, 'web');
    expect(handovers).toEqual([{ container, service: 'web', to: 'app', ports: ['80'] }]);
    expect(stoppedBy({ edges: [], handovers })).toEqual([container]);
    expect(warnings.join('\n')).toContain('Port 80 moves from web to app.');
  });

  test('two services that swap their ports', () => {
    const before = state(webs({ a: 80, b: 81 }, 'v1'));
    const { handovers, edges } = plan(webs({ a: 81, b: 80 }), before);
    expect(handovers.map(({ service, to, ports }) => `${service} ${ports} → ${to}`).sort()).toEqual([
      'a 80 → b',
      'b 81 → a',
    ]);
    expect(edges.map(({ action }) => action)).toEqual(['replace', 'replace']);
  });

  test('one that gives ports to two services names both, and stops once', () => {
    const two = {
      image: 'acme/web',
      ports: [80, 443].map((port) => ({ target: port, published: `${port}`, protocol: 'tcp' })),
    };
    const before = state(release('v1', [servicePlan('door', 'blue-green')], { door: two }));
    const { handovers } = plan(webs({ web: 80, api: 443 }), before);
    expect(handovers.map(({ to, ports }) => `${ports} → ${to}`).sort()).toEqual(['443 → api', '80 → web']);
    expect(stoppedBy({ edges: [], handovers })).toHaveLength(1);
  });

  test('its own port a service keeps without ado', () => {
    const before = state(webs({ web: 80 }, 'v1'));
    expect(plan(webs({ web: 80 }), before).handovers).toEqual([]);
    expect(plan(webs({ web: 8080 }), before).handovers).toEqual([]);
  });

  test('a new proxy takes it from an edge that publishes nothing any more', () => {
    const before = state(webs({ web: 80 }, 'v1'));
    const next = release('v2', [servicePlan('web', 'blue-green'), servicePlan('door', 'recreate')], {
      web: { image: 'acme/web', expose: ['8000'] },
      door: published(80),
    });
    expect(plan(next, before).handovers).toMatchObject([{ service: 'web', to: 'door' }]);
  });

  test('what a deploy does not touch gives up nothing', () => {
    const record = release('v1', [servicePlan('db', 'keep')], { db: published(5432) });
    const before = state(record);
    const db = before.containers[0];
    const held = [{ container: db?.id ?? '', name: 'shop-db-1', ip: '0.0.0.0', port: 5432, protocol: 'tcp' }];
    const next = release('v2', [servicePlan('db', 'keep'), servicePlan('web', 'blue-green')], {
      db: { image: 'acme/web' },
      web: published(5432),
    });
    expect(() => plan(next, { ...before, published: held })).toThrow(
      expect.objectContaining({
        code: 'preflight.port-taken',
        message: expect.stringContaining('service db'),
      }),
    );
  });
});

describe('ports that others have', () => {
  const foreign = (ip: string) => [{ container: 'x', name: 'other-web-1', ip, port: 80, protocol: 'tcp' }];
  const none = serving(release('v0', []), 'blue');

  test('a container of another app, with its name', () => {
    expect(() => plan(webs({ web: 80 }), { ...none, published: foreign('0.0.0.0') })).toThrow(
      'one: port 80 of web is in use by container other-web-1',
    );
  });

  test.each<[string, string | undefined, boolean]>([
    ['0.0.0.0', undefined, true],
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '10.0.0.1', false],
    ['::', '127.0.0.1', false],
    ['::', '[::1]', true],
    ['127.0.0.1', '0.0.0.0', true],
  ])('on %s, and %s is wanted: %s', (held, wanted, isTaken) => {
    const record = release('v1', [servicePlan('web', 'blue-green')], { web: published(80, wanted) });
    const work = () => plan(record, { ...none, published: foreign(held) });
    if (isTaken) expect(work).toThrow('is in use by container other-web-1');
    else expect(work().handovers).toEqual([]);
  });

  test('a program of the host, as the kernel tells', () => {
    const { listeners } = parseState(
      'h',
      'listen 00000000:0050\nlisten 0100007F:1F90\nlisten 00000000000000000000000001000000:0016\n',
    );
    expect(listeners).toEqual([
      { ip: '0.0.0.0', port: 80, protocol: 'tcp' },
      { ip: '127.0.0.1', port: 8080, protocol: 'tcp' },
      { ip: '::1', port: 22, protocol: 'tcp' },
    ]);
    expect(() => plan(webs({ web: 80 }), { ...none, listeners: listeners ?? [] })).toThrow(
      'is in use by a program on the host',
    );
    expect(plan(webs({ web: 443 }), { ...none, listeners: listeners ?? [] }).handovers).toEqual([]);
  });
});
