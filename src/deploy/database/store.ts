import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import type { Layout } from '../model.ts';
import { writeFiles } from '../on-host/write-files.ts';
import { largestOutput } from './engine.ts';
import { type BackupReason, type BackupRecord, isSha256 } from './record.ts';

/** `20261121T021500Z-before-v1.2.4`: sorts by time and shows the reason. */
export function backupName(now: number, reason: string): string {
  const stamp = new Date(now).toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '');
  return `${stamp}-${reason.replace(/[^A-Za-z0-9._-]+/g, '-')}`;
}

export async function saveRecord(host: Host, folder: string, record: BackupRecord): Promise<void> {
  const content = Buffer.from(`${JSON.stringify(record, undefined, 1)}\n`);
  await writeFiles(host, folder, [{ path: `${record.name}.json`, mode: 0o600, content }]);
}

/** The backups on a host. */
export interface BackupList {
  /** Oldest first. A dump without a record (its run was killed) is not listed. */
  readonly records: readonly BackupRecord[];
  /** Records that this version cannot read. They are never removed. */
  readonly unreadable: readonly string[];
}

/** @throws UserError `state.unreadable` */
export async function listBackups(host: Host, folder: string): Promise<BackupList> {
  const script = `cd "$1" 2>/dev/null || exit 0
for f in *.json; do [ -f "$f" ] && [ -f "\${f%.json}.dump" ] && { printf '%s ' "$f"; base64 <"$f" | tr -d '\\n'; echo; }; done; exit 0`;
  const result = await host.script(script, {
    args: [folder],
    timeoutMs: 30_000,
    maxOutput: largestOutput,
  });
  if (result.code !== 0 || result.truncated === true) throw unreadable(host, folder, result.stderr);
  const lines = result.stdout.split('\n').filter(Boolean);
  const parsed = lines.map((line) => {
    const space = line.lastIndexOf(' ');
    return { file: line.slice(0, space), record: parse(line.slice(0, space), line.slice(space + 1)) };
  });
  return {
    records: parsed
      .flatMap(({ record }) => (record === undefined ? [] : [record]))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    unreadable: parsed.filter(({ record }) => record === undefined).map(({ file }) => file),
  };
}

function unreadable(host: Host, folder: string, output: string): UserError {
  return new UserError({
    code: 'state.unreadable',
    message: `${host.name}: cannot read ${folder}`,
    output: tail(output, 5),
  });
}

/** The name in a record selects files to restore and remove, so it must match the record's own file. */
function parse(file: string, base64: string): BackupRecord | undefined {
  try {
    const record = JSON.parse(Buffer.from(base64, 'base64').toString('utf8')) as BackupRecord;
    const known = record.version === 1 && `${record.name}.json` === file && /^[\w.-]+$/.test(record.name);
    return known ? record : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Removes backups beyond what is kept, see {@link chooseExpired}.
 *
 * @param made the new backup; it stays even if its clock is wrong.
 * @param warn reports files that were not removed.
 */
export async function pruneBackups(
  host: Host,
  layout: Layout,
  keep: number,
  made: string,
  warn: (message: string) => void,
): Promise<string[]> {
  const { records } = await listBackups(host, layout.backups);
  const open = new Set(await openDeploys(host, layout));
  const spare = records.filter((record) => record.deploy !== undefined && open.has(record.deploy));
  const old = chooseExpired(records, keep, new Set([made, ...spare.map((record) => record.name)]));
  if (old.length === 0) return [];
  const files = old.flatMap((name) =>
    ['dump', 'rights', 'json'].map((kind) => `${layout.backups}/${name}.${kind}`),
  );
  const result = await host.exec(['rm', '-f', '--', ...files]);
  if (result.code !== 0) warn(`${host.name}: cannot remove old backups: ${tail(result.stderr, 2)}`);
  return old;
}

// Deploy, outcome (empty: none yet) and command of each journal, oldest first: their names begin with the time.
const readOutcomes = `cd "$1" 2>/dev/null || exit 0
set -- *.jsonl
[ -f "$1" ] || exit 0
awk 'function field(key) { return match($0, "\\"" key "\\":\\"[^\\"]*\\"") ? substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 5) : "" }
  function say() { if (deploy != "") printf "%s,%s,%s\\n", deploy, command, outcome }
  FNR == 1 { say(); deploy = FILENAME; sub(/\\.jsonl$/, "", deploy); command = field("command"); outcome = "" }
  /"event":"end"/ { outcome = field("outcome") }
  END { say() }' "$@"`;

/** Deploys after the last confirmed one: running, reverted, undone or failed. A person may need to restore their backups. */
async function openDeploys(host: Host, layout: Layout): Promise<string[]> {
  const result = await host.script(readOutcomes, { args: [layout.journal], timeoutMs: 30_000 });
  if (result.code !== 0 || result.truncated === true) throw unreadable(host, layout.journal, result.stderr);
  return openAfterConfirmed(
    result.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [deploy = '', command = '', outcome = ''] = line.split(',');
        return { deploy, command, outcome };
      }),
  );
}

/** @param deploys oldest first. Rollbacks do not count: they leave the database as the failed deploy left it. */
export function openAfterConfirmed(
  deploys: readonly { readonly deploy: string; readonly command: string; readonly outcome: string }[],
): string[] {
  const last = deploys.findLastIndex(
    ({ command, outcome }) => command === 'deploy' && outcome === 'confirmed',
  );
  const unfinished = deploys.slice(0, last + 1).filter(({ outcome }) => outcome === '');
  return [...unfinished, ...deploys.slice(last + 1)].map(({ deploy }) => deploy);
}

/**
 * @throws UserError `backup.unknown` with the available backups.
 */
export function findBackup(records: readonly BackupRecord[], name: string): BackupRecord {
  const found = records.find((record) => record.name === name);
  if (found !== undefined) return found;
  throw new UserError({
    code: 'backup.unknown',
    message: records.length === 0 ? 'There is no backup on the host' : `Unknown backup "${name}"`,
    hint:
      records.length === 0
        ? 'Run `sluice backup make` to make one.'
        : `Available: ${records
            .map((record) => record.name)
            .reverse()
            .join(', ')}.`,
  });
}

/** Result of a backup's restore test. */
export type Worth = 'proven' | 'untested' | 'failed';

/** A proof counts only with the file's hash. */
export function worthOf(record: BackupRecord): Worth {
  const { restoreTest } = record;
  if (restoreTest === undefined) return 'untested';
  return restoreTest.ok && isSha256(record.sha256) ? 'proven' : 'failed';
}

/** Records of earlier versions have no reason: those without a deploy were mostly nightly. */
export function reasonOf(record: BackupRecord): BackupReason {
  return record.reason ?? (record.deploy === undefined ? 'schedule' : 'deploy');
}

/**
 * Names of the backups to remove. For each reason (deploy, schedule, person) it keeps:
 *
 * - the newest `keep` proven ones,
 * - the newest `keep` untested ones,
 * - the newest `keep` failed ones, if newer than every proven one: until a newer backup is proven, they may be the only
 *   copy of recent data.
 *
 * So a failed backup never displaces one that restores, and the last proven one always stays.
 *
 * @param records in any order; the recorded time counts.
 * @param spare names that always stay: the new backup, and those of deploys that a person may need to restore.
 */
export function chooseExpired(
  records: readonly BackupRecord[],
  keep: number,
  spare: ReadonlySet<string>,
): string[] {
  const newestFirst = [...records].sort((a, b) => timeOf(b) - timeOf(a) || (a.name < b.name ? 1 : -1));
  const stay = new Set<string>();
  const counts = new Map<string, number>();
  let provenSeen = false;
  for (const record of newestFirst) {
    const worth = worthOf(record);
    if (worth === 'failed' && provenSeen) continue;
    provenSeen ||= worth === 'proven';
    const group = `${reasonOf(record)} ${worth}`;
    const count = (counts.get(group) ?? 0) + 1;
    counts.set(group, count);
    if (count <= Math.max(1, keep)) stay.add(record.name);
  }
  return newestFirst
    .map((record) => record.name)
    .filter((name) => !stay.has(name) && !spare.has(name))
    .reverse();
}

function timeOf(record: BackupRecord): number {
  const time = Date.parse(record.at);
  return Number.isNaN(time) ? 0 : time;
}
