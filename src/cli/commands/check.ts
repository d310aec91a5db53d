import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Category, categories } from '../../checks/model.ts';
import { planText } from '../../checks/plan.ts';
import { checksTerminal } from '../../checks/report/terminal.ts';
import { acceptFindings, isDay, pruneBaseline } from '../../checks/verdict/baseline.ts';
import { exitCodes as verdictCodes } from '../../checks/verdict/judge.ts';
import { didYouMean } from '../../config/sluice-yml/suggest.ts';
import { UserError } from '../../kernel/errors.ts';
import { exitCodes } from '../../kernel/run.ts';
import {
  type Checked,
  type CheckPlan,
  checkRepository,
  planRepository,
} from '../../operations/checks/check.ts';
import { writeCheckReports } from '../../operations/checks/reports.ts';
import { fileFault, wrongArgument } from '../arguments.ts';
import type { CommandContext } from '../context.ts';

export interface CheckCommandOptions {
  readonly dryRun?: boolean;
  readonly only: readonly string[];
  readonly since?: string;
  readonly accept?: string;
  readonly until?: string;
  readonly prune: boolean;
  readonly output?: string;
}

export async function execute(
  context: CommandContext,
  category: string | undefined,
  options: CheckCommandOptions,
): Promise<number> {
  const { effects, json, colour } = context;
  const request = { categories: categoriesOf(category), only: options.only, since: options.since };
  if (options.until !== undefined && options.accept === undefined) {
    throw wrongArgument('--until', 'needs --accept, whose findings it limits');
  }
  if (options.until !== undefined && !isDay(options.until)) {
    throw wrongArgument('--until', `"${options.until}" is not a date; write it as 2027-01-31`);
  }
  if (options.dryRun === true) {
    const plan = await planRepository(context, request);
    effects.print(
      json ? JSON.stringify({ ok: true, checks: publicPlan(plan) }) : planText(plan.checks, plan.settings),
    );
    return exitCodes.ok;
  }
  const checked = await checkRepository(context, request);
  const { report } = checked;
  const { output } = options;
  if (output !== undefined) {
    await writeCheckReports(output, report, effects.mask).catch((error) => {
      throw wrongArgument(`--output ${output}`, fileFault(error));
    });
  }
  if (options.accept !== undefined || options.prune) return await keepBaseline(context, checked, options);
  effects.print(
    json ? JSON.stringify({ ok: report.verdict === 'pass', ...report }) : checksTerminal(report, { colour }),
  );
  return verdictCodes[report.verdict];
}

/** @throws UserError `usage.argument`. */
function categoriesOf(given: string | undefined): readonly Category[] {
  if (given === undefined) return [];
  const found = categories.find((category) => category === given);
  if (found !== undefined) return [found];
  throw new UserError({
    code: 'usage.argument',
    message: `Unknown kind of checks "${given}" (available: ${categories.join(', ')})${didYouMean(given, categories)}`,
    hint: 'Name a single check with --only NAME.',
  });
}

/** Writes the baseline: accepts the findings, or removes entries that no longer match. */
async function keepBaseline(
  { effects }: CommandContext,
  { report, baseline, plan }: Checked,
  { accept, until, prune }: CheckCommandOptions,
): Promise<number> {
  const text =
    accept === undefined
      ? pruneBaseline(report, baseline)
      : acceptFindings(report, baseline, {
          reason: accept,
          prune,
          ...(until === undefined ? {} : { until }),
        });
  await writeFile(join(plan.repo.root, plan.settings.baseline), text);
  const missing = report.results
    .filter(({ status }) => status === 'did-not-run')
    .map(({ check }) => check.id);
  if (missing.length === 0) {
    effects.print(`Wrote ${plan.settings.baseline}; commit it`);
    return exitCodes.ok;
  }
  effects.print(
    `Wrote ${plan.settings.baseline} without the findings of checks that did not run: ${missing.join(', ')}`,
  );
  return verdictCodes['did-not-run'];
}

function publicPlan({ checks }: CheckPlan) {
  return checks.map(({ id, tool, category, folder, why, command, needs }) => ({
    id,
    tool,
    category,
    folder,
    why,
    command,
    needs: needs.map((need) => need.what),
  }));
}
