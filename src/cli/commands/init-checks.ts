import type { ChecksReport } from '../../checks/model.ts';
import type { FirstRun } from '../../init/next-steps/first-run.ts';
import { messageOf, UserError, UserErrors } from '../../kernel/errors.ts';
import { quietLog } from '../../kernel/log.ts';
import { checkRepository, planRepository } from '../../operations/checks/check.ts';
import type { CommandContext } from '../context.ts';

/**
 * Runs the checks as the first CI run will: Sluice's own rules, which need no tool and take less than a second; with
 * `all` every check, which may install tools and take minutes.
 *
 * @param config path of the sluice.yml that was written.
 * @returns undefined if they cannot run; the log has the reason.
 */
export async function firstRunOf(
  context: CommandContext,
  config: string,
  all: boolean,
): Promise<FirstRun | undefined> {
  const { effects } = context;
  const request = { categories: [], only: [], since: undefined };
  try {
    const plan = await planRepository({ effects, config }, request);
    const here = plan.checks.filter(
      ({ needs, category }) => all || (needs.length === 0 && category === 'lint'),
    );
    const ids = here.map(({ id }) => id);
    if (ids.length === 0) return undefined;
    // init prints the result; the lines of the checks would hide the rest of its output.
    const silent = { ...effects, log: quietLog(effects.log) };
    const { report } = await checkRepository(
      { effects: all ? effects : silent, config },
      { ...request, only: all ? [] : ids },
    );
    const waiting = plan.checks.filter(({ id }) => !ids.includes(id)).map(({ id }) => id);
    return summaryOf(report, waiting);
  } catch (error) {
    if (!(error instanceof UserError || error instanceof UserErrors)) throw error;
    effects.log.warn(`The checks did not run: ${messageOf(error)}`);
    return undefined;
  }
}

function summaryOf({ results }: ChecksReport, planned: readonly string[]): FirstRun {
  const failing = results
    .filter(({ status }) => status === 'fail' || status === 'review')
    .map(({ check, findings }) => {
      const blocking = findings.filter(({ level, accepted }) => level !== 'note' && accepted === undefined);
      const counts = new Map<string, number>();
      for (const { rule } of blocking) counts.set(rule, (counts.get(rule) ?? 0) + 1);
      const rules = [...counts].map(([rule, count]) => (count === 1 ? rule : `${rule} (${count})`));
      return { check: check.id, rules, findings: blocking.length };
    });
  const failed = results.filter(({ status }) => status === 'did-not-run').map(({ check }) => check.id);
  const ran = results.filter(({ status }) => status !== 'did-not-run' && status !== 'skipped');
  return {
    ran: ran.map(({ check }) => check.id),
    failing,
    findings: failing.reduce((sum, check) => sum + check.findings, 0),
    waiting: [...planned, ...failed],
  };
}
