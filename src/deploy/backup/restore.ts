import { sameEngine } from '../../host/docker-cli.ts';
import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process.ts';
import type { BackupRecord } from './model.ts';
import type { Database } from './postgres.ts';

// Runs inside the database's container, the dump on its stdin. The backup is restored beside the live database; only
// when it is complete do the two change names, in the milliseconds that two renames take. The live one is kept under
// another name, so that even a wrong restore can be taken back. Both renames or none, and whatever happens the live
// database accepts connections again. $1 suffix
const inner = `
set -eu
export PGUSER="\${POSTGRES_USER:-postgres}"
live="\${POSTGRES_DB:-$PGUSER}"; new="\${live}_restore_$1"; old="\${live}_before_$1"
sql() { psql -qAtX -v ON_ERROR_STOP=1 -v live="$live" -v new="$new" -v old="$old" -d postgres; }
drop() { echo 'DROP DATABASE IF EXISTS :"new";' | sql >/dev/null 2>&1 || :; }
reopen() { echo 'ALTER DATABASE :"live" WITH ALLOW_CONNECTIONS true;' | sql >/dev/null 2>&1 || :; }
trap drop EXIT
trap 'exit 143' TERM HUP INT
drop
echo 'CREATE DATABASE :"new" TEMPLATE template0;' | sql
pg_restore -d "$new" --no-owner --exit-on-error
trap 'reopen; drop' EXIT
sql >/dev/null <<'SQL'
ALTER DATABASE :"live" WITH ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'live';
BEGIN;
ALTER DATABASE :"live" RENAME TO :"old";
ALTER DATABASE :"new" RENAME TO :"live";
COMMIT;
ALTER DATABASE :"old" WITH ALLOW_CONNECTIONS true;
SQL
echo "kept $old"
`;

// $1 dump, $2 container, $3 suffix, $4 the program above
const script = `${sameEngine}docker exec -i "$2" sh -c "$4" sluice-restore "$3" <"$1"`;

/**
 * Puts a backup in the place of the live database, whole or not at all.
 *
 * @returns name of the database that holds what was live before.
 * @throws UserError `restore.failed`; the live database is as it was then.
 */
export async function restoreDatabase(
  host: Host,
  folder: string,
  backup: BackupRecord,
  database: Database,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number; readonly suffix: string },
): Promise<string> {
  const result = await host.script(script, {
    args: [`${folder}/${backup.name}.dump`, database.container, options.suffix, inner],
    signal: options.signal,
    timeoutMs: options.timeoutMs,
  });
  const kept = /^kept (.+)$/m.exec(result.stdout)?.[1];
  if (result.code === 0 && kept !== undefined) return kept;
  throw new UserError({
    code: 'restore.failed',
    message: `${host.name}: ${backup.name} was not restored`,
    hint: 'The live database is as it was before.',
    output: tail(result.stderr, 8),
  });
}
