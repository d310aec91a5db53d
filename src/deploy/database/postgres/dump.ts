import { sameEngine } from '../../../host/engine/docker-cli.ts';
import type { Host } from '../../../host/model.ts';
import { UserError } from '../../../kernel/errors.ts';
import { tail } from '../../../kernel/process/process.ts';
import { type BackupEffects, type Database, largestOutput } from '../engine.ts';
import { type BackupRecord, isSha256 } from '../record.ts';
import { ownSession } from './restore.ts';
import { type Cluster, listCluster, listRights } from './rights.ts';

/** psql: settings of the database or the role must not end a session that waits for pg_dump, or change how names are
 * written. {@link ownSession} has the settings that every version knows. */
export const plainSession = `
\\o /dev/null
SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('idle_session_timeout', 'transaction_timeout');
SET client_encoding = 'UTF8';
SET search_path = '';
\\o
`;

/** psql: `row<TAB>table<TAB>count` lines, without temporary tables, which no dump has. */
export const countRows = `SELECT format('SELECT ''row'' || chr(9) || %L || chr(9) || count(*) FROM %I.%I', translate(schemaname || '.' || tablename, E'\\t\\n\\r', '   '), schemaname, tablename)
FROM pg_catalog.pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND schemaname !~ '^pg_temp_' ORDER BY schemaname, tablename \\gexec
`;

// Also in proof.ts: dash runs an EXIT trap after a signal only if the signal has a trap that exits.

// Row counts and rights must match the dump while the app keeps writing: one transaction exports its snapshot and counts in
// it, and pg_dump reads the same snapshot. psql writes the dump to stdout and the counts to stderr.
// $1 backups folder, $2 container, $3 name
const dumpScript = `
set -eu
${sameEngine}umask 077
cd "$1"
trap 'rm -f "$3.dump.new" "$3.rights.new" "$3.counts"' EXIT
trap 'exit 143' TERM HUP INT PIPE
if ! docker exec -i "$2" sh -c '
  export PGOPTIONS="${ownSession}" PGUSER="\${POSTGRES_USER:-postgres}" PGDATABASE="\${POSTGRES_DB:-\${POSTGRES_USER:-postgres}}"
  psql -qAtX -v ON_ERROR_STOP=1
' >"$3.dump.new" 2>"$3.counts" <<'SQL'
${plainSession}BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \\gset
\\setenv SNAPSHOT :snapshot
\\o |cat >&2
${countRows}${listRights}${listCluster}\\o
\\! pg_dump -Fc --snapshot="$SNAPSHOT" || echo DUMP-FAILED >&2
COMMIT;
SQL
then tail -n 5 "$3.counts" >&2; exit 3; fi
if grep -q '^DUMP-FAILED' "$3.counts"; then tail -n 5 "$3.counts" >&2; exit 3; fi
docker exec -i "$2" pg_restore -l <"$3.dump.new" >/dev/null
tab=$(printf '\\t')
grep "^right$tab" "$3.counts" | cut -f 2- | LC_ALL=C sort >"$3.rights.new"
sync "$3.dump.new" "$3.rights.new" 2>/dev/null || sync
mv "$3.rights.new" "$3.rights"
mv "$3.dump.new" "$3.dump"
printf 'bytes %s\\n' "$(wc -c <"$3.dump")"
printf 'sha256 %s\\n' "$(sha256sum <"$3.dump" | cut -d' ' -f1)"
printf 'server %s\\n' "$(docker exec "$2" postgres --version | sed 's/[^0-9]*\\([0-9.]*\\).*/\\1/')"
printf 'rights %s\\n' "$(wc -l <"$3.rights")"
printf 'rights-sha256 %s\\n' "$(sha256sum <"$3.rights" | cut -d' ' -f1)"
grep -E "^(row|cluster)$tab" "$3.counts"
`;

/**
 * Dumps a database and a list of all rights, for the proof. The dump is streamed to a new file, checked to be a readable
 * archive, flushed and renamed.
 *
 * @throws UserError `backup.failed` or `host.disk-full`.
 */
export async function dumpDatabase(
  host: Host,
  folder: string,
  database: Database,
  about: Pick<BackupRecord, 'name' | 'app' | 'target' | 'release' | 'deploy' | 'reason'>,
  effects: BackupEffects,
): Promise<BackupRecord> {
  const begun = effects.now();
  const result = await host.script(dumpScript, {
    args: [folder, database.container, about.name],
    signal: effects.signal,
    timeoutMs: effects.timeoutMs,
    maxOutput: largestOutput,
  });
  if (result.code !== 0) {
    const full = /no space left/i.test(result.stderr);
    throw new UserError({
      code: full ? 'host.disk-full' : 'backup.failed',
      message: `${host.name}: cannot back up the database`,
      hint: full
        ? 'Free disk space on the host, then deploy again.'
        : 'Nothing was changed. Check that the database is up and that its user can read all tables.',
      output: tail(result.stderr, 8),
    });
  }
  const value = (key: string) => new RegExp(`^${key} (.+)$`, 'm').exec(result.stdout)?.[1] ?? '';
  const [sha256, rightsSha256] = [value('sha256'), value('rights-sha256')];
  const cluster = parseCluster(result.stdout);
  if (result.truncated === true || !isSha256(sha256) || !isSha256(rightsSha256) || cluster === undefined) {
    throw new UserError({
      code: 'backup.failed',
      message: `${host.name}: the backup ${about.name} was made, but its record cannot be written: ${result.truncated === true ? 'the list of tables is longer than 64 MiB' : 'a hash or the list of roles is missing'}`,
      hint: 'Check that sha256sum, sort and cut are installed on the host.',
      output: tail(result.stderr, 5),
    });
  }
  return {
    version: 1,
    ...about,
    at: new Date(begun).toISOString(),
    bytes: Number(value('bytes')),
    sha256,
    server: value('server'),
    seconds: (effects.now() - begun) / 1000,
    rows: parseRowCounts(result.stdout),
    rights: { count: Number(value('rights')), sha256: rightsSha256 },
    cluster,
  };
}

/** Reads `row<TAB>schema.table<TAB>count` lines. */
export function parseRowCounts(text: string): Record<string, number> {
  const rows: [string, number][] = [];
  for (const line of text.split('\n')) {
    const [kind, table, count] = line.split('\t');
    if (kind === 'row' && table !== undefined && /^\d+$/.test(count ?? '')) rows.push([table, Number(count)]);
  }
  return Object.fromEntries(rows);
}

/** Reads the `cluster<TAB>…` line. */
function parseCluster(text: string): Cluster | undefined {
  const line = /^cluster\t(.+)$/m.exec(text)?.[1];
  return line === undefined ? undefined : (JSON.parse(line) as Cluster);
}
