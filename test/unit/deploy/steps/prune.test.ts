import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRowCounts } from '../../../../src/deploy/database/postgres/dump.ts';
import { compareRights } from '../../../../src/deploy/database/postgres/proof.ts';
import { createRoles } from '../../../../src/deploy/database/postgres/rights.ts';
import { type BackupRecord, compareRows, totalRows } from '../../../../src/deploy/database/record.ts';
import { backupName, findBackup } from '../../../../src/deploy/database/store.ts';
import { choosePruned } from '../../../../src/deploy/steps/prune.ts';
import { broughtInVain } from '../../../../src/deploy/steps/transfer.ts';
import { digest, hostState, plan, release, servicePlan } from '../../../support/deploy/fixtures.ts';

const made = (name: string, ...images: string[]) =>
  release(
    name,
    images.map((_, index) => servicePlan(`s${index}`, 'keep')),
    Object.fromEntries(images.map((image, index) => [`s${index}`, { image }])),
  );

describe('which releases go', () => {
  test('the oldest beyond the kept ones, with the images nobody else needs', () => {
    const releases = [made('v1', 'a1', 'base'), made('v2', 'a2', 'base'), made('v3', 'a3', 'base')];
    const current = made('v4', 'a4', 'base');
    expect(choosePruned({ releases }, current, new Set(['v4', 'v3']), 1)).toEqual({
      remove: ['v2', 'v1'],
      images: ['a2', 'a1'],
    });
    expect(choosePruned({ releases }, current, new Set(['v4', 'v3']), 2)).toEqual({
      remove: ['v1'],
      images: ['a1'],
    });
    expect(choosePruned({ releases }, current, new Set(['v4', 'v3']), 9)).toEqual({ remove: [], images: [] });
    expect(choosePruned({ releases: [] }, current, new Set(['v4', undefined]), 0)).toEqual({
      remove: [],
      images: [],
    });
  });

  test('a rollback to the oldest keeps it and what served before', () => {
    const releases = [made('v1', 'a1'), made('v2', 'a2'), made('v3', 'a3')];
    const [current] = releases;
    if (current === undefined) throw new Error('no release');
    expect(choosePruned({ releases }, current, new Set(['v1', 'v3']), 0)).toEqual({
      remove: ['v2'],
      images: ['a2'],
    });
  });

  test('images that a dead run has brought go, unless a release that stays needs them', () => {
    const current = made('v2', 'a2', 'base');
    const left = ['dead', 'a2', 'base'];
    expect(choosePruned({ releases: [made('v1', 'a1')] }, current, new Set(['v2', 'v1']), 3, left)).toEqual({
      remove: [],
      images: ['dead'],
    });
  });

  test('never the current or the previous one, nor an image that one that stays needs', () => {
    const image = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const host = fc.uniqueArray(
      fc.record({ name: fc.stringMatching(/^v\d{1,3}$/), images: fc.array(image) }),
      {
        selector: (item) => item.name,
        minLength: 1,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(
        host,
        fc.nat({ max: 8 }),
        fc.nat(),
        fc.nat(),
        fc.boolean(),
        (all, keep, one, two, isNew) => {
          const releases = all.map((want) => made(want.name, ...want.images));
          const current = isNew ? made('new', 'a', 'z') : releases[one % releases.length];
          const previous = releases[two % releases.length];
          if (current === undefined || previous === undefined) throw new Error('no release');
          const kept = new Set([current.release, previous.release]);
          const { remove, images } = choosePruned({ releases }, current, kept, keep);

          const staying = [current, ...releases.filter((record) => !remove.includes(record.release))];
          expect(remove.some((name) => kept.has(name))).toBe(false);
          const needed = staying.flatMap((record) =>
            Object.values(record.model.services).map((service) => service.image),
          );
          expect(images.filter((candidate) => needed.includes(candidate))).toEqual([]);
          const besides = staying.slice(1).filter((record) => record.release !== current.release).length;
          if (remove.length > 0)
            expect(besides).toBe(Math.max(keep, previous.release === current.release ? 0 : 1));
          // The newest stay.
          const oldestKept = releases.findIndex(
            (record) => !remove.includes(record.release) && !kept.has(record.release),
          );
          const newestGone = releases.findLastIndex((record) => remove.includes(record.release));
          if (oldestKept >= 0) expect(newestGone).toBeLessThan(oldestKept);
        },
      ),
    );
  });
});

describe('backups', () => {
  const record = (name: string) => ({ name }) as BackupRecord;

  test('a name is a safe file name that sorts by time', () => {
    expect(backupName(0, 'before-v1.2')).toBe('19700101T000000Z-before-v1.2');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), fc.nat(), (reason, one, two) => {
        expect(backupName(one * 1000, reason)).toMatch(/^[\w.-]+$/);
        if (one !== two) expect(backupName(one * 1000, 'x') < backupName(two * 1000, 'x')).toBe(one < two);
      }),
    );
  });

  test('an unknown name lists what there is', () => {
    expect(findBackup([record('a'), record('b')], 'a')).toEqual(record('a'));
    expect(() => findBackup([record('a'), record('b')], 'c')).toThrow(
      expect.objectContaining({ code: 'backup.unknown', hint: 'Available: b, a.' }),
    );
    expect(() => findBackup([], 'c')).toThrow(
      expect.objectContaining({ message: 'There is no backup on the host' }),
    );
  });

  test('row counts are read whatever a table is called, and compared by name', () => {
    const rows = parseRowCounts(
      'bytes 12\nrow\tpublic.books\t3\nrow\tpublic.it\'s "odd"\t0\nrow\tx\t\nright\ta\t1\n',
    );
    expect(rows).toEqual({ 'public.books': 3, 'public.it\'s "odd"': 0 });
    expect(parseRowCounts('row\t__proto__\t7\n')).toHaveProperty(['__proto__'], 7);
    expect(totalRows(rows)).toBe(3);
    expect(compareRows(rows, { ...rows })).toBeUndefined();
    expect(compareRows({ a: 1, b: 2 }, { a: 1, c: 0 })).toBe(
      'b: 2 rows dumped, no rows restored; c: no rows dumped, 0 rows restored',
    );
    expect(compareRows({ a: 0 }, {})).toContain('a: 0 rows dumped');
  });
});

describe('rights', () => {
  test('a difference names the object and both sides', () => {
    expect(compareRights('rights 3\nrow\ta\t1\n')).toBeUndefined();
    expect(
      compareRights('dumped\ttable a\towner app\nrestored\ttable a\towner postgres\ndumped\textension x\t\n'),
    ).toBe(
      'table a: dumped: owner app, restored: owner postgres; extension x: dumped: present, restored: absent',
    );
  });

  test('roles are created without login, superusers too, whatever their names', () => {
    const role = {
      ...{ superuser: false, inherit: true, createRole: false, createDb: true, login: true },
      ...{ replication: false, bypassRls: false, memberOf: [] },
    };
    expect(createRoles([{ ...role, name: 'a"; DROP', memberOf: ['b'] }])).toBe(
      'CREATE ROLE "a""; DROP" NOLOGIN NOSUPERUSER INHERIT NOCREATEROLE CREATEDB NOREPLICATION NOBYPASSRLS;\nGRANT "b" TO "a""; DROP";\n',
    );
    expect(createRoles([])).toBe('');
  });
});

describe('images of a release that never served', () => {
  test('go, pulled or carried, but for those that were there or another release needs', () => {
    const image = (name: string) => `registry.example.com/${name}@${digest}`;
    const lacking = (name: string) => ({ reference: image(name), present: false });
    const carried = { reference: `localhost/shop/x:sha256-${'a'.repeat(64)}`, present: false };
    const kept = release('v1', [servicePlan('db', 'keep')], { db: { image: image('db') } });
    const record = release('v2', [servicePlan('web', 'blue-green')], { web: { image: image('web') } });
    const state = hostState({ releases: [kept, record] });
    const host = {
      ...plan(record, state),
      images: [lacking('web'), lacking('db'), { ...lacking('old'), present: true }, carried],
    };
    expect(broughtInVain({ plan: host, state })).toEqual([image('web'), carried.reference]);
  });
});
