import { sameEngine } from '../../host/docker-cli.ts';
import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process.ts';
import { type BackupRecord, compareRows, parseRowCounts, type RestoreTest, totalRows } from './model.ts';

/** A running Postgres container and the image it runs. */
export interface Database {
  readonly container: string;
  readonly imageId: string;
}

export interface BackupEffects {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly now: () => number;
}

const countRows = `SELECT format('SELECT %L || chr(9) || count(*) FROM %I.%I', schemaname || '.' || tablename, schemaname, tablename)
FROM pg_catalog.pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY schemaname, tablename \\gexec`;

// Both scripts: dash runs an EXIT trap after a signal only if the signal has a trap that exits.

// The row counts must be those of the dump while the app goes on writing: one transaction exports its snapshot,
// counts in it, and pg_dump reads the same snapshot. psql's stdout is the dump, its stderr the counts.
// $1 backups folder, $2 container, $3 name
const dumpScript = `
set -eu
${sameEngine}umask 077
cd "$1"
trap 'rm -f "$3.dump.new" "$3.counts"' EXIT
trap 'exit 143' TERM HUP INT
if ! docker exec -i "$2" sh -c '
  export PGUSER="\${POSTGRES_USER:-postgres}" PGDATABASE="\${POSTGRES_DB:-\${POSTGRES_USER:-postgres}}"
  psql -qAtX -v ON_ERROR_STOP=1
' >"$3.dump.new" 2>"$3.counts" <<'SQL'
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \\gset
\\setenv SNAPSHOT :snapshot
\\o |cat >&2
${countRows}
\\o
\\! pg_dump -Fc --snapshot="$SNAPSHOT" || echo DUMP-FAILED >&2
COMMIT;
SQL
then tail -n 5 "$3.counts" >&2; exit 3; fi
if grep -q '^DUMP-FAILED' "$3.counts"; then tail -n 5 "$3.counts" >&2; exit 3; fi
docker exec -i "$2" pg_restore -l <"$3.dump.new" >/dev/null
sync "$3.dump.new" 2>/dev/null || sync
mv "$3.dump.new" "$3.dump"
printf 'bytes %s\\n' "$(wc -c <"$3.dump")"
printf 'sha256 %s\\n' "$(sha256sum <"$3.dump" | cut -d' ' -f1)"
printf 'server %s\\n' "$(docker exec "$2" postgres --version | sed 's/[^0-9]*\\([0-9.]*\\).*/\\1/')"
cat "$3.counts"
`;

/**
 * Dumps a database beside the app, durably: streamed to a new file, checked to be a readable archive, flushed,
 * renamed.
 *
 * @throws UserError `backup.failed` or `host.disk-full`.
 */
export async function dumpDatabase(
  host: Host,
  folder: string,
  database: Database,
  about: Pick<BackupRecord, 'name' | 'app' | 'target' | 'release' | 'deploy'>,
  effects: BackupEffects,
): Promise<BackupRecord> {
  const begun = effects.now();
  const result = await host.script(dumpScript, {
    args: [folder, database.container, about.name],
    signal: effects.signal,
    timeoutMs: effects.timeoutMs,
  });
  if (result.code !== 0) {
    const full = /no space left/i.test(result.stderr);
    throw new UserError({
      code: full ? 'host.disk-full' : 'backup.failed',
      message: `${host.name}: the backup of the database failed`,
      hint: full
        ? 'Free disk space on the host, then deploy again.'
        : 'Nothing was changed. Is the database up, and may its user read all tables?',
      output: tail(result.stderr, 8),
    });
  }
  const value = (key: string) => new RegExp(`^${key} (.+)$`, 'm').exec(result.stdout)?.[1] ?? '';
  return {
    version: 1,
    ...about,
    at: new Date(begun).toISOString(),
    bytes: Number(value('bytes')),
    sha256: value('sha256'),
    server: value('server'),
    seconds: (effects.now() - begun) / 1000,
    rows: parseRowCounts(result.stdout),
  };
}

// A throw-away server of the same image, without a network; its data is an anonymous volume that --rm takes along.
// $1 dump file, $2 image, $3 name of the container
const restoreScript = `
set -eu
${sameEngine}trap 'docker rm -fv "$3" >/dev/null 2>&1' EXIT
trap 'exit 143' TERM HUP INT
docker run -d --rm --name "$3" --network none -e POSTGRES_PASSWORD=restore-test "$2" -c fsync=off -c full_page_writes=off >/dev/null
tries=0
until docker exec "$3" pg_isready -q -h 127.0.0.1 -U postgres 2>/dev/null; do
  tries=$((tries + 1)); [ "$tries" -lt 300 ] || { echo 'the throw-away Postgres does not start' >&2; docker logs --tail 5 "$3" >&2; exit 3; }
  sleep 0.2
done
docker exec -i "$3" pg_restore -U postgres -d postgres --no-owner --no-privileges --exit-on-error <"$1"
docker exec -i "$3" psql -qAtX -U postgres -d postgres <<'SQL'
${countRows}
SQL
`;

/**
 * Restores a dump into a throw-away Postgres and compares tables and row counts with those of the dump.
 *
 * @returns the proof; `ok` is false, with a detail, when the backup cannot be relied on.
 */
export async function testRestore(
  host: Host,
  folder: string,
  backup: BackupRecord,
  image: string,
  effects: BackupEffects,
): Promise<RestoreTest> {
  const begun = effects.now();
  const result = await host.script(restoreScript, {
    args: [`${folder}/${backup.name}.dump`, image, `sluice-restore-test-${backup.name}`],
    signal: effects.signal,
    timeoutMs: effects.timeoutMs,
  });
  const restored = parseRowCounts(result.stdout);
  const detail = result.code === 0 ? compareRows(backup.rows, restored) : tail(result.stderr, 5);
  return {
    ok: detail === undefined,
    at: new Date(effects.now()).toISOString(),
    tables: Object.keys(restored).length,
    rows: totalRows(restored),
    seconds: (effects.now() - begun) / 1000,
    ...(detail === undefined ? {} : { detail }),
  };
}
