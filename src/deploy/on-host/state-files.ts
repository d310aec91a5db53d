import { UserError } from '../../kernel/errors.ts';
import { type JournalRecord, parseJournal } from '../lease/journal.ts';
import type { Colour, ReleaseRecord } from '../model.ts';
import { type HostPort, listenerOf } from '../preflight/host-network.ts';

// One round trip for all files. Contents are base64, so that nothing in them can look like our own lines.
export const readState = `
printf 'id %s %s\\n' "$(id -u)" "$(id -g)"
awk '$4=="0A" { print "listen", $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
cd "$1" 2>/dev/null || exit 0
whole() { base64 <"$1" | tr -d '\\n'; echo; }
[ -L current ] && printf 'current %s\\n' "$(basename "$(readlink current)")"
for f in target repository; do [ -f "$f" ] && printf '%s %s\\n' "$f" "$(cat "$f")"; done
for f in releases/*/release.json; do
  [ -f "$f" ] && { n=\${f#releases/}; printf 'release %s %s\\n' "$(whole "$f")" "\${n%/release.json}"; }
done
for f in edge/*/active.map; do
  [ -f "$f" ] && { s=\${f#edge/}; printf 'map %s %s\\n' "\${s%/active.map}" "$(awk '$1=="active"{print $2}' "$f")"; }
done
set -- journal/*.jsonl
[ -f "$1" ] || exit 0
printf 'journals %s\\n' "$#"
for f in $(grep -L '"event":"end"' "$@"); do printf 'journal '; whole "$f"; done
awk 'FNR==1 {
    match($0, /"release":"[^"]*"/); name=substr($0, RSTART+11, RLENGTH-12); before=""
    if (match($0, /"previous":[{]"release":"[^"]*"/)) before=substr($0, RSTART+23, RLENGTH-24)
  }
  /"event":"end"/ && /"outcome":"confirmed"/ { print "confirmed", name, before }' "$@"
exit 0
`;

/** The part of an app's state that comes from its files. */
export interface FilesState {
  readonly uid: number;
  readonly gid: number;
  /** Release of the last confirmation. */
  readonly current: string | undefined;
  /** Target and repository of the first deploy. */
  readonly target: string | undefined;
  readonly repository?: string | undefined;
  readonly releases: readonly ReleaseRecord[];
  /** Color on disk that an edge starts with, by service. */
  readonly maps: Readonly<Record<string, Colour>>;
  /** Confirmed releases, oldest confirmation first. A release can occur twice. */
  readonly confirmed: readonly string[];
  /** The previous release of each confirmed one. Journals sort by the clocks of their runners, and this does not. */
  readonly tookOver?: ReadonlyMap<string, string>;
  /** Number of all journals. */
  readonly journals: number;
  /** Deploys that neither ended nor were undone, oldest first. */
  readonly unfinished: readonly JournalRecord[];
  /** Listening ports of the host, of containers and other programs. */
  readonly listeners?: readonly HostPort[];
}

/**
 * Reads the lines of {@link readState}.
 *
 * @throws UserError `state.unreadable` with the folder of the unreadable release.
 */
export function parseState(hostName: string, text: string): FilesState {
  const releases: ReleaseRecord[] = [];
  const unfinished: JournalRecord[] = [];
  const maps: Record<string, Colour> = {};
  const confirmed: string[] = [];
  const tookOver = new Map<string, string>();
  const listeners: HostPort[] = [];
  let [uid, gid, journals] = [0, 0, 0];
  let current: string | undefined;
  let target: string | undefined;
  let repository: string | undefined;
  for (const line of text.split('\n')) {
    const [kind, first = '', ...rest] = line.split(' ');
    const second = rest.join(' ');
    if (kind === 'id') [uid, gid] = [Number(first), Number(second)];
    if (kind === 'listen') listeners.push(listenerOf(first));
    if (kind === 'current') current = line.slice('current '.length);
    if (kind === 'target') target = line.slice('target '.length);
    if (kind === 'repository') repository = line.slice('repository '.length);
    if (kind === 'release') {
      const record = parseRelease(hostName, decode(first), second);
      // Ignores a copy of a release's folder: the record names the original.
      if (second === '' || second === record.release) releases.push(record);
    }
    if (kind === 'map' && (second === 'blue' || second === 'green')) maps[first] = second;
    if (kind === 'journals') journals = Number(first);
    if (kind === 'confirmed') confirmed.push(first);
    // A release that is deployed again replaces itself.
    if (kind === 'confirmed' && second !== '' && second !== first) tookOver.set(first, second);
    if (kind === 'journal') {
      const record = parseJournal(decode(first));
      if (record !== undefined) unfinished.push(record);
    }
  }
  releases.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  unfinished.sort((a, b) => (a.header.at < b.header.at ? -1 : 1));
  return {
    uid,
    gid,
    current,
    target,
    repository,
    releases,
    maps,
    confirmed,
    tookOver,
    journals,
    unfinished,
    listeners,
  };
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

function parseRelease(hostName: string, text: string, folder: string): ReleaseRecord {
  try {
    const record = JSON.parse(text) as ReleaseRecord;
    if (record.version === 1) return record;
  } catch {
    // Falls through: one message for broken files and for other versions.
  }
  throw new UserError({
    code: 'state.unreadable',
    message: `${hostName}: releases/${folder}/release.json in the app's folder is broken or was written by a newer Sluice`,
    hint: 'Use the Sluice version that made it, or remove that release folder if it is not the current one.',
  });
}
