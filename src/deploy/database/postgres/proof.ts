import { sameEngine } from '../../../host/engine/docker-cli.ts';
import type { Host } from '../../../host/model.ts';
import { tail } from '../../../kernel/process/process.ts';
import { type BackupEffects, largestOutput } from '../engine.ts';
import { type BackupRecord, compareRows, type RestoreTest, totalRows } from '../record.ts';
import { countRows, parseRowCounts, plainSession } from './dump.ts';
import { ownSession, publicOwnerOf, restoreDump, restoreProgram } from './restore.ts';
import { createRoles, listRights } from './rights.ts';

// A temporary server from the same image, without a network. Its data is an anonymous volume that --rm removes.
// $image, $container, $superuser, $database
const startCopy = `
cleanup() { docker rm -fv "$container" >/dev/null 2>&1 || :; [ -z "\${list-}" ] || rm -f "$list.restored" "$list.restored.new"; }
trap cleanup EXIT
trap 'exit 143' TERM HUP INT PIPE
docker run -d --rm --name "$container" --network none -e POSTGRES_PASSWORD=restore-test -e POSTGRES_USER="$superuser" -e POSTGRES_DB="$database" "$image" -c fsync=off -c full_page_writes=off >/dev/null
tries=0
until docker exec "$container" pg_isready -q -h 127.0.0.1 -U "$superuser" -d template1 2>/dev/null; do
  tries=$((tries + 1)); [ "$tries" -lt 300 ] || { echo 'the temporary Postgres does not start' >&2; docker logs --tail 5 "$container" >&2; exit 3; }
  sleep 0.2
done
`;

// Restores the dump as `sluice restore` does, into a cluster with the same superuser and roles. Prints differences with
// owners and privileges; values of settings are hashed.
// $1 dump, $2 image, $3 name of the container, $4 superuser, $5 database, $6 owner of the schema public, $7 the
// program that restores, $8 SQL of roles in base64, $9 list of rights
const proofScript = `
set -eu
umask 077
image=$2 container=$3 superuser=$4 database=$5 list=$9
${sameEngine}${restoreDump}${startCopy}
printf %s "$8" | base64 -d | docker exec -i "$container" psql -qX1 -v ON_ERROR_STOP=1 -U "$superuser" -d template1 -f -
( restore_dump "$1" "$container" proof "$6" "$7" no-tablespaces >/dev/null )
docker exec -i -e PGOPTIONS="${ownSession}" "$container" psql -qAtX -v ON_ERROR_STOP=1 -U "$superuser" -d "$database" <<'SQL' >"$list.restored.new"
${plainSession}${countRows}${listRights}
SQL
tab=$(printf '\\t')
grep "^row$tab" "$list.restored.new" || :
grep "^right$tab" "$list.restored.new" | cut -f 2- | LC_ALL=C sort >"$list.restored"
printf 'rights %s\\n' "$(wc -l <"$list.restored")"
LC_ALL=C comm -23 "$list" "$list.restored" | head -n 50 | sed "s/^/dumped$tab/"
LC_ALL=C comm -13 "$list" "$list.restored" | head -n 50 | sed "s/^/restored$tab/"
`;

// For backups without recorded roles and rights: only the data can be compared.
// $1 dump, $2 image, $3 name of the container
const rowsScript = `
set -eu
image=$2 container=$3 superuser=postgres database=postgres
${sameEngine}${startCopy}
docker exec -i "$container" pg_restore -U postgres -d postgres --no-owner --no-privileges --exit-on-error <"$1"
docker exec -i -e PGOPTIONS="${ownSession}" "$container" psql -qAtX -v ON_ERROR_STOP=1 -U postgres -d postgres <<'SQL'
${plainSession}${countRows}
SQL
`;

/**
 * Restores a dump into a temporary Postgres, and compares tables, row counts and all rights with those of the dump.
 *
 * @returns the proof. If the backup is unreliable, `ok` is false and there is a detail.
 */
export async function testRestore(
  host: Host,
  folder: string,
  backup: BackupRecord,
  image: string,
  effects: BackupEffects,
): Promise<RestoreTest> {
  const begun = effects.now();
  const file = `${folder}/${backup.name}`;
  const { cluster } = backup;
  const common = [`${file}.dump`, image, `sluice-restore-test-${backup.name}`];
  const more =
    cluster === undefined
      ? []
      : [
          ...[cluster.superuser, cluster.database, publicOwnerOf(backup), restoreProgram],
          ...[Buffer.from(createRoles(cluster.roles)).toString('base64'), `${file}.rights`],
        ];
  const result = await host.script(cluster === undefined ? rowsScript : proofScript, {
    args: [...common, ...more],
    signal: effects.signal,
    timeoutMs: effects.timeoutMs,
    maxOutput: largestOutput,
  });
  const restored = parseRowCounts(result.stdout);
  const detail =
    result.code === 0
      ? (compareRows(backup.rows, restored) ?? compareRights(result.stdout))
      : tail(result.stderr, 5);
  const rights = Number(/^rights (\d+)$/m.exec(result.stdout)?.[1] ?? 0);
  return {
    ok: detail === undefined,
    at: new Date(effects.now()).toISOString(),
    tables: Object.keys(restored).length,
    rows: totalRows(restored),
    ...(cluster === undefined ? {} : { rights }),
    seconds: (effects.now() - begun) / 1000,
    ...(detail === undefined ? {} : { detail }),
  };
}

/** Describes differences in rights, from `dumped<TAB>what<TAB>how` and `restored<TAB>…` lines; undefined: equal. */
export function compareRights(text: string): string | undefined {
  const sides = { dumped: new Map<string, string>(), restored: new Map<string, string>() };
  for (const line of text.split('\n')) {
    const [kind, what, how] = line.split('\t');
    if ((kind === 'dumped' || kind === 'restored') && what !== undefined) sides[kind].set(what, how ?? '');
  }
  const say = (how: string | undefined) => (how === undefined ? 'absent' : how === '' ? 'present' : how);
  const differences = [...new Set([...sides.dumped.keys(), ...sides.restored.keys()])].map(
    (what) => `${what}: dumped: ${say(sides.dumped.get(what))}, restored: ${say(sides.restored.get(what))}`,
  );
  return differences.length === 0 ? undefined : differences.join('; ');
}
