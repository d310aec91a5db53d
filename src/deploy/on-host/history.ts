import type { Host } from '../../host/model.ts';
import { type JournalRecord, parseJournal } from '../lease/journal.ts';
import { layoutOf } from '../model.ts';

export interface HistoryEntry {
  readonly deploy: string;
  readonly command: 'deploy' | 'rollback';
  readonly release: string;
  readonly previous: string | undefined;
  readonly at: string;
  /** Undefined for a run that did not end. */
  readonly outcome: string | undefined;
  readonly seconds: number | undefined;
  readonly actor: string | undefined;
  readonly note: string;
}

/** The last deploys of an app on a host, newest first, from its journals. */
export async function history(host: Host, app: string, count: number): Promise<HistoryEntry[]> {
  const layout = layoutOf(host.config.root, app);
  const script = `cd "$1" 2>/dev/null || exit 0
for f in $(ls | sort -r | head -n "$2"); do base64 <"$f" | tr -d '\\n'; echo; done`;
  const result = await host.script(script, { args: [layout.journal, String(count)], timeoutMs: 30_000 });
  return result.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => parseJournal(Buffer.from(line, 'base64').toString('utf8')))
    .filter((record) => record !== undefined)
    .map(entryOf);
}

function entryOf(record: JournalRecord): HistoryEntry {
  const { header, end } = record;
  return {
    deploy: header.deploy,
    command: header.command,
    release: header.release,
    previous: header.previous?.release,
    at: header.at,
    outcome: end?.outcome,
    seconds: end === undefined ? undefined : (Date.parse(end.at) - Date.parse(header.at)) / 1000,
    actor: header.actor,
    note: end?.note ?? 'did not end',
  };
}
