import type { Config } from '../config/model.ts';
import type { DeployEffects } from '../deploy/context.ts';
import { type EarlyRun, earlyReport } from '../deploy/early-report.ts';
import { messageOf } from '../kernel/errors.ts';
import { exitCodes } from '../kernel/run.ts';
import type { DeployReport } from '../report/model.ts';
import { notifySlack } from '../report/notify.ts';
import { terminalSummary } from '../report/terminal.ts';
import { writeReports } from '../report/write.ts';
import type { CommandContext } from './context.ts';

/** Two tries of five seconds and a pause: a deploy must not hang on its message. */
const notifyMs = 20_000;
/** A cancelled job has about seven seconds for everything. */
const cancelledNotifyMs = 1_500;

/** Tells of a deploy that has ended: closing lines, report files, notification. @returns the exit code. */
export async function finish(context: CommandContext, config: Config, report: DeployReport): Promise<number> {
  const { effects } = context;
  const written = await tell(context, config, report);
  const ok = report.outcome === 'confirmed' || report.outcome === 'unchanged';
  const colour = effects.log.mode === 'terminal' && !effects.env.NO_COLOR;
  if (context.json) effects.print(JSON.stringify({ ok, report, files: written }));
  else effects.print(terminalSummary(report, { colour, page: written?.html }));
  // Also when the release had been confirmed by then: what was left of the deploy was left out.
  if (effects.signal.aborted) return exitCodes.cancelled;
  return ok ? exitCodes.ok : exitCodes.failed;
}

/**
 * Runs what comes before a deploy has a plan. If that fails, report files and notification tell of it too; the error
 * goes on to where every command's errors are shown.
 */
export async function tellingFailure<T>(
  context: CommandContext,
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

/** Writes the report files and sends the notification; neither can fail a deploy. @returns the files. */
async function tell(context: CommandContext, config: Config, report: DeployReport) {
  const { effects } = context;
  const written = await writeReports(report, {
    dir: config.folder,
    env: effects.env,
    mask: effects.mask,
  }).catch((error: unknown) => {
    effects.log.warn(messageOf(error));
    return undefined;
  });
  const webhook = config.notify.slack === undefined ? undefined : effects.env[config.notify.slack];
  if (webhook !== undefined && webhook !== '') {
    // A cancelled deploy is told of too, so the notification has a signal of its own.
    const signal = AbortSignal.timeout(effects.signal.aborted ? cancelledNotifyMs : notifyMs);
    await notifySlack(report, webhook, { ...effects, fetch, signal });
  }
  return written;
}
