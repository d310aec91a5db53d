import { describe, expect, test } from 'vitest';
import type { ComposeService, Strategy } from '../../../../src/config/model.ts';
import { judgeUsers } from '../../../../src/deploy/preflight/engine.ts';
import { releaseProject } from '../../../../src/deploy/project/project.ts';
import type { HostFacts } from '../../../../src/host/probe/facts.ts';
import { release, servicePlan } from '../../../support/deploy/fixtures.ts';

const facts = (docker: { rootless?: boolean; remapped?: boolean }) =>
  ({ docker: { rootless: false, remapped: false, ...docker } }) as HostFacts;

function linesFor(
  docker: Parameters<typeof facts>[0],
  strategy: Strategy,
  more: ComposeService = {},
): string[] {
  const made = release('v1', [servicePlan('web', strategy)], { web: { image: 'acme/web', ...more } });
  const secrets = {
    key: { file: '/opt/sluice/shop/files/0123456789abcdef/key' },
    own: { file: '/etc/shop/key' },
  };
  const record = { ...made, model: { ...made.model, secrets } };
  return judgeUsers({ facts: facts(docker), record }).map(({ level, message }) => `${level} ${message}`);
}

describe('an engine with userns-remap', () => {
  test.each<[string, ComposeService]>([
    ['shares the server’s network (network_mode: host)', { network_mode: 'host' }],
    ['shares the server’s processes (pid: host)', { pid: 'host' }],
    ['is privileged', { privileged: true }],
    ['has secrets: only the deploy user can read these files', { secrets: [{ source: 'key' }] }],
  ])('a service that %s is refused, unless it says userns_mode: host', (why, more) => {
    const [line = ''] = linesFor({ remapped: true }, 'recreate', more);
    expect(line).toContain(`error the engine uses userns-remap, but web ${why}`);
    expect(linesFor({ remapped: true }, 'recreate', { ...more, userns_mode: 'host' })).toEqual([
      'ok userns-remap is on; edges run without it',
    ]);
    expect(linesFor({}, 'recreate', more)).toEqual([]);
  });

  test('a secret that the server has keeps its own permissions', () => {
    const more = { secrets: [{ source: 'own' }] };
    expect(linesFor({ remapped: true }, 'recreate', more)[0]).toMatch(/^ok/);
  });

  test('doctor asks before the files have a place', () => {
    const record = release('v1', [servicePlan('web', 'recreate')], { web: { secrets: [{ source: 'key' }] } });
    const key = { path: 'key', file: '/repo/key', mode: 0o600, size: 1 };
    const carried = { 'secrets.key': [key] };
    expect(judgeUsers({ facts: facts({ remapped: true }), record: { ...record, carried } })[0]?.level).toBe(
      'error',
    );
  });

  test('is fine for all others: the edge runs as the deploy user, whose folder it mounts', () => {
    expect(linesFor({ remapped: true }, 'blue-green')).toEqual([
      'ok userns-remap is on; edges run without it',
    ]);
    const record = release('v1', [servicePlan('web', 'blue-green')]);
    const edge = { service: 'web', image: 'haproxy', user: '1000:1000', command: [], stopSignal: '' };
    const project = releaseProject(record, 'green', [{ ...edge, folder: '/e', version: '' }]);
    expect(project.services['web-edge']).toMatchObject({ user: '1000:1000', userns_mode: 'host' });
    expect(project.services['web-green']).not.toHaveProperty('userns_mode');
  });
});

test('a rootless engine is refused where there is, or may be, an edge', () => {
  expect(linesFor({ rootless: true }, 'blue-green')[0]).toMatch(/^error the engine is rootless/);
  expect(linesFor({ rootless: true }, 'recreate')[0]).toMatch(/^warning the engine is rootless/);
  const none = judgeUsers({ facts: facts({ rootless: true }), record: release('v1', []) });
  expect(none.map(({ level }) => level)).toEqual(['error']);
});
