import type { Config } from '../../config/model.ts';
import type { DeployEffects } from '../../deploy/context.ts';
import { type EarlyRun, earlyReport } from '../../deploy/report/early-report.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { DeployReport } from '../../report/model.ts';
import { notifySlack } from '../../report/notify.ts';
import { writeReports } from '../../report/write.ts';
import type { OperationContext } from '../context.ts';

/** Two tries of five seconds and a pause: a deploy must not hang on its notification. */
const notifyMs = 20_000;
/** A cancelled job has about seven seconds for everything. */
const cancelledNotifyMs = 1_500;

/**
 * Runs the part before a deploy has a plan. If it fails, the report files and the notification describe that too, and the
 * error is thrown on.
 */
export async function tellingFailure<T>(
  context: OperationContext,
  run: EarlyRun,
  effects: DeployEffects,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (error) {
    const report = await earlyReport(run, error, effects).catch(() => undefined);
    if (report !== undefined) await tell(context, run.config, report);
    throw error;
  }
}

/** Paths of a deploy's report. */
export interface ReportFiles {
  readonly html: string;
  readonly json: string;
}

/** Writes the report files and sends the notification; neither can fail a deploy. @returns the files. */
export async function tell(
  context: OperationContext,
  config: Config,
  report: DeployReport,
): Promise<ReportFiles | undefined> {
  const { effects } = context;
  const written = await writeReports(report, {
    dir: config.folder,
    env: effects.env,
    mask: effects.mask,
  }).catch((error: unknown) => {
    effects.log.warn(messageOf(error));
    return undefined;
  });
  const named = config.notify.slack === undefined ? undefined : effects.env[config.notify.slack];
  const webhook = context.webhook ?? named;
  if (webhook !== undefined && webhook !== '') {
    // With its own signal: a cancelled deploy is notified too.
    const signal = AbortSignal.timeout(effects.signal.aborted ? cancelledNotifyMs : notifyMs);
    await notifySlack(report, webhook, { ...effects, fetch, signal });
  }
  return written;
}
