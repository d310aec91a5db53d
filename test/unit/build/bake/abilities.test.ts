import { describe, expect, test } from 'vitest';
import { grants, unsupported } from '../../../../src/build/bake/abilities.ts';
import { bakeFile } from '../../../../src/build/bake/bake.ts';
import { buildTargets } from '../../../../src/build/targets/targets.ts';
import { target } from '../../../support/build/fixtures.ts';
import { config, model } from '../../../support/config/fixtures.ts';

/** How RUN runs, as the compose file has it. */
function runOf(build: object) {
  const sight = { ...config, registry: 'ghcr.io/acme/shop' };
  return buildTargets(model({ web: { build: { context: '/repo', ...build } } }), sight).targets[0]?.run;
}

describe('how RUN runs', () => {
  test('hosts in each of their spellings', () => {
    const hosts = { db: '10.0.0.1,10.0.0.2', six: '::1', gate: 'host-gateway' };
    const list = ['db=10.0.0.1', 'db:10.0.0.2', 'six=::1', 'gate=host-gateway'];
    expect(runOf({ extra_hosts: list })).toEqual({ 'extra-hosts': hosts });
    const map = { db: ['10.0.0.1', '10.0.0.2'], six: '::1', gate: 'host-gateway' };
    expect(runOf({ extra_hosts: map })).toEqual({ 'extra-hosts': hosts });
  });

  test('privileged is an entitlement, and Docker’s own isolation is none', () => {
    expect(runOf({ privileged: true, entitlements: ['network.host'], isolation: 'default' })).toEqual({
      entitlements: ['network.host', 'security.insecure'],
    });
    expect(runOf({ privileged: false, extra_hosts: [], entitlements: null })).toBeUndefined();
  });

  test('bake gets it by its own names', () => {
    const run = { 'extra-hosts': { db: '10.0.0.1' }, entitlements: ['network.host'] };
    const build = {
      ...{ target: target({ run }), holding: '', output: 'store' as const, labels: {}, bases: {} },
      cacheFrom: [],
      cacheTo: [],
    };
    const file = JSON.parse(bakeFile([build], [], { sbom: false, provenance: false, isForeign: false }));
    expect(file.target.backend).toMatchObject(run);
  });
});

describe('what buildx can’t do', () => {
  const run = { 'extra-hosts': { db: '10.0.0.1' }, entitlements: ['security.insecure'] };
  const refused = (buildxVersion: string | undefined, asked: object) =>
    unsupported([target({ run: asked })], { buildxVersion }).map(
      ({ message, hint }) => `${message}. ${hint}`,
    );

  test.each([
    ['0.13.1', 2],
    ['0.16.2', 2],
    ['0.17.0', 1],
    ['0.24.0', 1],
    ['0.25.0', 0],
    [undefined, 0],
  ])('%s leaves out %i of hosts and entitlements', (version, count) => {
    expect(refused(version, run)).toHaveLength(count);
  });

  test('it says which key, which version, and what to do', () => {
    expect(refused('0.13.1', run)).toEqual([
      'backend: `build:` has extra_hosts, which buildx 0.13.1 ignores. Install buildx 0.25 or newer, or remove the key.',
      'backend: `build:` has entitlements (security.insecure; `privileged: true` is one), which buildx 0.13.1 ignores. Install buildx 0.17 or newer, or remove the key.',
    ]);
    expect(refused('0.38.0', { isolation: 'hyperv' })).toEqual([
      'backend: `isolation: hyperv` belongs to the builder before BuildKit. Remove `isolation:` from `build:`.',
    ]);
  });

  test('network, memory and limits work with any', () => {
    expect(refused('0.13.1', { network: 'host', 'shm-size': '64m', ulimits: ['nofile=1:2'] })).toEqual([]);
  });
});

test('newer ones want to be granted what is asked for, once each', () => {
  const targets = [
    target({ run: { network: 'host' } }),
    target({ run: { entitlements: ['network.host', 'security.insecure'] } }),
    target({ run: { network: 'none' } }),
    target(),
  ];
  expect(grants(targets, '0.16.2')).toEqual([]);
  expect(grants(targets, '0.17.0')).toEqual(['--allow', 'network.host', '--allow', 'security.insecure']);
});
