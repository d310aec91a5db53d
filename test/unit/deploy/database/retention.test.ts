import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BackupReason, type BackupRecord, backupLine } from '../../../../src/deploy/database/record.ts';
import {
  chooseExpired,
  openAfterConfirmed,
  reasonOf,
  type Worth,
  worthOf,
} from '../../../../src/deploy/database/store.ts';

const hash = 'a'.repeat(64);

/** A backup of one night; `worth` is what its proof came to. */
function backup(day: number, worth: Worth, reason: BackupReason = 'schedule'): BackupRecord {
  const at = new Date(Date.UTC(2026, 0, day)).toISOString();
  const name = `${at.slice(0, 10).replaceAll('-', '')}T000000Z-${reason}`;
  const proof = { ok: worth === 'proven', at, tables: 1, rows: 1, seconds: 1 };
  return {
    ...{ version: 1, name, app: 'shop', target: 'production', release: 'v1', deploy: undefined, reason, at },
    ...{ bytes: 1, sha256: hash, server: '17.2', seconds: 1, rows: {} },
    ...(worth === 'untested' ? {} : { restoreTest: proof }),
  };
}

const names = (records: readonly BackupRecord[]) => records.map((record) => record.name);
const none = new Set<string>();

describe('which backups go', () => {
  test('10 proven, 13 that do not restore, 1 proven: all 11 proven ones stay', () => {
    const proven = Array.from({ length: 10 }, (_, day) => backup(1 + day, 'proven'));
    const failed = Array.from({ length: 13 }, (_, day) => backup(11 + day, 'failed'));
    const last = backup(24, 'proven');
    const gone = chooseExpired([...proven, ...failed, last], 14, new Set([last.name]));
    expect(gone).toEqual(names(failed));
  });

  test('while the proof fails, the newest dumps stay beside the proven ones', () => {
    const proven = [backup(1, 'proven'), backup(2, 'proven'), backup(3, 'proven')];
    const failed = [backup(4, 'failed'), backup(5, 'failed'), backup(6, 'failed')];
    expect(chooseExpired([...proven, ...failed], 2, none)).toEqual([proven[0]?.name, failed[0]?.name]);
  });

  test('with the proof off the oldest go, too', () => {
    const nights = [1, 2, 3, 4].map((day) => backup(day, 'untested'));
    expect(chooseExpired(nights, 2, none)).toEqual(names(nights.slice(0, 2)));
  });

  test('deploys, nights and those of people do not push each other out', () => {
    const nights = [1, 2].map((day) => backup(day, 'proven'));
    const person = backup(3, 'proven', 'person');
    const deploys = Array.from({ length: 20 }, (_, day) => backup(4 + day, 'proven', 'deploy'));
    expect(chooseExpired([...nights, person, ...deploys], 2, none)).toEqual(names(deploys.slice(0, 18)));
  });

  test('records of earlier versions have no reason', () => {
    const { reason: _, ...old } = backup(1, 'proven');
    expect(reasonOf(old)).toBe('schedule');
    expect(reasonOf({ ...old, deploy: '20260101-000000-abcdef' })).toBe('deploy');
  });

  test('a record without a hash proves nothing', () => {
    const good = backup(1, 'proven');
    for (const sha256 of ['', 'abc', hash.toUpperCase(), undefined as unknown as string]) {
      const bad = { ...backup(2, 'proven'), sha256 };
      expect(worthOf(bad)).toBe('failed');
      expect(chooseExpired([good, bad], 1, none)).toEqual([]);
    }
  });

  test('of any history: N proven of each kind stay, nothing spared goes, and again there is nothing to do', () => {
    const worth = fc.constantFrom<Worth>('proven', 'untested', 'failed');
    const reason = fc.constantFrom<BackupReason>('deploy', 'schedule', 'person');
    const history = fc
      .array(fc.tuple(worth, reason), { maxLength: 40 })
      .map((kinds) => kinds.map(([one, other], index) => backup(1 + index, one, other)));
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 6 }), fc.array(fc.nat()), (records, keep, picks) => {
        const spare = new Set(picks.flatMap((pick) => records[pick % records.length]?.name ?? []));
        const shuffled = records.toReversed();
        const gone = new Set(chooseExpired(shuffled, keep, spare));
        const stay = records.filter((record) => !gone.has(record.name));
        expect([...gone].some((name) => spare.has(name))).toBe(false);
        for (const kind of ['deploy', 'schedule', 'person'] as const) {
          const proven = records.filter(
            (record) => worthOf(record) === 'proven' && reasonOf(record) === kind,
          );
          expect(names(stay)).toEqual(expect.arrayContaining(names(proven.slice(-keep))));
          // Bounded, too: three kinds of worth, N of each, besides those that are spared.
          const unspared = stay.filter(
            (backupRecord) => reasonOf(backupRecord) === kind && !spare.has(backupRecord.name),
          );
          expect(unspared.length).toBeLessThanOrEqual(3 * keep);
        }
        if (records.length > 0) expect(names(stay)).toContain(records.at(-1)?.name);
        expect(chooseExpired(stay, keep, spare)).toEqual([]);
      }),
    );
  });
});

describe('what a line says of a backup', () => {
  const line = (record: BackupRecord) => backupLine(record).split('  ').at(-1);

  test('what was compared, and what was not', () => {
    const proven = backup(1, 'proven');
    const restoreTest = { ok: true, at: proven.at, tables: 1, rows: 2, rights: 23, seconds: 1 };
    expect(line({ ...proven, restoreTest })).toBe('restored: 1 table, 2 rows, 23 rights equal');
    expect(line(proven)).toBe('restored: 1 table, 1 row equal, owners and privileges not compared');
    expect(line(backup(1, 'untested'))).toBe('restore not tested');
    expect(line({ ...proven, sha256: '' })).toContain('NO SHA-256');
  });
});

describe('whose backup a person may need', () => {
  const deploy = (name: string, outcome: string, command = 'deploy') => ({ deploy: name, command, outcome });

  test('each deploy after the last confirmed one, and one that is not over', () => {
    const journals = [
      ...[deploy('a', 'reverted'), deploy('b', ''), deploy('c', 'confirmed')],
      ...[deploy('d', 'reverted'), deploy('e', 'confirmed', 'rollback'), deploy('f', '')],
    ];
    expect(openAfterConfirmed(journals)).toEqual(['b', 'd', 'e', 'f']);
    expect(openAfterConfirmed([deploy('a', 'undone')])).toEqual(['a']);
    expect(openAfterConfirmed([])).toEqual([]);
  });
});
