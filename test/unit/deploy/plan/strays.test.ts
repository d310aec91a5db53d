import { describe, expect, test } from 'vitest';
import { neededEdges } from '../../../../src/deploy/lease/held-hosts.ts';
import { layoutOf } from '../../../../src/deploy/model.ts';
import { servingColour } from '../../../../src/deploy/on-host/state.ts';
import { describe as statusOf } from '../../../../src/deploy/on-host/status.ts';
import { isUnchanged } from '../../../../src/deploy/plan/host-plan.ts';
import { leftDown } from '../../../../src/deploy/plan/strays.ts';
import { startStoppedEdges } from '../../../../src/deploy/traffic/edges.ts';
import type { Host } from '../../../../src/host/model.ts';
import type { Clock } from '../../../../src/kernel/clock.ts';
import {
  container,
  edgeStatus,
  faultsOf,
  hostState,
  plan,
  release,
  servicePlan,
  serving,
} from '../../../support/deploy/fixtures.ts';

const two = [servicePlan('web', 'blue-green'), servicePlan('api', 'blue-green')];
const v1 = release('v1', two);
const v2 = release('v2', two, { web: { image: 'web:2' }, api: { image: 'api:2' } });
const state = serving(v1, 'blue');
const edgesOf = (web: 'blue' | 'green', api: 'blue' | 'green') => ({
  web: edgeStatus('web', web),
  api: edgeStatus('api', api),
});

describe('edges that serve different colors', () => {
  const split = { ...state, edges: edgesOf('green', 'blue') };

  test('are refused with the commands that bring them together, whichever comes first', () => {
    for (const edges of [split.edges, { api: split.edges.api, web: split.edges.web }]) {
      const [fault, ...more] = faultsOf(() => plan(v2, { ...split, edges }));
      expect(fault).toMatch(/^preflight.colors-differ one: .*web serves green/);
      expect(more).toEqual([]);
    }
    expect(() => plan(v2, split)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('sluice switch green blue by-hand-1 60') }),
    );
  });

  test('are trouble in the status', () => {
    expect(statusOf('one', split).troubles).toContainEqual(
      expect.stringContaining('web serves green, api serves blue'),
    );
    expect(statusOf('one', state).troubles).toEqual([]);
  });

  test('of a run that died are left to the next deploy, which reconciles first', () => {
    const header = { deploy: 'd1', release: 'v2', at: '' } as never;
    const unfinished = [{ header, entries: [], end: undefined }];
    expect(faultsOf(() => plan(v2, { ...split, unfinished }))).toEqual([]);
  });

  test('do not count when their service is gone: such an edge is removed', () => {
    const one = release('v2', [servicePlan('api', 'blue-green')]);
    const later = serving(one, 'blue', { edges: edgesOf('green', 'blue') });
    const left = container('web', { edge: 'v1' });
    const containers = [left, ...later.containers];
    expect(servingColour({ ...later, containers })).toBe('blue');
    const planned = plan({ ...one, release: 'v3' }, { ...later, containers });
    expect(planned).toMatchObject({ colour: 'green', removed: ['web'] });
  });
});

describe('who serves, when files or edges are gone', () => {
  const green = serving(v1, 'green');

  test.each([
    ['an active.map is empty', { maps: { api: 'green' } as const }],
    ['all of them are', { maps: {} }],
    ['the edges were removed', { containers: green.containers.filter(({ edge }) => edge === undefined) }],
  ])('%s: the containers of the current release tell', (_, more) => {
    expect(servingColour({ ...green, edges: {}, ...more })).toBe('green');
    expect(plan(v2, { ...green, edges: {}, ...more }).colour).toBe('blue');
  });

  test('no record of what serves is a warning, not a first deploy in silence', () => {
    const lost = plan(v2, { ...state, releases: [] });
    expect(lost).toMatchObject({ colour: 'green', previous: undefined });
    expect(lost.warnings).toEqual([
      expect.stringContaining('names v1, and its folder in releases/ is missing'),
    ]);
    expect(plan(v2, { ...state, current: undefined }).warnings).toEqual([
      expect.stringContaining('The link `current`'),
    ]);
    expect(plan(v1, hostState()).warnings).toEqual([]);
  });
});

describe('containers of a plain compose project', () => {
  const exited = container('web', { plain: true, running: false, status: 'Exited (0) 2 days ago' });

  test('one that does not run is named, and kept from coming back beside the edge', () => {
    const planned = plan(v2, hostState({ containers: [exited] }));
    expect(planned.warnings).toEqual([expect.stringContaining(`${exited.name} of a plain compose project`)]);
    expect(leftDown({ containers: [exited] }, planned)).toEqual([exited]);
    const others = [{ service: 'db' }, { plain: false }, { running: true }];
    for (const other of others)
      expect(leftDown({ containers: [{ ...exited, ...other }] }, planned)).toEqual([]);
  });

  test('one that gave its port to a service of another name stays down', () => {
    const shop = container('shop', { plain: true });
    const port = { ip: '0.0.0.0', port: 80, protocol: 'tcp', container: shop.id, name: shop.name };
    const web = { image: 'web:1', ports: [{ target: 80, published: '80' }] };
    const before = hostState({ containers: [shop], published: [port] });
    const planned = plan(release('v2', two, { web }), before);
    expect(planned.handovers).toMatchObject([{ container: shop.name, to: 'web' }]);
    expect(leftDown(before, planned)).toEqual([shop]);
    expect(planned.warnings).toEqual([expect.stringContaining('Port 80 moves from shop to web')]);
  });

  test('one that runs beside the edge is named: it is removed', () => {
    const beside = container('web', { plain: true });
    const planned = plan(v2, { ...state, containers: [...state.containers, beside] });
    expect(planned.warnings).toEqual([expect.stringContaining(`${beside.name} runs from a plain`)]);
    expect(planned.edges.map(({ adopted }) => adopted)).toEqual([undefined, undefined]);
  });

  test('one of no service is named at the first deploy', () => {
    const mailer = container('mailer', { plain: true });
    expect(plan(v2, hostState({ containers: [mailer] })).warnings).toEqual([
      expect.stringContaining('has no service mailer'),
    ]);
    expect(plan(v2, { ...state, containers: [...state.containers, mailer] }).warnings).toEqual([]);
  });

  test('one that serves is adopted also beside an edge that was made and never served', () => {
    const web = { image: 'web:1', ports: [{ target: 80, published: '80' }] };
    const serves = container('web', { plain: true });
    const made = hostState({ containers: [serves, container('web', { edge: 'v1', running: false })] });
    const [edge] = plan(release('v2', two, { web }), made).edges;
    expect(edge).toMatchObject({ action: 'create', adopted: serves.name, takesPort: true });
    expect(neededEdges(made)).toEqual([]);
    const stopped = { ...state, containers: state.containers.map((one) => ({ ...one, running: false })) };
    expect(neededEdges(stopped).map(({ service }) => service)).toEqual(['web', 'api']);
  });
});

describe('a network that somebody took a container off', () => {
  const model = { ...v1.model, networks: { default: { name: 'shop_default' } } };
  const current = { ...v1, model };
  const healthy = serving(current, 'blue');

  test('its edge is replaced, its replicas are deployed again', () => {
    expect(isUnchanged(plan(current, healthy), healthy)).toBe(true);
    for (const isHit of [(edge?: string) => edge !== undefined, (edge?: string) => edge === undefined]) {
      const containers = healthy.containers.map((one) => (isHit(one.edge) ? { ...one, addresses: {} } : one));
      const off = { ...healthy, containers };
      expect(isUnchanged(plan(current, off), off)).toBe(false);
    }
  });
});

test('an edge that the engine cannot start is named with the engine’s words', async () => {
  // The engine's answer, where a program of the host has the port by now.
  const start = () => Promise.reject(new Error('Bind for 0.0.0.0:80 failed: port is already allocated'));
  const host = { name: 'one', engine: { getContainer: () => ({ start }) } } as unknown as Host;
  const stopped = [container('web', { edge: 'v1', running: false })];
  const starting = startStoppedEdges(host, layoutOf('/opt/sluice', 'shop'), stopped, {} as Clock);
  await expect(starting).rejects.toMatchObject({
    code: 'edge.unreachable',
    message: 'one: the edge of web cannot start: Bind for 0.0.0.0:80 failed: port is already allocated',
  });
});
