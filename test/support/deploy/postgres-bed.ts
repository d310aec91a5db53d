import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Layout, layoutOf } from '../../../src/deploy/model.ts';
import type { Host } from '../../../src/host/model.ts';
import { command, must } from '../../bed/command.ts';
import { freePort, startSshd } from '../host/sshd.ts';

/** A host of its own, whose docker command runs Postgres clusters of this machine's package. */
export interface PostgresBed extends AsyncDisposable {
  readonly host: Host;
  readonly layout: Layout;
  /** The service's container, as Sluice finds it. */
  readonly database: { readonly container: string; readonly imageId: string };
  /** Runs SQL in the container's cluster. @returns tuples alone, one a line. */
  sql(text: string, as?: { readonly user?: string; readonly db?: string }): Promise<string>;
  /** Like {@link sql}, with what went wrong. */
  attempt(text: string, as?: { readonly user?: string; readonly db?: string }): Promise<string>;
  /** Containers that exist now. */
  containers(): readonly string[];
}

/** Folders with initdb, postgres, psql, pg_dump and pg_restore, oldest version first. */
export function postgresBinaries(): readonly string[] {
  const given = process.env.SLUICE_TEST_POSTGRES;
  if (given !== undefined) return given.split(':');
  const root = '/usr/lib/postgresql';
  const found = existsSync(root)
    ? readdirSync(root)
        .map((version) => join(root, version, 'bin'))
        .filter((bin) => existsSync(join(bin, 'initdb')))
    : [];
  if (found.length === 0) throw new Error('PostgreSQL is missing: apt-get install postgresql');
  return found.sort();
}

// The part of `docker` that backups use. A container is a cluster; exec runs a program beside it with the variables
// that the container has. As in the official image: POSTGRES_USER is the superuser, POSTGRES_DB is created.
const docker = (bed: string, bin: string, firstPort: number) => `#!/bin/sh
set -eu
bed=${bed}; bin=${bin}
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups env -i PATH="$bin:/usr/bin:/bin" "$@"; }
verb=$1; shift
case $verb in
exec)
  set_option=
  while :; do
    case $1 in -i) shift ;; -e) set_option=$2; shift 2 ;; *) break ;; esac
  done
  name=$1; shift
  [ -d "$bed/$name" ] || { echo "Error: No such container: $name" >&2; exit 1; }
  . "$bed/$name/env"
  cd /; as_postgres POSTGRES_USER="$POSTGRES_USER" POSTGRES_DB="$POSTGRES_DB" PGHOST="$PGHOST" PGPORT="$PGPORT" \${set_option:+"$set_option"} "$@" ;;
run)
  POSTGRES_USER=postgres; POSTGRES_DB=
  while [ $# -gt 0 ]; do
    case $1 in
    -d | --rm) shift ;;
    --name) name=$2; shift 2 ;;
    --network | --shm-size) shift 2 ;;
    -e) case $2 in POSTGRES_USER=*) POSTGRES_USER=\${2#*=} ;; POSTGRES_DB=*) POSTGRES_DB=\${2#*=} ;; esac; shift 2 ;;
    *) break ;;
    esac
  done
  shift
  POSTGRES_DB=\${POSTGRES_DB:-$POSTGRES_USER}
  mkdir "$bed/$name"; chown postgres "$bed/$name"
  next_port() { port=\${port-${firstPort}}; while ! mkdir "$bed/port-$port" 2>/dev/null; do port=$((port + 1)); done; }
  quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\\\\\''/g")"; }
  cd /
  # A copy of a cluster that was never started is a new cluster, and much cheaper.
  template=$bed/template-$(printf %s "$POSTGRES_USER" | cksum | cut -d' ' -f1)
  if [ ! -d "$template" ]; then
    mkdir "$template"; chown postgres "$template"
    as_postgres LC_ALL=C.UTF-8 initdb --no-sync --no-instructions -A trust -U "$POSTGRES_USER" -D "$template" >/dev/null
  fi
  cp -a "$template" "$bed/$name/data"
  # Somebody else may have the port.
  tries=0
  until next_port; as_postgres pg_ctl -s -w -D "$bed/$name/data" -l "$bed/$name/data/log" -o "-p $port -c listen_addresses=127.0.0.1 -k $bed/$name -c fsync=off -c wal_level=logical -c max_wal_size=80MB -c shared_buffers=16MB -c logging_collector=off" start; do
    tries=$((tries + 1)); [ "$tries" -lt 5 ] || { cat "$bed/$name/data/log" >&2; exit 1; }
  done
  printf 'POSTGRES_USER=%s\\nPOSTGRES_DB=%s\\nPGHOST=%s\\nPGPORT=%s\\n' "$(quoted "$POSTGRES_USER")" "$(quoted "$POSTGRES_DB")" "$bed/$name" "$port" >"$bed/$name/env"
  if [ "$POSTGRES_DB" != postgres ]; then
    as_postgres PGHOST="$bed/$name" PGPORT="$port" PGUSER="$POSTGRES_USER" psql -qX -v ON_ERROR_STOP=1 -v db="$POSTGRES_DB" -d postgres -f - <<'SQL'
CREATE DATABASE :"db";
SQL
  fi ;;
rm)
  name=$2
  if [ -d "$bed/$name/data" ]; then cd /; as_postgres pg_ctl -s -D "$bed/$name/data" -m immediate stop || :; fi
  rm -rf "$bed/$name" ;;
logs) cat "$bed/$3/data/log" ;;
*) echo "docker $verb is not known here" >&2; exit 64 ;;
esac
`;

/** Starts a cluster as a service's container, and an sshd in whose PATH its docker command comes first. */
export async function startPostgresBed(
  bin: string,
  about: { readonly user: string; readonly db: string },
): Promise<PostgresBed> {
  const port = await freePort();
  const sshd = await startSshd({
    config: ['PermitUserEnvironment yes'],
    authorized: (key) => `environment="PATH=BED/tools:/usr/bin:/bin:/usr/sbin:/sbin" ${key}`,
  });
  // The folder is known only now; sshd reads the file at each login.
  const bed = join(sshd.folder, 'pg');
  mkdirSync(join(bed, 'tools'), { recursive: true });
  for (const folder of [sshd.folder, bed]) chmodSync(folder, 0o755);
  const keys = join(sshd.folder, 'authorized_keys');
  await must(['sed', '-i', `s|BED|${bed}|`, keys]);
  const tool = join(bed, 'tools', 'docker');
  writeFileSync(tool, docker(bed, bin, port), { mode: 0o755 });
  const container = 'db-1';
  await must([
    tool,
    'run',
    '-d',
    '--name',
    container,
    '-e',
    `POSTGRES_USER=${about.user}`,
    '-e',
    `POSTGRES_DB=${about.db}`,
    'image',
  ]);
  const host = await sshd.connect();
  const layout = layoutOf(join(sshd.folder, 'apps'), 'shop');
  mkdirSync(layout.backups, { recursive: true });
  const psql = (text: string, as: { readonly user?: string; readonly db?: string } = {}) =>
    command(
      [
        tool,
        'exec',
        '-i',
        container,
        'psql',
        '-qAtX',
        '-v',
        'ON_ERROR_STOP=1',
        '-U',
        as.user ?? about.user,
        '-d',
        as.db ?? about.db,
      ],
      { stdin: text },
    );
  const containers = () => readdirSync(bed).filter((name) => existsSync(join(bed, name, 'env')));
  // A test process that is ended in the middle must not leave servers behind.
  const stop = () => {
    for (const name of containers()) spawnSync(tool, ['rm', '-fv', name], { timeout: 20_000 });
  };
  process.once('exit', stop);
  return {
    host,
    layout,
    database: { container, imageId: 'image' },
    sql: async (text, as) => {
      const result = await psql(text, as);
      if (result.code !== 0) throw new Error(result.stderr);
      return result.stdout.trim();
    },
    attempt: async (text, as) => {
      const result = await psql(text, as);
      return `${result.stdout}${result.stderr}`.trim();
    },
    containers,
    [Symbol.asyncDispose]: async () => {
      await host.close();
      process.off('exit', stop);
      stop();
      await sshd[Symbol.asyncDispose]();
    },
  };
}
