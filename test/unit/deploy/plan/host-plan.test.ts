import { describe, expect, test } from 'vitest';
import type { Strategy } from '../../../../src/config/model.ts';
import { isUnchanged } from '../../../../src/deploy/plan/host-plan.ts';
import {
  container,
  digest,
  edgeImage,
  edgeStatus,
  hostState,
  plan,
  release,
  running,
  servicePlan,
  serving,
} from '../../../support/deploy/fixtures.ts';

const everything: Strategy[] = ['blue-green', 'workers', 'singleton', 'recreate', 'keep', 'job'];
const names: Record<Strategy, string> = {
  'blue-green': 'web',
  workers: 'worker',
  singleton: 'beat',
  recreate: 'proxy',
  keep: 'db',
  job: 'seed',
};
const plans = everything.map((strategy) => servicePlan(names[strategy], strategy));
const v1 = release('v1', plans);
const changed = Object.fromEntries(plans.map(({ name }) => [name, { image: `app/${name}:2` }]));
const v2 = release('v2', plans, changed);

const actions = (planned: ReturnType<typeof plan>) =>
  Object.fromEntries(planned.services.map(({ service, action }) => [service, action]));

describe('what happens to each service', () => {
  test('first deploy: everything is made, in blue, with new edges', () => {
    const planned = plan(v1, hostState());
    expect(actions(planned)).toEqual({
      web: 'colour',
      worker: 'workers',
      beat: 'create',
      proxy: 'create',
      db: 'create',
      seed: 'run',
    });
    expect(planned).toMatchObject({ colour: 'blue', previous: undefined, removed: [], warnings: [] });
    expect(planned.edges).toMatchObject([{ service: 'web', action: 'create', adopted: undefined }]);
  });

  test('a changed release: the other colour, swaps, replacements, and data stays', () => {
    const planned = plan(v2, serving(v1, 'blue'));
    expect(actions(planned)).toEqual({
      web: 'colour',
      worker: 'workers',
      beat: 'swap',
      proxy: 'replace',
      db: 'keep',
      seed: 'run',
    });
    expect(planned).toMatchObject({ colour: 'green', previous: { release: 'v1', colour: 'blue' } });
    expect(planned.edges).toMatchObject([{ action: 'keep', imageDiffers: false }]);
    expect(planned.services.find((plannedService) => plannedService.service === 'db')?.why).toContain(
      'changed',
    );
    expect(plan(v2, serving(v1, 'green')).colour).toBe('blue');
  });

  test('a store that is created before the job it depends on is named', () => {
    const depends = { seed: { condition: 'service_completed_successfully' } };
    const ordered = release('v1', plans, { db: { image: 'postgres:17', depends_on: depends } });
    expect(plan(ordered, hostState()).warnings).toEqual([expect.stringMatching(/^db depends on seed, but/)]);
    expect(plan({ ...ordered, release: 'v2' }, serving(ordered, 'blue')).warnings).toEqual([]);
  });

  test('an unchanged service that is not coloured stays', () => {
    const planned = plan({ ...v1, release: 'v1b' }, serving(v1, 'green'));
    expect(actions(planned)).toMatchObject({ beat: 'keep', proxy: 'keep', db: 'keep' });
  });

  test('a store whose definition changed is named with what changed, and replaced when asked for', () => {
    const environment = { TZ: 'UTC', PASSWORD: 'synthetic-1' };
    const old = release('v1', plans, { db: { image: 'postgres:16', environment } });
    const wanted = { image: 'postgres:17', environment: { ...environment, PASSWORD: 'synthetic-2' } };
    const now = release('v2', plans, { ...changed, db: wanted });
    const kept = plan(now, serving(old, 'blue'));
    const db = kept.services.find(({ service }) => service === 'db');
    expect(db).toMatchObject({
      action: 'keep',
      differences: ['environment PASSWORD', 'image postgres:16 → postgres:17'],
    });
    expect(kept.warnings.join()).toContain('--replace db');
    expect(JSON.stringify([kept.warnings, db?.why])).not.toContain('synthetic');
    const replaced = plan(now, serving(old, 'blue'), { replace: ['db'] });
    expect(replaced.services.find(({ service }) => service === 'db')).toMatchObject({ action: 'replace' });
    expect(replaced.warnings).toEqual([]);
  });

  test('a deploy that touches nothing of the app says so', () => {
    const stores = [servicePlan('db', 'keep'), servicePlan('cms', 'keep')];
    const old = release('v1', stores);
    const now = release('v2', stores, { cms: { image: 'app/cms:2' } });
    expect(plan(now, serving(old, 'blue')).warnings.join()).toContain('This deploy changes nothing');
    expect(plan(v2, serving(v1, 'blue')).warnings.join()).not.toContain('changes nothing');
  });

  test('a service that stopped is created again, a stateful one too', () => {
    const state = serving(v1, 'blue');
    const stopped = state.containers.map((containerState) =>
      containerState.edge === undefined ? { ...containerState, running: false } : containerState,
    );
    expect(actions(plan(v2, { ...state, containers: stopped }))).toMatchObject({
      beat: 'create',
      proxy: 'create',
      db: 'create',
    });
  });

  test('a service that left is removed, a stateful one only warned of', () => {
    const small = release('v3', [servicePlan('web', 'blue-green')]);
    const planned = plan(small, serving(v1, 'blue'));
    expect(planned.removed.toSorted()).toEqual(['beat', 'proxy', 'seed', 'worker']);
    expect(planned.warnings).toEqual([expect.stringContaining('db no longer belongs on this host')]);
  });

  test('an app without colours has a previous release, to which a replaced service goes back', () => {
    const single = [servicePlan('app', 'recreate')];
    const one = release('v1', single);
    const two = release('v2', single, { app: { image: 'app:2' } });
    const planned = plan(two, serving(one, 'blue'));
    expect(planned).toMatchObject({ colour: 'blue', previous: { release: 'v1', colour: 'green' } });
    expect(actions(planned)).toEqual({ app: 'replace' });
  });

  test('a name that stands for another service’s containers is refused', () => {
    for (const name of ['web-blue', 'web-green', 'web-edge']) {
      const record = release('v1', [...plans, servicePlan(name, 'keep')]);
      expect(() => plan(record, hostState())).toThrow(
        expect.objectContaining({ code: 'compose.name-clash' }),
      );
    }
    expect(() =>
      plan(release('v1', [servicePlan('db-blue', 'keep'), servicePlan('db', 'keep')]), hostState()),
    ).not.toThrow();
  });
});

describe('adoption of a plain project', () => {
  const plain = plans
    .filter((candidate) => candidate.strategy !== 'job')
    .map((item) => container(item.name, { plain: true, digests: [digest] }));

  test('the plain containers are the first colour, data and proxy stay, the singleton changes over', () => {
    const planned = plan(v1, hostState({ containers: plain }));
    expect(planned).toMatchObject({ colour: 'green', previous: undefined });
    expect(actions(planned)).toMatchObject({
      web: 'colour',
      worker: 'workers',
      beat: 'swap',
      proxy: 'keep',
      db: 'keep',
    });
    const web = plain.find((containerState) => containerState.service === 'web');
    expect(planned.edges).toMatchObject([{ action: 'create', adopted: web?.name, takesPort: false }]);
    expect(planned.warnings).toEqual([expect.stringContaining('the name web moves to the edge')]);
  });

  test('containers of other projects on its networks are named: nobody reloads them', () => {
    const neighbors = [
      { name: 'front-nginx-1', networks: ['shop_default'] },
      { name: 'far-away-1', networks: ['other'] },
    ];
    const { warnings } = plan(v1, hostState({ containers: plain, neighbors }));
    expect(warnings.join('\n')).toMatch(/containers of other projects: front-nginx-1\. .* restart it/);
    expect(warnings.join('\n')).not.toContain('far-away-1');
  });

  test('a plain container of another image is replaced in place, a store is only reported', () => {
    const others = plain.map((containerState) => ({
      ...containerState,
      image: 'app/x:1',
      digests: [`sha256:${'b'.repeat(64)}`],
    }));
    const planned = plan(v1, hostState({ containers: others }));
    expect(actions(planned)).toMatchObject({ proxy: 'replace', db: 'keep' });
    expect(planned.warnings.join()).toContain('sluice deploy production --replace db');
  });

  test('a published port moves, and the plan says that it has a gap', () => {
    const record = release('v1', plans, {
      web: { image: 'web', ports: [{ target: 8000, published: '80' }] },
    });
    const planned = plan(record, hostState({ containers: plain }));
    expect(planned.edges).toMatchObject([{ takesPort: true }]);
    expect(planned.warnings.join()).toContain('Published port 80 of web also moves to the edge');
  });

  test('a stopped plain container is not adopted', () => {
    const stopped = plain.map((containerState) => ({ ...containerState, running: false }));
    expect(plan(v1, hostState({ containers: stopped }))).toMatchObject({
      colour: 'blue',
      edges: [{ adopted: undefined }],
    });
  });
});

describe('edges', () => {
  test('other settings reload, a stopped edge is made again, another image is only told', () => {
    const state = serving(v1, 'blue');
    const edges = [{ service: 'web', files: [], version: 'v2' }];
    expect(plan(v2, state, { edges }).edges).toMatchObject([{ action: 'reload' }]);
    const told = plan(v2, state, { edgeImage: 'haproxy:9' });
    expect(told.edges).toMatchObject([{ action: 'keep', imageDiffers: true }]);
    expect(told.warnings.join()).toContain('another HAProxy image');
  });

  test('after a reload the edge itself knows its version better than its label', () => {
    const state = serving(v1, 'blue', { edges: { web: edgeStatus('web', 'blue', { version: 'v7' }) } });
    const edges = [{ service: 'web', files: [], version: 'v7' }];
    expect(plan(v2, state, { edges }).edges).toMatchObject([{ action: 'keep' }]);
  });

  test('an edge that does not answer counts by what is on disk', () => {
    const state = serving(v1, 'green', { edges: {} });
    expect(plan(v2, state).colour).toBe('blue');
  });

  test('only images that are used now are needed', () => {
    const planned = plan(v2, serving(v1, 'blue'), { presentImages: new Set(['app/web:2']) });
    expect(planned.images).toContainEqual({ reference: 'app/web:2', present: true });
    expect(planned.images).toContainEqual({ reference: 'app/worker:2', present: false });
    const references = planned.images.map((image) => image.reference);
    expect(references).not.toContain('app/db:2');
    expect(references).not.toContain(edgeImage);
    expect(plan(v1, hostState()).images).toContainEqual({ reference: edgeImage, present: false });
  });
});

describe('variables', () => {
  test('names that came and went, and whether values differ', () => {
    const before = release('v1', plans, {}, { envKeys: ['A', 'B'], envVersion: 'x' });
    const after = release('v2', plans, changed, { envKeys: ['B', 'C'], envVersion: 'y' });
    expect(plan(after, serving(before, 'blue')).env).toEqual({ added: ['C'], removed: ['A'], changed: true });
    expect(plan(after, hostState()).env).toEqual({ added: [], removed: [], changed: false });
  });
});

describe('unchanged', () => {
  const again = { ...v1, release: 'v1' };
  const check = (state: ReturnType<typeof serving>, record = again, more = {}) =>
    isUnchanged(plan(record, state, more), state);

  test('the same content that runs is unchanged', () => {
    expect(check(serving(v1, 'blue'))).toBe(true);
    expect(check(serving(v1, 'green'), { ...v1, release: 'other-name' })).toBe(true);
  });

  test.each<[string, () => boolean]>([
    ['other content', () => check(serving(v1, 'blue'), v2)],
    ['nothing deployed yet', () => check(hostState(), v1)],
    [
      'a worker is gone',
      () =>
        check(
          serving(v1, 'blue', {
            containers: running(v1, 'blue').filter((containerState) => containerState.service !== 'worker'),
          }),
        ),
    ],
    [
      'the singleton stopped',
      () =>
        check(
          serving(v1, 'blue', {
            containers: running(v1, 'blue').map((containerState) => ({
              ...containerState,
              running: containerState.service !== 'beat',
            })),
          }),
        ),
    ],
    [
      'the edge is another',
      () => check(serving(v1, 'blue'), again, { edges: [{ service: 'web', files: [], version: 'v2' }] }),
    ],
  ])('%s is a change', (_name, result) => {
    expect(result()).toBe(false);
  });

  test('too few replicas are a change', () => {
    const two = release('v1', [servicePlan('web', 'blue-green', { replicas: 2 })]);
    expect(check(serving(two, 'blue'), two)).toBe(false);
  });
});
