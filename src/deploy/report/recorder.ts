import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Log, StepLog } from '../../kernel/log.ts';
import type {
  CarriedRecord,
  HealthRecord,
  MigrationRecord,
  StepRecord,
  TimelineEvent,
  WatchRecord,
} from '../../report/model.ts';
import type { BackupRecord } from '../database/record.ts';
import type { EdgeStatus } from '../traffic/guard.ts';

/** Results of the steps, for the report. */
export interface Facts {
  backup?: BackupRecord;
  migration?: MigrationRecord;
  readonly carried: CarriedRecord[];
  readonly health: HealthRecord[];
  readonly watch: Map<string, WatchRecord>;
  readonly events: TimelineEvent[];
}

/** Times and prints the steps, and collects their results for the report. */
export interface Recorder {
  readonly startedAt: number;
  readonly steps: readonly StepRecord[];
  readonly warnings: readonly string[];
  readonly facts: Facts;
  /** Runs a step. Its result is the summary of its line. */
  step<T>(
    name: string,
    body: (line: StepLog) => Promise<T>,
    summary?: (result: T) => string | undefined,
  ): Promise<T>;
  /** Marks a step as undone. */
  undone(name: string): void;
  warn(message: string): void;
  health(record: HealthRecord): void;
  watch(host: string, service: string, status: EdgeStatus): void;
  event(kind: TimelineEvent['kind'], host: string, service?: string): void;
}

export function createRecorder(log: Log, clock: Clock): Recorder {
  const origin = clock.elapsed();
  const startedAt = clock.now();
  const steps: StepRecord[] = [];
  const warnings: string[] = [];
  const facts: Facts = { carried: [], health: [], watch: new Map(), events: [] };

  return {
    startedAt,
    steps,
    warnings,
    facts,
    async step(name, body, summary = (result) => (typeof result === 'string' ? result : undefined)) {
      const begun = clock.elapsed();
      const line = log.step(name);
      const record = (outcome: StepRecord['outcome'], note: string | undefined) => {
        const durationMs = clock.elapsed() - begun;
        steps.push({ name, startedAt: begun - origin, durationMs, outcome, note });
      };
      try {
        const result = await body(line);
        line.done(summary(result));
        record('done', summary(result));
        return result;
      } catch (error) {
        // The caller prints the error right after this line.
        line.failed('');
        record('failed', messageOf(error));
        throw error;
      }
    },
    undone(name) {
      for (const [index, step] of steps.entries()) {
        if (step.name === name && step.outcome === 'done') steps[index] = { ...step, outcome: 'undone' };
      }
    },
    warn(message) {
      warnings.push(message);
      log.warn(message);
    },
    health: (record) => void facts.health.push(record),
    watch: (host, service, status) => {
      if (status.watch === null) return;
      const { requests, errors5xx, slow, p95Ms, seconds } = status.watch;
      const reverted = status.last?.outcome === 'reverted' && status.armed === null;
      facts.watch.set(`${host} ${service}`, {
        ...{ host, service, seconds, requests, errors5xx, slow },
        p95Ms: p95Ms ?? undefined,
        outcome: reverted ? 'reverted' : 'kept',
        reason: reverted ? (status.last?.detail ?? status.last?.reason) : undefined,
      });
    },
    event: (kind, host, service) =>
      void facts.events.push({ kind, at: clock.elapsed() - origin, host, service }),
  };
}
