import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refuseCorrupt } from '../../../src/deploy/database/backups.ts';
import { dumpDatabase } from '../../../src/deploy/database/postgres/dump.ts';
import { testRestore } from '../../../src/deploy/database/postgres/proof.ts';
import { restoreDatabase } from '../../../src/deploy/database/postgres/restore.ts';
import type { BackupRecord } from '../../../src/deploy/database/record.ts';
import { type PostgresBed, postgresBinaries, startPostgresBed } from '../../support/deploy/postgres-bed.ts';
import { failure } from '../../support/host/sshd.ts';

// The live database is the one that each cluster has, and to which maintenance usually connects.
const db = 'postgres';
const how = { signal: new AbortController().signal, timeoutMs: 60_000, now: Date.now };
let bed: PostgresBed;
let made: BackupRecord;

const setup = `
CREATE ROLE app LOGIN NOINHERIT CREATEDB; CREATE ROLE crew; GRANT crew TO app;
DROP SCHEMA public;
CREATE SCHEMA s AUTHORIZATION app;
GRANT USAGE ON SCHEMA s TO crew;
GRANT CREATE ON DATABASE postgres TO app;
SET ROLE app;
CREATE EXTENSION pg_trgm SCHEMA s;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION s.similarity(text, text) FROM PUBLIC; GRANT EXECUTE ON FUNCTION s.similarity(text, text) TO crew;
SET ROLE app;
CREATE TABLE s.t (id int); INSERT INTO s.t VALUES (1), (2);
RESET ROLE;
CREATE PUBLICATION p FOR TABLE s.t;
CREATE SUBSCRIPTION upstream CONNECTION 'host=127.0.0.1 port=1 dbname=x' PUBLICATION p WITH (connect = false);
ALTER SUBSCRIPTION upstream ENABLE;
`;
const dump = async (name: string) => {
  const about = { name, app: 'shop', target: 'production', release: 'v1', deploy: undefined };
  return await dumpDatabase(bed.host, bed.layout.backups, bed.database, about, how);
};
const restore = async (record: BackupRecord, suffix: string, createRoles = false) =>
  await restoreDatabase(bed.host, bed.layout.backups, record, bed.database, { ...how, suffix, createRoles });
const databases = async () =>
  (await bed.sql('SELECT datname FROM pg_database ORDER BY 1', { db: 'template1' })).split('\n');

beforeAll(async () => {
  bed = await startPostgresBed(postgresBinaries().at(-1) ?? '', { user: 'postgres', db });
  await bed.sql(
    `DROP DATABASE postgres; CREATE DATABASE postgres TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de-AT'`,
    { db: 'template1' },
  );
  await bed.sql(setup);
  made = await dump('b1');
});
afterAll(async () => await bed?.[Symbol.asyncDispose]());

test('a restored copy replicates from nowhere, and says so; a dropped public schema stays dropped', async () => {
  const restored = await restore(made, 'r1');
  expect(restored).toEqual({
    ...{ kept: 'postgres_before_r1', subscriptions: ['upstream'], created: [] },
    extensions: [{ name: 'pg_trgm', owner: 'app' }],
  });
  expect(
    await bed.sql(
      "SELECT subenabled FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datname = 'postgres'",
    ),
  ).toBe('f');
  expect(await bed.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'public'")).toBe('0');
  expect(await bed.sql("SELECT tableowner FROM pg_tables WHERE tablename = 't'")).toBe('app');
  expect(
    await bed.sql(
      `SELECT datlocprovider, coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'), datcollate FROM pg_database d WHERE datname = current_database()`,
    ),
  ).toBe('i|de-AT|C');
});

test('no function of the app runs with the rights of the backup', async () => {
  const file = join(tmpdir(), `sluice-${randomUUID()}`);
  const trap = (
    signature: string,
    type: string,
  ) => `CREATE FUNCTION evil.${signature} RETURNS ${type} LANGUAGE plpgsql
    AS $$ BEGIN COPY (SELECT 1) TO PROGRAM 'touch ${file}'; RETURN NULL; END $$;`;
  await bed.sql(`CREATE SCHEMA evil AUTHORIZATION app; SET ROLE app;
    ${trap('pg_export_snapshot()', 'text')} ${trap('set_config(text, text, boolean)', 'text')}
    ${trap('format(text, name, name, name)', 'text')} ${trap('format(text, text, name, name)', 'text')}
    RESET ROLE; ALTER DATABASE postgres SET search_path TO evil, pg_catalog`);
  try {
    await dump('b0');
    expect(existsSync(file)).toBe(false);
  } finally {
    await rm(file, { force: true });
    await bed.sql('ALTER DATABASE postgres RESET search_path; DROP SCHEMA evil CASCADE');
  }
});

test('a difference of rights is a failed proof that names both sides', async () => {
  const list = join(bed.layout.backups, 'b1.rights');
  const text = await readFile(list, 'utf8');
  await writeFile(list, text.replace('table s.t\towner app', 'table s.t\towner crew'));
  const proof = await testRestore(bed.host, bed.layout.backups, made, 'image', how);
  expect(proof.ok).toBe(false);
  expect(proof.detail).toMatch(/^table s\.t: dumped: owner crew;.*, restored: owner app;/);
  expect((await failure(refuseCorrupt(bed.host, bed.layout.backups, made))).message).toContain(
    'b1.rights is not the file that was made',
  );
  await writeFile(list, text);
  await refuseCorrupt(bed.host, bed.layout.backups, made);
  expect(bed.containers()).toEqual([bed.database.container]);
});

test('a record without a hash verifies nothing', async () => {
  for (const sha256 of ['', 'e3b0', '0'.repeat(63)]) {
    const error = await failure(refuseCorrupt(bed.host, bed.layout.backups, { ...made, sha256 }));
    expect(error.code).toBe('backup.no-hash');
  }
  const gone = await failure(refuseCorrupt(bed.host, bed.layout.backups, { ...made, name: 'gone' }));
  expect(gone).toMatchObject({
    code: 'backup.corrupt',
    message: expect.stringContaining('cannot read gone.dump'),
  });
});

test('a restore that fails at its last step leaves the live database as it was', async () => {
  await bed.sql("CREATE ROLE gone; ALTER ROLE gone IN DATABASE postgres SET app.note TO 'x'");
  const { cluster: _, ...record } = await dump('b2');
  await bed.sql('DROP ROLE gone');
  const before = await databases();
  expect(await failure(restore(record, 'r2'))).toMatchObject({
    code: 'restore.failed',
    output: expect.stringContaining('role "gone" does not exist'),
  });
  expect(await databases()).toEqual(before);
  expect(await bed.sql('SELECT sum(id) FROM s.t')).toBe('3');
});

test('roles that the server lacks are named before anything happens, or created without login', async () => {
  await bed.sql('DROP SUBSCRIPTION IF EXISTS upstream', { db: 'template1' });
  for (const name of (await databases()).filter((database) => database !== 'template0'))
    await bed.attempt(
      'ALTER SUBSCRIPTION upstream DISABLE; ALTER SUBSCRIPTION upstream SET (slot_name = NONE); DROP SUBSCRIPTION upstream; DROP OWNED BY app, crew CASCADE',
      { db: name },
    );
  await bed.sql('DROP ROLE app; DROP ROLE crew');
  const before = await databases();
  const error = await failure(restore(made, 'r3'));
  expect(error).toMatchObject({
    code: 'restore.roles-missing',
    message: expect.stringMatching(/: app, crew$/),
  });
  const { cluster } = made;
  if (cluster === undefined) throw new Error('the record has no roles');
  const roles = cluster.roles.map((role) => ({ ...role, superuser: role.name === 'app' }));
  const boss = { ...cluster, roles };
  expect((await failure(restore({ ...made, cluster: boss }, 'r4', true))).hint).toContain(
    'CREATE ROLE "app" SUPERUSER',
  );
  expect(await databases()).toEqual(before);
  expect((await restore(made, 'r5', true)).created).toEqual(['app', 'crew']);
  expect(
    await bed.sql(
      "SELECT rolcanlogin, rolinherit, rolcreatedb, pg_has_role('app', 'crew', 'MEMBER') FROM pg_roles WHERE rolname = 'app'",
    ),
  ).toBe('f|f|t|t');
  expect(await bed.sql("SELECT tableowner FROM pg_tables WHERE tablename = 't'")).toBe('app');
});

test('a backup of an earlier version restores with its owners; its proof says what it did not compare', async () => {
  const { rights: _, cluster: __, ...old } = made;
  const proof = await testRestore(bed.host, bed.layout.backups, old, 'image', how);
  expect(proof).toMatchObject({ ok: true, rows: 2 });
  expect(proof.rights).toBeUndefined();
  await restore(old, 'r6');
  expect(await bed.sql("SELECT tableowner FROM pg_tables WHERE tablename = 't'")).toBe('app');
});
