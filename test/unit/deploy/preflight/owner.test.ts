import { describe, expect, test } from 'vitest';
import { layoutOf } from '../../../../src/deploy/model.ts';
import { parseState } from '../../../../src/deploy/on-host/state-files.ts';
import {
  type Asker,
  askerOf,
  type Owner,
  ownerOf,
  refuseOthers,
} from '../../../../src/deploy/preflight/owner.ts';
import { mapForOlder } from '../../../../src/deploy/traffic/edges.ts';
import { container, hostState } from '../../../support/deploy/fixtures.ts';

const layout = layoutOf('/opt/sluice', 'shop');
const asker: Asker = { app: 'shop', target: 'production', repository: 'acme/shop' };

function codeOf(owner: Partial<Owner>, who: Asker = asker): string {
  try {
    refuseOthers('h', layout, { target: undefined, folders: [], ...owner }, who);
    return 'ours';
  } catch (error) {
    return `${(error as { code: string }).code} ${(error as Error).message}`;
  }
}

describe('whose an app on a host is', () => {
  test('ours: nothing there, our folder, our target, our repository', () => {
    expect(codeOf({})).toBe('ours');
    expect(codeOf({ folders: [layout.app], target: 'production', repository: 'acme/shop' })).toBe('ours');
    // The folder was lost, and its containers still say whose they are.
    expect(codeOf({ folders: [layout.app] })).toBe('ours');
    // From before containers said so.
    expect(codeOf({ folders: [undefined], target: 'production' })).toBe('ours');
  });

  test('another target in the same folder', () => {
    expect(codeOf({ target: 'staging' })).toBe(
      'target.other h: /opt/sluice/shop belongs to target staging, not production',
    );
  });

  test('containers of the same name for another folder, also where only the missing folder tells', () => {
    expect(codeOf({ folders: [layout.app, '/srv/shop'] })).toBe(
      'target.elsewhere h: the containers of shop belong to /srv/shop, not to /opt/sluice/shop',
    );
    expect(codeOf({ folders: [undefined] })).toMatch(/^target\.elsewhere .* another folder/);
  });

  test('another repository, where both are known', () => {
    expect(codeOf({ target: 'production', repository: 'acme/store' })).toBe(
      'target.repository h: /opt/sluice/shop is deployed from acme/store, not from acme/shop',
    );
    const laptop = { ...asker, repository: undefined };
    expect(codeOf({ target: 'production', repository: 'acme/store' }, laptop)).toBe('ours');
  });

  test('a laptop has no repository of its own: its remote may be a fork', () => {
    const of = (env: Record<string, string>) =>
      askerOf({ app: 'shop' }, { name: 'production' }, env).repository;
    expect(of({ GITHUB_REPOSITORY: 'me/shop' })).toBeUndefined();
    expect(of({ GITHUB_ACTIONS: 'true', GITHUB_REPOSITORY: 'acme/shop' })).toBe('acme/shop');
  });

  test('a plain project that is adopted has no owner yet', () => {
    const state = hostState({ containers: [container('web', { plain: true })] });
    expect(ownerOf(state).folders).toEqual([]);
  });

  test('both are read from the host', () => {
    const { target, repository } = parseState('h', 'target production\nrepository acme/shop\n');
    expect([target, repository]).toEqual(['production', 'acme/shop']);
  });
});

describe('an edge whose color is older than the names of replicas', () => {
  const web = { colour: 'blue', release: 'v1' } as const;
  const map = (...containers: ReturnType<typeof container>[]) =>
    mapForOlder({ state: hostState({ containers, maps: { web: 'blue' } }) }, 'web');

  test('is told their name', () => {
    expect(map(container('web', web))).toBe('active blue\nname-blue web-blue\n');
  });

  test('is told nothing where they have one, or where none runs', () => {
    expect(map(container('web', { ...web, replicaName: 'blue.web.shop.sluice' }))).toBeUndefined();
    expect(map(container('web', { ...web, running: false }))).toBeUndefined();
    expect(map(container('web', { ...web, colour: 'green' }))).toBeUndefined();
  });
});
