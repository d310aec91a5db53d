import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BackupRecord } from '../../../src/deploy/database/record.ts';
import { listBackups, pruneBackups } from '../../../src/deploy/database/store.ts';
import { type Layout, layoutOf } from '../../../src/deploy/model.ts';
import type { Host } from '../../../src/host/model.ts';
import { type Sshd, startSshd } from '../../support/host/sshd.ts';

let sshd: Sshd;
let host: Host;

beforeAll(async () => {
  sshd = await startSshd();
  host = await sshd.connect();
});
afterAll(async () => {
  await host?.close();
  await sshd?.[Symbol.asyncDispose]();
});

async function appWith(app: string, records: readonly object[]): Promise<Layout> {
  const layout = layoutOf(join(sshd.folder, 'apps'), app);
  await mkdir(layout.backups, { recursive: true });
  await mkdir(layout.journal, { recursive: true });
  for (const record of records as readonly BackupRecord[])
    for (const [kind, text] of Object.entries({ dump: 'x', rights: 'x', json: JSON.stringify(record) }))
      await writeFile(join(layout.backups, `${record.name}.${kind}`), text);
  return layout;
}

function backup(day: number, proof: boolean | undefined, more: Partial<BackupRecord> = {}): BackupRecord {
  const at = new Date(Date.UTC(2026, 0, day)).toISOString();
  const name = `202601${String(day).padStart(2, '0')}T000000Z-by-hand`;
  return {
    ...{ version: 1, name, app: 'shop', target: 'production', release: 'v1', deploy: undefined, at },
    ...{ bytes: 1, sha256: 'a'.repeat(64), server: '17.2', seconds: 1, rows: {} },
    ...(proof === undefined ? {} : { restoreTest: { ok: proof, at, tables: 1, rows: 1, seconds: 1 } }),
    ...more,
  };
}

const warnings: string[] = [];
const prune = async (layout: Layout, keep: number, made: string) =>
  await pruneBackups(host, layout, keep, made, (message) => warnings.push(message));
const left = async (layout: Layout) =>
  (await readdir(layout.backups))
    .filter((file) => file.endsWith('.dump'))
    .map((file) => file.replace('.dump', '').slice(0, 8));

test('10 proven, 13 that do not restore, 1 proven, keep 14: the proven ones stay', async () => {
  const records = Array.from({ length: 24 }, (_, index) => backup(1 + index, index < 10 || index === 23));
  const layout = await appWith('proofs', records);
  await prune(layout, 14, records.at(-1)?.name ?? '');
  expect(await left(layout)).toEqual(
    [...records.slice(0, 10), ...records.slice(23)].map(({ name }) => name.slice(0, 8)),
  );
  expect((await readdir(layout.backups)).length).toBe(33);
  expect(warnings).toEqual([]);
});

test('what an undone deploy left to a person stays until a deploy is confirmed', async () => {
  const deploys = ['20260101-000000-aaaaaa', '20260102-000000-bbbbbb', '20260103-000000-cccccc'];
  const before = deploys.map((deploy, index) => backup(1 + index, true, { deploy }));
  const later = [
    backup(4, true, { deploy: '20260104-000000-dddddd' }),
    backup(5, true, { deploy: '20260105-000000-eeeeee' }),
  ];
  const layout = await appWith('undone', [...before, ...later]);
  const journal = async (deploy: string, outcome?: string) => {
    const open = { event: 'open', at: 'x', deploy, command: 'deploy', release: 'v"1' };
    const end = { event: 'end', at: 'x', outcome, note: '"event":"end","outcome":"confirmed"', by: 'x' };
    const lines = outcome === undefined ? [open] : [open, end];
    await writeFile(
      join(layout.journal, `${deploy}.jsonl`),
      lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    );
  };
  await journal(deploys[0] ?? '', 'confirmed');
  await journal(deploys[1] ?? '', 'reverted');
  await journal(deploys[2] ?? '');
  await prune(layout, 1, later[1]?.name ?? '');
  expect(await left(layout)).toEqual(['20260102', '20260103', '20260105']);
  await journal('20260105-000000-eeeeee', 'confirmed');
  await prune(layout, 1, later[1]?.name ?? '');
  // One run has left no end: whoever takes the lease next finishes or undoes it, then its backup can go.
  expect(await left(layout)).toEqual(['20260103', '20260105']);
});

test('a record that names other files, or that cannot be read, removes nothing and is named', async () => {
  const layout = await appWith('odd', [backup(1, true), backup(2, true), backup(3, true)]);
  const outside = join(layout.app, 'precious.dump');
  await writeFile(outside, 'x');
  const evil = { ...backup(1, undefined), name: '../precious' };
  for (const [file, text] of Object.entries({
    evil: JSON.stringify(evil),
    cut: '{"version":',
    next: '{"version":2}',
  })) {
    await writeFile(join(layout.backups, `${file}.json`), text);
    await writeFile(join(layout.backups, `${file}.dump`), 'x');
  }
  expect((await listBackups(host, layout.backups)).unreadable.toSorted()).toEqual([
    'cut.json',
    'evil.json',
    'next.json',
  ]);
  await prune(layout, 1, '20260103T000000Z-by-hand');
  expect((await left(layout)).sort()).toEqual(['20260103', 'cut', 'evil', 'next']);
  expect(await readdir(layout.app)).toContain('precious.dump');
});

test('more than a megabyte of records is not a shorter list', async () => {
  const rows = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, index) => [`public.partition_${index}`, index]),
  );
  const layout = await appWith('large', [
    backup(1, true, { rows }),
    backup(2, true, { rows }),
    backup(3, true, { rows }),
  ]);
  expect((await listBackups(host, layout.backups)).records.map(({ name }) => name.slice(0, 8))).toEqual([
    '20260101',
    '20260102',
    '20260103',
  ]);
});
