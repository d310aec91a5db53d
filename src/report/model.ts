import type { Mask } from '../kernel/masking/mask.ts';

/**
 * The record of a finished deploy: plain data that survives JSON, the source of the summary, the page, the notification,
 * the terminal's last lines and the history. Offsets count from `startedAt`.
 */
export interface DeployReport {
  readonly version: 1;
  readonly app: string;
  readonly target: string;
  readonly command: 'deploy' | 'rollback';
  /** Id of the deploy: names its journal and its report files. */
  readonly deploy: string;
  /** The release to deploy. */
  readonly release: string;
  /** The release that served before; absent on a first deploy. */
  readonly previousRelease?: string | undefined;
  readonly outcome: Outcome;
  /** The serving releases, read from the edges after the last step; empty if no release is serving. */
  readonly serving: readonly Serving[];
  /** Hosts whose serving release is unknown, because they could not be reached. */
  readonly unreachable: readonly string[];
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly runUrl?: string | undefined;
  readonly actor?: string | undefined;
  readonly commit?: string | undefined;
  /** One lane per host; steps of the runner itself have a separate lane. */
  readonly hosts: readonly HostTimeline[];
  /** Important moments within the steps, for the timeline. */
  readonly events: readonly TimelineEvent[];
  readonly health: readonly HealthRecord[];
  readonly watch: readonly WatchRecord[];
  readonly backup?: BackupProof | undefined;
  readonly migration?: MigrationRecord | undefined;
  /** Images transferred over SSH instead of from a registry, by host; absent without any. */
  readonly carried?: readonly CarriedRecord[] | undefined;
  readonly images: readonly { readonly service: string; readonly reference: string }[];
  /** Names of variables, never their values. */
  readonly env: { readonly added: readonly string[]; readonly removed: readonly string[] };
  readonly warnings: readonly string[];
  readonly error?: ReportedError | undefined;
  /** The reader's next step, if possible a command; empty: none. */
  readonly nextAction: string;
  /** Traffic of all SSH connections. */
  readonly counts: { readonly execs: number; readonly forwards: number };
}

/**
 * How a deploy ended.
 * `confirmed`: the release serves and stays. `reverted`: it served and the guard reverted it. `undone`: Sluice reverted it.
 * `failed-before-change`: it failed before it changed anything. `interrupted`: the run ended partway. `unchanged`: the
 * release served already. `split`: hosts serve different releases.
 */
export type Outcome =
  | 'confirmed'
  | 'reverted'
  | 'undone'
  | 'failed-before-change'
  | 'interrupted'
  | 'unchanged'
  | 'split';

export interface Serving {
  readonly host: string;
  readonly service: string;
  readonly release: string;
  /** Absent for services without colors. */
  readonly colour?: string | undefined;
}

export interface HostTimeline {
  readonly name: string;
  readonly steps: readonly StepRecord[];
}

export type StepOutcome = 'done' | 'failed' | 'undone' | 'skipped' | 'running';

export interface StepRecord {
  readonly name: string;
  /** The host again, so that one record is complete. */
  readonly host?: string | undefined;
  /** Offset in ms. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly outcome: StepOutcome;
  readonly note?: string | undefined;
}

/** `switched`: traffic goes to the new color and the guard is armed, until `confirmed`, `reverted` or `undone`. */
export type EventKind = 'switched' | 'confirmed' | 'reverted' | 'undone';

export interface TimelineEvent {
  readonly kind: EventKind;
  /** Offset in ms. */
  readonly at: number;
  readonly host: string;
  readonly service?: string | undefined;
  readonly note?: string | undefined;
}

export interface HealthRecord {
  readonly host: string;
  readonly service: string;
  /** Component → its own status, such as `database` → `connected`. */
  readonly components: Readonly<Record<string, string>>;
  readonly ok: boolean;
}

export type WatchOutcome = 'kept' | 'reverted' | 'interrupted';

/** The guard's counts of the new color while it was armed. */
export interface WatchRecord {
  readonly host: string;
  readonly service: string;
  /** From the switch to the guard's decision. */
  readonly seconds: number;
  readonly requests: number;
  readonly errors5xx: number;
  /** Answers slower than the limit. */
  readonly slow: number;
  readonly p95Ms?: number | undefined;
  readonly outcome: WatchOutcome;
  /** Why it was reverted, such as `5xx rate 100 % of 33 answers`. */
  readonly reason?: string | undefined;
}

export interface BackupProof {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly seconds: number;
  /** The backup, restored into a temporary Postgres and compared with the original. */
  readonly restoreTest?:
    | {
        readonly ok: boolean;
        readonly tables: number;
        readonly rows: number;
        /** Owners, privileges and settings that were compared. */
        readonly rights?: number | undefined;
        readonly seconds: number;
        readonly detail?: string | undefined;
      }
    | undefined;
}

export interface MigrationRecord {
  /** Revision before and after. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  /** Last lines of its output. */
  readonly output: string;
  readonly seconds: number;
}

export interface CarriedRecord {
  readonly host: string;
  readonly images: number;
  /** Different layers of these images, and how many of them the host lacked. */
  readonly layers: number;
  readonly moved: number;
  /** Bytes sent: layers, configurations and manifests, as transferred. */
  readonly bytes: number;
  /** The host lacked more layers than expected, so everything was sent. */
  readonly full: boolean;
}

export interface ReportedError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Foreign output that proves the message, such as the last log lines of a container. */
  readonly output?: string | undefined;
}

/** The longer time of wall clock and steps, in ms: a clock that was set back must not hide the steps. */
export function durationOf(report: DeployReport): number {
  const wall = Date.parse(report.finishedAt) - Date.parse(report.startedAt);
  const steps = report.hosts.flatMap((host) => host.steps.map((step) => step.startedAt + step.durationMs));
  return [wall, ...steps].reduce((longest, ms) => (Number.isFinite(ms) && ms > longest ? ms : longest), 0);
}

/** Whether the new release had traffic on any host. */
export function wasSwitched(report: DeployReport): boolean {
  return report.watch.length > 0 || report.events.some((event) => event.kind === 'switched');
}

/** Fields with Sluice's own values; a secret equal to one of them must not make the report unreadable. */
const ours = new Set(['command', 'outcome', 'kind', 'startedAt', 'finishedAt']);

/** The report without secrets, the source of all output (files, summary, notification). */
export function scrubReport(report: DeployReport, mask: Pick<Mask, 'scrub'>): DeployReport {
  const scrub = (value: unknown, foreignKeys: boolean): unknown => {
    if (typeof value === 'string') return mask.scrub(value);
    if (Array.isArray(value)) return value.map((item) => scrub(item, false));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([key, item]) => {
      if (foreignKeys) return [mask.scrub(key), scrub(item, false)];
      return [key, ours.has(key) ? item : scrub(item, key === 'components')];
    });
    return Object.fromEntries(entries);
  };
  return scrub(report, false) as DeployReport;
}
