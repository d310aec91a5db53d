import { describe, expect, test } from 'vitest';
import type { ComposeVolume } from '../../../../src/config/model.ts';
import { type ContainerMount, listContainers } from '../../../../src/deploy/on-host/state.ts';
import { userErrorsOf } from '../../../../src/kernel/errors.ts';
import { container, hostState, plan, release, servicePlan } from '../../../support/deploy/fixtures.ts';

const place = '/opt/sluice/shop/data/data';
const bind = (source: string, more: Partial<ComposeVolume> = {}): ComposeVolume => ({
  type: 'bind',
  source,
  target: '/data',
  ...more,
});
const folder = (source: string, target = '/data'): ContainerMount => ({
  type: 'bind',
  name: undefined,
  source,
  target,
});
const named = (name: string): ContainerMount => ({
  type: 'volume',
  name,
  source: `/var/lib/docker/volumes/${name}/_data`,
  target: '/data/',
});

/** What a deploy of one service refuses where a container of it was started by hand. */
function faultsOf(
  volume: ComposeVolume,
  mounts: readonly ContainerMount[],
  { strategy = 'recreate', plain = true, running = true, volumes = {} } = {},
) {
  const record = release('v1', [servicePlan('web', strategy as 'recreate')], {
    web: { image: 'app/web', volumes: [volume] },
  });
  const state = hostState({ containers: [container('web', { name: 'shop-web-1', plain, running, mounts })] });
  try {
    plan({ ...record, files: ['0a1b'], model: { ...record.model, volumes } }, state);
    return [];
  } catch (error) {
    return userErrorsOf(error);
  }
}

describe('data that an adopted app has elsewhere', () => {
  test('in a folder of its checkout: refused with both ways out', () => {
    const faults = faultsOf(bind(place), [folder('/home/deploy/my app/data')]);
    expect(faults).toMatchObject([
      {
        code: 'preflight.data-elsewhere',
        message: `one: the data of web at /data is in /home/deploy/my app/data (container shop-web-1), but this release mounts ${place} there and starts without it`,
      },
    ]);
    expect(faults[0]?.hint).toBe(
      'To keep it there, mount /home/deploy/my app/data:/data in a compose file of this target. ' +
        'To move it (the service is down until the deploy ends), run on the server: ' +
        `docker stop shop-web-1 && mkdir -p ${place} && sudo cp -a '/home/deploy/my app/data/.' ${place} && docker rm shop-web-1`,
    );
  });

  test.each(['recreate', 'blue-green', 'keep', 'workers', 'singleton'])(
    'also with strategy %s',
    (strategy) => {
      expect(faultsOf(bind(place), [folder('/home/x/data')], { strategy })).toHaveLength(1);
    },
  );

  test.each<[string, ComposeVolume, readonly ContainerMount[], string]>([
    [
      'a volume of another name',
      { type: 'volume', source: 'data', target: '/data' },
      [named('old_data')],
      'the volume old_data',
    ],
    ['an anonymous volume', bind(place), [named('f'.repeat(64))], `the volume ${'f'.repeat(64)}`],
    [
      'a folder before there was a volume',
      { type: 'volume', source: 'data', target: '/data' },
      [folder('/srv/data')],
      '/srv/data',
    ],
    ['another absolute path', bind('/srv/new'), [folder('/srv/old')], '/srv/old'],
  ])('%s', (_, volume, mounts, place) => {
    const [fault] = faultsOf(volume, mounts);
    expect(fault?.message).toContain(`the data of web at /data is in ${place} (`);
    expect(fault?.hint).toMatch(/^To keep it there, /);
  });

  test('a container that is stopped has its data all the same', () => {
    expect(faultsOf(bind(place), [folder('/home/x/data')], { running: false })).toHaveLength(1);
  });

  const volume = { type: 'volume', source: 'data', target: '/data' };
  test.each<[string, ComposeVolume, readonly ContainerMount[], object?]>([
    ['the same folder', bind('/srv/a$$b'), [folder('/srv/a$b/')]],
    ['the project’s own volume', volume, [named('shop_data')]],
    ['a volume with a name', volume, [named('uploads')], { volumes: { data: { name: 'uploads' } } }],
    ['another place in the container', bind(place), [folder('/home/x/conf', '/etc/app')]],
    ['what it only reads', bind(place, { read_only: true }), [folder('/home/x/data')]],
    ['what the release carries', bind('/opt/sluice/shop/files/0a1b/data'), [folder('/home/x/data')]],
    ['a socket', bind('/run/user/1000/docker.sock'), [folder('/var/run/docker.sock')]],
    ['an anonymous volume of the release', { type: 'volume', target: '/data' }, [named('e'.repeat(64))]],
    ['a container of Sluice', bind(place), [folder('/home/x/data')], { plain: false }],
  ])('not for %s', (_, own, mounts, more = {}) => {
    expect(faultsOf(own, mounts, more)).toEqual([]);
  });
});

test('mounts are read of a plain project’s containers only', async () => {
  const info = (Labels: Readonly<Record<string, string>>) => ({
    ...{ Id: '1', Names: ['/a'], Labels, State: 'running', Status: '', Image: '', ImageID: '' },
    Mounts: [
      { Type: 'volume', Name: 'v', Source: '/s', Destination: '/d', Mode: 'z', RW: true, Propagation: '' },
    ],
  });
  const listed = [info({ 'com.docker.compose.service': 'web' }), info({ 'sluice.app': 'shop' })];
  const engine = { listContainers: async () => listed } as unknown as Parameters<typeof listContainers>[0];
  const found = await listContainers(engine, 'shop');
  expect(found.map(({ mounts }) => mounts)).toEqual([
    [{ type: 'volume', name: 'v', source: '/s', target: '/d' }],
    undefined,
  ]);
});
