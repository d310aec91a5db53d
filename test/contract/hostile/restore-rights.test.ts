import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dumpDatabase } from '../../../src/deploy/database/postgres/dump.ts';
import { testRestore } from '../../../src/deploy/database/postgres/proof.ts';
import { restoreDatabase } from '../../../src/deploy/database/postgres/restore.ts';
import type { BackupRecord } from '../../../src/deploy/database/record.ts';
import { type PostgresBed, postgresBinaries, startPostgresBed } from '../../support/deploy/postgres-bed.ts';

// The names need quoting everywhere.
const user = 'root-pg';
const db = 'Shop "eu"';
const quoted = '"Shop ""eu"""';

const setup = `
\\encoding UTF8
CREATE ROLE "app-owner" LOGIN; CREATE ROLE app LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE stranger LOGIN;
CREATE ROLE "boss" SUPERUSER;
GRANT CONNECT ON DATABASE ${quoted} TO app, reader;
REVOKE CONNECT, TEMPORARY ON DATABASE ${quoted} FROM PUBLIC;
ALTER DATABASE ${quoted} OWNER TO "app-owner";
ALTER DATABASE ${quoted} CONNECTION LIMIT 41;
ALTER DATABASE ${quoted} SET app.key TO E'Grüße, it''s\\n\\\\! touch /tmp/no';
ALTER DATABASE ${quoted} SET search_path TO "Sales", public;
ALTER DATABASE ${quoted} SET idle_in_transaction_session_timeout TO '1ms';
ALTER ROLE app IN DATABASE ${quoted} SET statement_timeout TO '7s';
ALTER SCHEMA public OWNER TO "app-owner";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO app, reader;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_relation_filepath(regclass) FROM PUBLIC;
CREATE SCHEMA "Sales" AUTHORIZATION app;
SET ROLE app;
CREATE TABLE "Sales".orders (id serial PRIMARY KEY, price int, secret text);
INSERT INTO "Sales".orders (price, secret) SELECT g, 's' FROM generate_series(1, 9) g;
GRANT USAGE ON SCHEMA "Sales" TO reader;
GRANT SELECT (id, price) ON "Sales".orders TO reader;
ALTER TABLE "Sales".orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY cheap ON "Sales".orders FOR SELECT TO reader USING (price < 5);
CREATE FUNCTION "Sales".who() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text';
REVOKE EXECUTE ON FUNCTION "Sales".who() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "Sales".who() TO reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA "Sales" GRANT SELECT ON TABLES TO reader;
CREATE MATERIALIZED VIEW "Sales".total AS SELECT sum(price) FROM "Sales".orders;
CREATE TYPE "Sales".size AS ENUM ('s');
SELECT lo_from_bytea(4711, 'photo');
GRANT SELECT ON LARGE OBJECT 4711 TO reader;
RESET ROLE;
CREATE FUNCTION public.noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION public.noted();
ALTER EVENT TRIGGER noted OWNER TO boss;
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE SUBSCRIPTION upstream CONNECTION 'host=127.0.0.1 port=1 dbname=x' PUBLICATION p WITH (connect = false, slot_name = NONE);
`;

/** What the roles may do, tried and read. */
async function rightsOf(bed: PostgresBed): Promise<Record<string, string>> {
  const app = { user: 'app', db };
  const reader = { user: 'reader', db };
  const database = `SELECT pg_get_userbyid(datdba), datconnlimit, pg_encoding_to_char(encoding), datcollate, datctype,
    to_jsonb(d)->>'datlocprovider', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'),
    array(SELECT a::text FROM unnest(datacl) a ORDER BY 1) FROM pg_database d WHERE datname = current_database()`;
  return {
    'app inserts and alters': await bed.attempt(
      'BEGIN \\; INSERT INTO "Sales".orders (price) VALUES (1) \\; ALTER TABLE "Sales".orders ADD extra int \\; ROLLBACK; SELECT 1',
      app,
    ),
    'app in its schema': await bed.attempt('BEGIN \\; CREATE TABLE "Sales".x () \\; ROLLBACK; SELECT 2', app),
    'reader sees what the policy lets through': await bed.attempt(
      'SELECT count(id) FROM "Sales".orders',
      reader,
    ),
    'reader reads a column': await bed.attempt('SELECT secret FROM "Sales".orders', reader),
    'reader creates in public': await bed.attempt('CREATE TABLE public.x ()', reader),
    'who a SECURITY DEFINER function is': await bed.attempt('SELECT "Sales".who()', reader),
    'who may call it': await bed.attempt('SELECT "Sales".who()', { user: 'app-owner', db }),
    'reader on a large object': await bed.attempt('SELECT lo_get(4711)', reader),
    'a revoked function': await bed.attempt("SELECT pg_relation_filepath('pg_class')", reader),
    'stranger connects': (await bed.attempt('SELECT 3', { user: 'stranger', db })).replace(
      /.*FATAL/,
      'FATAL',
    ),
    settings: await bed.attempt('SHOW search_path; SHOW app.key; SHOW idle_in_transaction_session_timeout'),
    'settings of app': await bed.attempt('SHOW statement_timeout', app),
    database: await bed.attempt(database),
    'default privileges': await bed.attempt('SELECT defaclrole::regrole, defaclacl FROM pg_default_acl'),
    owners: await bed.attempt(`SELECT evtowner::regrole, evtenabled FROM pg_event_trigger;
      SELECT pubowner::regrole FROM pg_publication; SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'public'`),
    'subscription replicates': await bed.attempt(
      'SELECT subenabled FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datname = current_database()',
    ),
  };
}

describe.each(postgresBinaries().map((bin) => [/(\d+)[^/]*\/bin$/.exec(bin)?.[1] ?? bin, bin]))(
  'PostgreSQL %s',
  (_version, bin) => {
    let bed: PostgresBed;
    let before: Record<string, string>;
    let made: BackupRecord;
    const how = { signal: new AbortController().signal, timeoutMs: 60_000, now: Date.now };
    const about = { name: 'b1', app: 'shop', target: 'production', release: 'v1', deploy: undefined };

    beforeAll(async () => {
      bed = await startPostgresBed(bin, { user, db });
      await bed.sql(
        `DROP DATABASE ${quoted}; CREATE DATABASE ${quoted} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`,
        { db: 'template1' },
      );
      await bed.sql(setup);
      before = await rightsOf(bed);
      made = await dumpDatabase(bed.host, bed.layout.backups, bed.database, about, how);
    });
    afterAll(async () => await bed?.[Symbol.asyncDispose]());

    test('a restore gives every role what it had, and nothing more', async () => {
      expect(before).toMatchObject({
        'app inserts and alters': '1',
        'reader sees what the policy lets through': '4',
        'who a SECURITY DEFINER function is': 'app',
        database: expect.stringMatching(/LATIN1\|C\|C/),
      });
      await bed.sql('DROP SCHEMA "Sales" CASCADE');
      await restoreDatabase(bed.host, bed.layout.backups, made, bed.database, { ...how, suffix: 'r1' });
      expect(await rightsOf(bed)).toEqual(before);
    });

    test('the proof compares rights', async () => {
      const proof = await testRestore(bed.host, bed.layout.backups, made, 'image', how);
      expect(proof.detail).toBeUndefined();
      expect(proof).toMatchObject({ ok: true, tables: 1, rows: 9, rights: 23 });
      expect(bed.containers()).toEqual([bed.database.container]);
    });
  },
);
