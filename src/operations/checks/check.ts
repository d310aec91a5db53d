import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { readChangedLines } from '../../checks/change/lines.ts';
import { coverageReport } from '../../checks/coverage/totals.ts';
import type { Category, ChecksReport } from '../../checks/model.ts';
import { chooseChecks, planChecks } from '../../checks/plan.ts';
import { openRepo, type Repo } from '../../checks/repo.ts';
import { ruleIds } from '../../checks/rules/catalogue.ts';
import { runChecks } from '../../checks/runner/run-checks.ts';
import { machineLimits } from '../../checks/runner/schedule.ts';
import type { PlannedCheck } from '../../checks/tool.ts';
import { allTools } from '../../checks/tools/all.ts';
import { type Baseline, readBaseline } from '../../checks/verdict/baseline.ts';
import { judge } from '../../checks/verdict/judge.ts';
import { withheldNote } from '../../checks/verdict/notes.ts';
import type { CheckSettings, Config } from '../../config/model.ts';
import { namedSecrets } from '../../config/secrets/masking.ts';
import { loadConfig } from '../../config/sluice-yml/load.ts';
import { defaultCheckSettings } from '../../config/sluice-yml/normalise.ts';
import { UserError } from '../../kernel/errors.ts';
import type { OperationContext } from '../context.ts';
import { coverageResults, sendToCodecov } from './coverage.ts';
import { refuseBesideChecks } from './keys.ts';

interface CheckRequest {
  /** Empty: all. */
  readonly categories: readonly Category[];
  /** Tools or checks; empty: all. */
  readonly only: readonly string[];
  /** Base of the change; undefined: detected. */
  readonly since: string | undefined;
}

/** The checks of a repository, with everything the run needs. */
export interface CheckPlan {
  /** undefined in a repository without sluice.yml. */
  readonly config: Config | undefined;
  readonly repo: Repo;
  readonly settings: CheckSettings;
  /** All checks that apply to the repository. */
  readonly all: readonly PlannedCheck[];
  /** The selected ones. */
  readonly checks: readonly PlannedCheck[];
}

export interface Checked {
  readonly plan: CheckPlan;
  readonly report: ChecksReport;
  readonly baseline: Baseline;
}

/** Plans the checks of the repository without running them. */
export async function planRepository(context: OperationContext, request: CheckRequest): Promise<CheckPlan> {
  const { effects } = context;
  const config = await configOf(context);
  const repo = await openRepo(config?.folder ?? process.cwd(), effects.signal);
  const settings = settingsOf(config, repo);
  const all = planChecks(repo, settings, allTools(config));
  return { config, repo, settings, all, checks: chooseChecks(all, request) };
}

/** Runs the checks of a repository and judges what they find. */
export async function checkRepository(context: OperationContext, request: CheckRequest): Promise<Checked> {
  const { effects } = context;
  const { env, signal, clock, log, mask } = effects;
  const begun = clock.elapsed();
  const plan = await planRepository(context, request);
  refuseBesideChecks(env, plan.config);
  const { repo, settings, checks } = plan;
  // Tests may print their variables into reports, which GitHub's runner does not mask.
  for (const secret of settings.env.flatMap((name) => namedSecrets(name, env[name] ?? ''))) mask.add(secret);
  const [change, baseline] = await Promise.all([
    readChangedLines(repo.root, request.since, env, signal),
    readBaseline(join(repo.root, settings.baseline), settings.baseline),
  ]);
  const changed = change.lines;
  const cache = join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice', 'checks');
  const run = { repo, settings, checks, changed, limits: machineLimits(), cache };
  const raw = await runChecks(run, { log, clock, mask, env, signal });
  const covered = raw.flatMap(({ output }) => (output?.ran === true ? (output.coverage ?? []) : []));
  const coverage = covered.length === 0 ? undefined : coverageReport(covered, changed);
  const tested = checks.some(({ category }) => category === 'test') && request.only.length === 0;
  const results = [...raw, ...(tested ? coverageResults(coverage, raw, settings, change) : [])];
  const judged = judge(results, {
    ...{ repo, settings, baseline, changed, now: clock.now() },
    seconds: (clock.elapsed() - begun) / 1000,
    ...(coverage === undefined ? {} : { coverage }),
    notes: [
      ...(change.why === undefined ? [] : [change.why]),
      ...(checks.some(({ category }) => category === 'test') ? withheldNote(repo, env, settings.env) : []),
    ],
    ...{ planned: plan.all, rules: [...ruleIds] },
  });
  // Before texts are cut, wrapped or escaped, which can hide a secret from the mask.
  const report = mask.scrubData(judged);
  if (settings.coverage.codecov && covered.length > 0) await sendToCodecov(covered, repo, effects);
  return { plan, report, baseline };
}

/** @returns undefined in a repository without one; a file that the user names must exist. */
async function configOf({ config }: OperationContext): Promise<Config | undefined> {
  try {
    return await loadConfig(config);
  } catch (error) {
    if (config === undefined && error instanceof UserError && error.code === 'config.missing')
      return undefined;
    throw error;
  }
}

/** Paths in sluice.yml are relative to its folder, those of the checks to the top of the repository. */
function settingsOf(config: Config | undefined, repo: Repo): CheckSettings {
  if (config === undefined) return defaultCheckSettings();
  const folder = relative(repo.root, config.folder);
  return { ...config.checks, baseline: join(folder, config.checks.baseline) };
}
