import { sameEngine } from '../../../host/engine/docker-cli.ts';
import type { Host } from '../../../host/model.ts';
import { UserError } from '../../../kernel/errors.ts';
import { tail } from '../../../kernel/process/process.ts';
import type { Database, Restored, RestoreOptions } from '../engine.ts';
import type { BackupRecord } from '../record.ts';
import { createRoles, identifier, type Role } from './rights.ts';

/**
 * PGOPTIONS of Sluice's sessions. They take precedence over settings of the database, which the app may own: with another
 * schema before pg_catalog in the search_path, functions of the app run as superuser.
 */
export const ownSession =
  '-c search_path=pg_catalog -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off';

// Runs inside the database's container. stdin: one line of base64 (SQL of the database itself), then the dump.
// Restores the backup into a copy beside the live database, and swaps the names of the two once it is complete. The live
// database is kept under another name, so that a wrong restore can be reverted. One transaction has both renames and all
// settings, and in any case the live database accepts connections again.
// Until the copy has its grants, its connection limit is 0: only superusers can connect.
// A database with a subscription cannot be dropped, and dropping the subscription drops the publisher's slot, which belongs
// to the live database. So a discarded copy detaches from the slot first.
// Settings are stored for all databases in bytes of the encoding of the database that sets them. If the encoding differs
// from that of the maintenance database, an empty database with the right encoding sets them.
// $1 suffix, $2 options of CREATE DATABASE, $3 encoding of the dump, $4 owner of the schema public, `-` without one, empty if not known,
// $5 name of the dumped database, $6 more options of pg_restore
const inner = `
set -eu
export PGUSER="\${POSTGRES_USER:-postgres}" PGOPTIONS='${ownSession}'
live="\${POSTGRES_DB:-$PGUSER}"; new="\${live}_restore_$1"; old="\${live}_before_$1"
side=postgres; [ "$live" != postgres ] || side=template1
raw=
sql() { psql -qAtX -v ON_ERROR_STOP=1 -v live="$live" -v new="$new" -v old="$old" -v raw="$raw" -d "\${1:-$side}"; }
drop() {
  psql -qAtX -d "$new" >/dev/null 2>&1 <<'SQL' || :
SELECT format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', subname), format('DROP SUBSCRIPTION %I', subname)
  FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datname = current_database() \\gexec
SQL
  echo 'DROP DATABASE IF EXISTS :"new";' | sql >/dev/null 2>&1 || :
  [ -z "$raw" ] || echo 'DROP DATABASE IF EXISTS :"raw";' | sql >/dev/null 2>&1 || :
}
reopen() { echo 'ALTER DATABASE :"live" WITH ALLOW_CONNECTIONS true;' | sql >/dev/null 2>&1 || :; }
[ "$5" = "$live" ] || { echo "the backup is of the database $5, but POSTGRES_DB of the container is $live" >&2; exit 3; }
[ "$(echo 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user;' | sql)" = t ] ||
  { echo "the role $PGUSER is not a superuser, so it cannot set the owners of objects" >&2; exit 3; }
read -r encoded
settings=$(printf %s "$encoded" | base64 -d)
trap drop EXIT
trap 'exit 143' TERM HUP INT PIPE
drop
printf 'CREATE DATABASE :"new" WITH CONNECTION LIMIT = 0 TEMPLATE = template0%s;' "$2" | sql
case $4 in
'') ;;
-) echo 'DROP SCHEMA public;' | psql -qX -v ON_ERROR_STOP=1 -d "$new" ;;
*) printf 'ALTER SCHEMA public OWNER TO %s;' "$4" | psql -qX -v ON_ERROR_STOP=1 -d "$new" ;;
esac
pg_restore -d "$new" --exit-on-error $6
if [ "$(echo 'SHOW server_encoding;' | sql)" != "$3" ]; then
  raw="sluice_restore_$1"
  printf 'CREATE DATABASE :"raw" WITH CONNECTION LIMIT = 0 TEMPLATE = template0%s;' "$2" | sql
fi
trap 'reopen; drop' EXIT
( export settings; sql "$raw" ) >/dev/null <<SQL
ALTER DATABASE :"live" WITH ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'live';
\\\\encoding $3
\\\\set settings \\\`printf %s "\\$settings"\\\`
BEGIN;
ALTER DATABASE :"live" RENAME TO :"old";
ALTER DATABASE :"new" RENAME TO :"live";
ALTER DATABASE :"live" CONNECTION LIMIT -1;
SELECT nullif(:'settings', '') \\\\gexec
COMMIT;
ALTER DATABASE :"old" WITH ALLOW_CONNECTIONS true;
SQL
echo "kept $old"
echo "SELECT 'subscription ' || quote_ident(subname) FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datname = :'live';" | sql || :
`;

/**
 * sh function `restore_dump DUMP CONTAINER SUFFIX PUBLIC-OWNER INNER [no-tablespaces]`. The archive has the SQL of the database
 * itself (encoding, locale, owner, ALTER DATABASE SET, grants), but pg_restore writes it only with --create and under the
 * archived name. So it is extracted as text: the locale for CREATE DATABASE, the rest for the copy once it has that name.
 * (--create writes the database and its properties regardless of -L; its grants and comment must be listed.)
 * Values of settings may be secret, so they go to the container on stdin. psql sends the text verbatim (\gexec), so a name
 * or a value cannot be a command of psql.
 */
export const restoreDump = `
restore_dump() {
  dump=$1 container=$2 suffix=$3 public=$4 inner=$5 plain=\${6-}
  toc=$(docker exec -i "$container" pg_restore -l --create <"$dump")
  name=$(printf '%s\\n' "$toc" | sed -n 's/^; *dbname: //p' | head -n 1)
  listed=$(printf '%s\\n' "$toc" | sed -nE 's/^([0-9]+;) [0-9]+ [0-9]+ (ACL|COMMENT|SECURITY LABEL) - DATABASE .*/\\1/p')
  text=$(docker exec -i "$container" sh -c 'pg_restore --create -f - -L /dev/fd/3 3<<LIST
;
$1
LIST' sluice "$listed" <"$dump")
  first() { printf '%s\\n' "$text" | sed -nE "s/$1/\\1/p" | head -n 1; }
  options=$(first '^CREATE DATABASE .* WITH TEMPLATE = template0(.*);$')
  encoding=$(first "^SET client_encoding = '([A-Za-z0-9_-]+)';$")
  [ -z "$plain" ] || options=$(printf %s "$options" | sed -E 's/ TABLESPACE = ("([^"]|"")*"|[^ ]+)//')
  settings=$(printf '%s\\n' "$text" |
    sed -E '/^\\\\(connect|encoding|restrict|unrestrict) /d; /^CREATE DATABASE .* WITH TEMPLATE = template0.*;$/d')
  { printf %s "$settings" | base64 | tr -d '\\n'; echo; cat "$dump"; } |
    docker exec -i "$container" sh -c "$inner" sluice-restore "$suffix" "$options" "$encoding" "$public" "$name" "\${plain:+--no-tablespaces}"
}
`;

/** The part of {@link restoreDump} that runs in the container. */
export const restoreProgram = inner;

/** The argument PUBLIC-OWNER of `restore_dump`: `-` if the dumped database has no schema public, empty if unknown. */
export function publicOwnerOf(backup: Pick<BackupRecord, 'cluster'>): string {
  return backup.cluster === undefined ? '' : (backup.cluster.publicOwner ?? '-');
}

// $1 dump, $2 container, $3 suffix, $4 owner of public, $5 the program above, $6 SQL of roles in base64
const script = `set -eu
${sameEngine}${restoreDump}
if [ -n "$6" ]; then
  printf %s "$6" | base64 -d | docker exec -i "$2" sh -c 'psql -qX1 -v ON_ERROR_STOP=1 -U "\${POSTGRES_USER:-postgres}" -d template1 -f -'
fi
restore_dump "$1" "$2" "$3" "$4" "$5"
`;

/**
 * Replaces the live database with a backup, in one step: data, owners, grants, settings, encoding and locale.
 *
 * @throws UserError `restore.roles-missing` or `restore.failed`; the live database is then unchanged.
 */
export async function restoreDatabase(
  host: Host,
  folder: string,
  backup: BackupRecord,
  database: Database,
  options: RestoreOptions,
): Promise<Restored> {
  const missing = await missingRoles(host, backup, database, options.signal);
  if (missing.length > 0 && options.createRoles !== true) throw rolesMissing(host, backup, missing);
  const superusers = missing.filter((role) => role.superuser);
  if (superusers.length > 0) throw rolesMissing(host, backup, superusers);
  const roles = Buffer.from(createRoles(missing)).toString('base64');
  const result = await host.script(script, {
    args: [
      `${folder}/${backup.name}.dump`,
      database.container,
      options.suffix,
      publicOwnerOf(backup),
      inner,
      roles,
    ],
    signal: options.signal,
    timeoutMs: options.timeoutMs,
  });
  const values = (key: string) =>
    [...result.stdout.matchAll(new RegExp(`^${key} (.+)$`, 'gm'))].map((match) => match[1] ?? '');
  const [kept] = values('kept');
  if (result.code === 0 && kept !== undefined)
    return {
      kept,
      subscriptions: values('subscription'),
      extensions: backup.cluster?.extensions ?? [],
      created: missing.map((role) => role.name),
    };
  throw new UserError({
    code: 'restore.failed',
    message: `${host.name}: cannot restore ${backup.name}`,
    hint: 'The live database was not changed.',
    output: tail(result.stderr, 8),
  });
}

/** Roles that the backup needs and the server lacks. Backups of earlier versions have no list of roles. */
async function missingRoles(
  host: Host,
  backup: BackupRecord,
  database: Database,
  signal: AbortSignal,
): Promise<readonly Role[]> {
  const needed = backup.cluster?.roles ?? [];
  if (needed.length === 0) return [];
  const list = `${sameEngine}docker exec -i "$1" sh -c 'psql -qAtX -v ON_ERROR_STOP=1 -U "\${POSTGRES_USER:-postgres}" -d template1' <<'SQL'
SELECT 'roles ' || jsonb_agg(rolname)::text FROM pg_roles;
SQL
`;
  const result = await host.script(list, {
    args: [database.container],
    signal,
    timeoutMs: 60_000,
    maxOutput: 16 * 1024 * 1024,
  });
  const line = /^roles (.+)$/m.exec(result.stdout)?.[1];
  if (line === undefined) {
    throw new UserError({
      code: 'restore.failed',
      message: `${host.name}: cannot read the roles of the database server`,
      hint: 'Check that the database is up. The live database was not changed.',
      output: tail(result.stderr, 5),
    });
  }
  const present = new Set(JSON.parse(line) as string[]);
  return needed.filter((role) => !present.has(role.name));
}

function rolesMissing(host: Host, backup: BackupRecord, missing: readonly Role[]): UserError {
  const names = missing.map((role) => role.name).join(', ');
  const superusers = missing.filter((role) => role.superuser);
  return new UserError({
    code: 'restore.roles-missing',
    message: `${host.name}: ${backup.name} needs ${missing.length === 1 ? 'a role' : 'roles'} that the database server does not have: ${names}`,
    hint:
      superusers.length > 0
        ? `Create the superuser first: ${superusers.map((role) => `CREATE ROLE ${identifier(role.name)} SUPERUSER NOLOGIN`).join('; ')}.`
        : 'Pass --create-roles to create them without login and without a password.',
  });
}
