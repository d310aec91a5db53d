import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckSettings } from '../../config/model.ts';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, userErrorsOf } from '../../kernel/errors.ts';
import { counted } from '../../kernel/figures.ts';
import type { Log, StepLog } from '../../kernel/log.ts';
import type { Mask } from '../../kernel/masking/mask.ts';
import { type ChildEnv, toolEnv } from '../../kernel/process/child-env.ts';
import type { ChangedLines } from '../change/model.ts';
import type { CheckFacts, CheckOutput, RawResult } from '../model.ts';
import type { Repo } from '../repo.ts';
import type { PlannedCheck, Preparation, RunContext } from '../tool.ts';
import type { Limits } from './limits.ts';
import { nextTasks, type Task } from './schedule.ts';
import { spawner } from './spawn.ts';
import { createTranscript, type Transcript } from './transcript.ts';

export interface RunEffects {
  readonly log: Log;
  readonly clock: Clock;
  readonly mask: Pick<Mask, 'scrub'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** The same with the environment that tools get. */
type ToolEffects = RunEffects & { readonly env: ChildEnv };

export interface RunRequest {
  readonly repo: Repo;
  readonly settings: CheckSettings;
  readonly checks: readonly PlannedCheck[];
  readonly changed: ChangedLines | undefined;
  readonly limits: Limits;
  /** Folder for tools and environments that are kept between runs. */
  readonly cache: string;
}

/** How a task ended. A preparation brings a value, or the words about why there is none. */
type Ended =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: Extract<CheckOutput, { ran: false }> };

/**
 * Runs checks and what they need: as many at a time as the machine bears, each with its own folder, time-out and group in the
 * log. A check that fails, hangs or crashes leaves the others alone; a cancellation ends all of them.
 *
 * @returns a result for each check, in their order.
 * @throws the signal's reason when it aborts.
 */
export async function runChecks(request: RunRequest, given: RunEffects): Promise<RawResult[]> {
  const { settings, limits } = request;
  const effects = { ...given, env: toolEnv(given.env, settings.env) };
  const reasons = new Map(request.checks.map((check) => [check.id, skipReason(check, settings)]));
  const checks = request.checks.filter(({ id }) => reasons.get(id) === undefined);
  const preparations = preparationsOf(checks);
  const tasks: Task[] = [...preparations, ...checks].map((preparation) => ({
    id: preparation.id,
    needs: preparation.needs.map(({ id }) => id),
    cost: preparation.cost,
  }));
  const byId = new Map<string, PlannedCheck | Preparation<unknown>>();
  for (const preparation of [...preparations, ...checks]) byId.set(preparation.id, preparation);

  const ended = new Map<string, Ended>();
  const seconds = new Map<string, number>();
  const running = new Map<string, Promise<void>>();
  const cores = new Map<string, number>();
  const begin = (task: PlannedCheck | Preparation<unknown>): Promise<void> => {
    const begun = effects.clock.elapsed();
    return runTask(task, cores.get(task.id) ?? 1, request, effects, ended).then((end) => {
      ended.set(task.id, end);
      seconds.set(task.id, (effects.clock.elapsed() - begun) / 1000);
      running.delete(task.id);
      cores.delete(task.id);
    });
  };
  while (ended.size < tasks.length && !effects.signal.aborted) {
    for (const start of nextTasks(tasks, cores, new Set(ended.keys()), limits)) {
      const task = byId.get(start.id);
      cores.set(start.id, start.cores);
      if (task !== undefined) running.set(start.id, begin(task));
    }
    await Promise.race(running.values());
  }
  // Also after an abort: nothing of them is left when this ends.
  await Promise.all(running.values());
  effects.signal.throwIfAborted();
  return request.checks.map((check) => {
    const reason = reasons.get(check.id);
    const facts = factsOf(check);
    if (reason !== undefined) return { check: facts, output: undefined, skipReason: reason, seconds: 0 };
    const end = ended.get(check.id);
    const output = end === undefined ? neverRun : end.ok ? (end.value as CheckOutput) : end.failure;
    return { check: facts, output, seconds: seconds.get(check.id) ?? 0 };
  });
}

const neverRun = { ran: false, why: 'it was never begun' } as const;

/** The reason sluice.yml gives for leaving a check out: of the very check, else of its tool. */
export function skipReason(
  check: Pick<PlannedCheck, 'id' | 'tool'>,
  { skip }: CheckSettings,
): string | undefined {
  for (const name of [check.id, check.tool]) if (Object.hasOwn(skip, name)) return skip[name];
  return undefined;
}

/** All preparations that checks need, those that others need before them. */
export function preparationsOf(checks: readonly PlannedCheck[]): Preparation<unknown>[] {
  const found = new Map<string, Preparation<unknown>>();
  const visit = (preparation: Preparation<unknown>) => {
    for (const need of preparation.needs) visit(need);
    if (!found.has(preparation.id)) found.set(preparation.id, preparation);
  };
  for (const check of checks) for (const need of check.needs) visit(need);
  return [...found.values()];
}

function factsOf({ id, tool, category, folder, why, command }: PlannedCheck): CheckFacts {
  return { id, tool, category, folder, why, command };
}

async function runTask(
  task: PlannedCheck | Preparation<unknown>,
  cores: number,
  request: RunRequest,
  effects: ToolEffects,
  ended: ReadonlyMap<string, Ended>,
): Promise<Ended> {
  const failed = task.needs.find(({ id }) => ended.get(id)?.ok === false);
  if (failed !== undefined) return becauseOf(failed, ended);
  const step = effects.log.step(task.id);
  const transcript = createTranscript(effects.mask.scrub);
  const end = await inTime(task, cores, request, effects, transcript, step, ended);
  if (!effects.signal.aborted) tell(task, end, transcript, step, effects.log);
  return end;
}

/** What stopped a preparation stops what needs it, in the same words. */
function becauseOf({ id, what }: Preparation<unknown>, ended: ReadonlyMap<string, Ended>): Ended {
  const end = ended.get(id);
  if (end === undefined || end.ok) return { ok: false, failure: neverRun };
  const { why, ...rest } = end.failure;
  const known = why.startsWith(what) ? why : `${what}: ${why}`;
  return { ok: false, failure: { ...rest, why: known } };
}

async function inTime(
  task: PlannedCheck | Preparation<unknown>,
  cores: number,
  request: RunRequest,
  effects: ToolEffects,
  transcript: Transcript,
  step: StepLog,
  ended: ReadonlyMap<string, Ended>,
): Promise<Ended> {
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-check-'));
  const limitMs = timeLimit(task, request.settings);
  const overtime = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([effects.signal, overtime]);
  const context: RunContext = {
    ...{
      repo: request.repo,
      settings: request.settings,
      env: effects.env,
      signal,
      cache: request.cache,
      scratch,
    },
    spawn: spawner({
      ...{
        root: request.repo.root,
        folder: 'folder' in task ? task.folder : '',
        env: effects.env,
        signal,
        transcript,
      },
    }),
    note: (text) => step.note(text),
    prepared: <T>(preparation: Preparation<T>): T => {
      const end = ended.get(preparation.id);
      if (end?.ok !== true) throw new Error(`${task.id} uses ${preparation.id} without needing it`);
      return end.value as T;
    },
  };
  const aborted = new Promise<never>((_, reject) => {
    // Programs are ended first, so that nothing of them is left when this says so.
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason), 3_000).unref(), {
      once: true,
    });
  });
  try {
    await mkdir(request.cache, { recursive: true });
    const work =
      'make' in task ? task.make(context) : task.run({ ...context, changed: request.changed, cores });
    return { ok: true, value: await Promise.race([work, aborted]) };
  } catch (error) {
    return { ok: false, failure: failureOf(error, overtime.aborted ? limitMs : undefined, transcript) };
  } finally {
    await rm(scratch, { recursive: true, force: true }).catch(() => {});
  }
}

/** sluice.yml's word for the check or its tool goes before that for all. */
function timeLimit(
  task: PlannedCheck | Preparation<unknown>,
  { timeoutMs, timeouts }: CheckSettings,
): number {
  const own = [task.id, ...('tool' in task ? [task.tool] : [])].find((name) => Object.hasOwn(timeouts, name));
  return own === undefined ? Math.min(task.timeoutMs, timeoutMs) : (timeouts[own] ?? timeoutMs);
}

function failureOf(error: unknown, overtimeMs: number | undefined, transcript: Transcript) {
  const lines = transcript.tail(20);
  const output = lines === '' ? {} : { output: lines };
  if (overtimeMs !== undefined) {
    const why = `it did not end within ${overtimeMs / 1000} s, and was ended`;
    return { ran: false as const, why, fix: 'Give it more time: checks.timeouts in sluice.yml.', ...output };
  }
  const [known] = userErrorsOf(error);
  if (known === undefined)
    return { ran: false as const, why: `this is a bug in Sluice: ${bugText(error)}`, ...output };
  const said = known.output ?? (known.code === 'process.missing' ? undefined : lines);
  return {
    ran: false as const,
    why: known.message,
    ...(known.hint === undefined ? {} : { fix: known.hint }),
    ...(said === undefined || said === '' ? {} : { output: said }),
  };
}

function bugText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
}

/** The step's line in the log, and what its programs said in a group below it. */
function tell(
  task: PlannedCheck | Preparation<unknown>,
  end: Ended,
  transcript: Transcript,
  step: StepLog,
  log: Log,
): void {
  const output = end.ok ? ('make' in task ? undefined : (end.value as CheckOutput)) : end.failure;
  if (output?.ran === false) step.failed(`did not run: ${output.why.split('\n')[0]}`);
  else if (output === undefined) step.done();
  else {
    const found = output.findings.length;
    const words = [output.summary, found === 0 ? undefined : counted(found, 'finding')].filter(
      (word) => word !== undefined,
    );
    const fails = output.findings.some(({ level }) => level !== 'note');
    if (fails) step.failed(words.join(', '));
    else step.done(words.join(', '));
  }
  const text = transcript.text();
  if (text !== '') log.group(task.id, text);
}
