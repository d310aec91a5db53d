import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { ChecksReport } from '../../checks/model.ts';
import { formatAddress, parseAddress } from '../../config/address.ts';
import { type FileOutcome, writeFiles } from '../../init/files.ts';
import { type InitPlan, planInit } from '../../init/init.ts';
import { type FirstRun, initText, printText } from '../../init/next-steps/init-text.ts';
import { type NextStep, nextSteps } from '../../init/next-steps/next-steps.ts';
import { messageOf, UserError, UserErrors } from '../../kernel/errors.ts';
import { quietLog } from '../../kernel/log.ts';
import { exitCodes } from '../../kernel/run.ts';
import { imageAsker } from '../../operations/deploy/image-answers.ts';
import { wrongArgument } from '../arguments.ts';
import type { CommandContext } from '../context.ts';

export interface InitOptions {
  readonly production?: string;
  /** `false`: --no-staging. */
  readonly staging?: string | false;
  /** `eu=deploy@eu-1.example.com` */
  readonly target: readonly string[];
  /** `true`: --check; `false`: --no-check. */
  readonly check?: boolean;
  /** Workflows with jobs that call the actions. */
  readonly ownJobs?: boolean;
  readonly dryRun?: boolean;
  readonly force: boolean;
  readonly write: readonly string[];
  readonly compose: readonly string[];
}

export async function execute(
  context: CommandContext,
  folder: string | undefined,
  options: InitOptions,
): Promise<number> {
  const { effects } = context;
  if (context.config !== undefined)
    throw wrongArgument('--config', 'init writes FOLDER/sluice.yml; name the folder instead');
  const place = await folderAt(folder ?? '.');
  const ask = imageAsker({ app: '', registry: undefined }, effects);
  const asking = {
    ...effects,
    askImages: (references: Readonly<Record<string, string>>) => ask(references, undefined),
  };
  const plan = await planInit(place, wishesOf(options, place), asking);
  const named = filesToWrite(options.write, plan);
  const dryRun = options.dryRun === true;
  const outcomes = dryRun
    ? []
    : await writeFiles(plan.top, plan.files, (path) => options.force || named.has(path));
  const config = join(place, 'sluice.yml');
  const checks =
    dryRun || options.check === false ? undefined : await firstRunOf(context, config, options.check === true);
  const here = relative(process.cwd(), plan.top);
  const steps = nextSteps({
    guess: plan.guess,
    files: plan.files.map(({ path }) => path),
    example: plan.example,
    variables: plan.variables,
    findings: checks?.findings,
    unignored: plan.unignored,
    folder: here,
  });
  if (context.json) effects.print(JSON.stringify(answer(plan, outcomes, steps, checks)));
  else if (dryRun) effects.print(printText(plan, steps));
  else {
    const given = { words: givenWords(folder, options), folder: here };
    effects.print(initText(plan, outcomes, steps, checks, given));
  }
  return exitCodes.ok;
}

function wishesOf(options: InitOptions, place: string) {
  const { production, staging, compose, target, ownJobs } = options;
  return {
    production: production === undefined ? undefined : address('--production', production),
    staging: typeof staging === 'string' ? address('--staging', staging) : staging,
    compose: compose.map((path) => pathOf(path, place)),
    others: target.map(namedTarget),
    ownJobs: ownJobs === true,
  };
}

/** The folder and the options, without those that only choose which files are written. */
export function givenWords(
  folder: string | undefined,
  { production, staging, ownJobs, compose, target, check }: Partial<InitOptions>,
): string[] {
  const one = (name: string, value: string | undefined) => (value === undefined ? [] : [name, value]);
  return [
    ...(folder === undefined ? [] : [folder]),
    ...one('--production', production),
    ...(staging === false ? ['--no-staging'] : one('--staging', staging)),
    ...(target ?? []).flatMap((text) => ['--target', text]),
    ...(compose ?? []).flatMap((path) => ['--compose', path]),
    ...(ownJobs === true ? ['--own-jobs'] : []),
    ...(check === undefined ? [] : [check ? '--check' : '--no-check']),
  ];
}

/** Paths of --write, from the top of the repository. @throws UserError `usage.argument` for a file that init does not write. */
function filesToWrite(paths: readonly string[], { top, files }: InitPlan): ReadonlySet<string> {
  const known = files.map(({ path }) => path);
  const unknown = paths.find((path) => !known.includes(relative(top, resolve(path))));
  if (unknown === undefined) return new Set(paths.map((path) => relative(top, resolve(path))));
  const here = known.map((path) => join(relative(process.cwd(), top), path));
  throw wrongArgument(`--write ${unknown}`, `not one of ${here.join(', ')}`);
}

function answer(
  plan: InitPlan,
  outcomes: readonly FileOutcome[],
  steps: readonly NextStep[],
  checks: FirstRun | undefined,
) {
  const { guess, files } = plan;
  return {
    ok: true,
    app: guess.app.value,
    registry: guess.registry.value,
    files: files.map(({ path, text, state, diff }, index) => ({
      path,
      state,
      outcome: outcomes[index],
      text,
      diff,
    })),
    services: guess.services.map(({ name, plan: { strategy, reason }, own }) => ({
      name,
      strategy,
      reason,
      own,
    })),
    migrate: guess.migrate,
    backup: guess.backup,
    targets: guess.targets.map(({ name, host }) => ({ name, host })),
    notHandled: guess.notHandled,
    notes: guess.notes,
    ...(checks === undefined ? {} : { checks }),
    next: steps,
  };
}

/** Relative to the working folder, as in any command; if it does not exist there, to the folder of init. */
function pathOf(path: string, folder: string): string {
  const here = resolve(path);
  return existsSync(here) ? here : resolve(folder, path);
}

async function folderAt(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return resolve(path);
  const isAddress = !('fault' in parseAddress(path));
  const hint = isAddress ? `For a server: sluice init host ${path}` : undefined;
  throw wrongArgument(path, 'the folder does not exist', hint);
}

/** `eu=deploy@eu-1.example.com`, with a name as sluice.yml takes it. */
function namedTarget(text: string): { name: string; host: string } {
  const [name = '', ...rest] = text.split('=');
  if (rest.length === 0)
    throw wrongArgument('--target', 'expected NAME=user@host, such as eu=deploy@eu-1.example.com');
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(name))
    throw wrongArgument('--target', 'a name is a letter, then up to 39 letters, digits, "-" and "_"');
  return { name, host: address('--target', rest.join('=')) };
}

function address(option: string, text: string): string {
  const parsed = parseAddress(text);
  // The text is not repeated: it may hold a password.
  if ('fault' in parsed) throw wrongArgument(option, `the address ${parsed.fault}`);
  return formatAddress(parsed);
}

/**
 * Runs the checks as the first CI run will: Sluice's own rules, which need no tool and take less than a second; with
 * `all` every check, which may install tools and take minutes.
 *
 * @param config path of the sluice.yml that was written.
 * @returns undefined if they cannot run; the log has the reason.
 */
async function firstRunOf(
  context: CommandContext,
  config: string,
  all: boolean,
): Promise<FirstRun | undefined> {
  const { effects } = context;
  const request = { categories: [], only: [], since: undefined };
  const { checkRepository, planRepository } = await import('../../operations/checks/check.ts');
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
