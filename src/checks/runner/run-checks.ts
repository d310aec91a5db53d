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
import type { ChangedLines, CheckFacts, CheckOutput, RawResult } from '../model.ts';
import type { Repo } from '../repo.ts';
import type { PlannedCheck, Preparation, RunContext } from '../tool.ts';
import { type Limits, nextTasks, type Task } from './schedule.ts';
import { createTranscript, spawner, type Transcript } from './spawn.ts';

interface RunEffects {
  readonly log: Log;
  readonly clock: Clock;
  readonly mask: Pick<Mask, 'scrub'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** The same with the environment of tools. */
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

/** The end of a task: the value of a preparation or the output of a check; or why there is neither. */
type Ended =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: Extract<CheckOutput, { ran: false }> };

/**
 * Runs checks and what they need: as many at a time as the machine can handle, each with its own folder, timeout and group in the
 * log. A check that fails, hangs or crashes does not affect the others; a cancellation ends all of them.
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
    return runTask({ task, cores: cores.get(task.id) ?? 1, request, effects, ended }).then((end) => {
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
  // Also after an abort: no task may outlive this function.
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

const neverRun = { ran: false, why: 'it was never started' } as const;

/** The reason sluice.yml gives for leaving a check out: for the check, else for its tool. */
export function skipReason(
  check: Pick<PlannedCheck, 'id' | 'tool'>,
  { skip }: CheckSettings,
): string | undefined {
  for (const name of [check.id, check.tool]) if (Object.hasOwn(skip, name)) return skip[name];
  return undefined;
}

/** All preparations that checks need, each after those it needs itself. */
function preparationsOf(checks: readonly PlannedCheck[]): Preparation<unknown>[] {
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

/** A task that runs, with everything it uses. */
interface Running {
  readonly task: PlannedCheck | Preparation<unknown>;
  readonly cores: number;
  readonly request: RunRequest;
  readonly effects: ToolEffects;
  readonly ended: ReadonlyMap<string, Ended>;
  readonly step: StepLog;
  readonly transcript: Transcript;
}

async function runTask(given: Omit<Running, 'step' | 'transcript'>): Promise<Ended> {
  const { task, effects, ended } = given;
  const failed = task.needs.find(({ id }) => ended.get(id)?.ok === false);
  if (failed !== undefined) return becauseOf(failed, ended);
  const step = effects.log.step(task.id);
  const transcript = createTranscript(effects.mask.scrub);
  const end = await inTime({ ...given, step, transcript });
  if (!effects.signal.aborted) tell(task, end, transcript, step, effects.log);
  return end;
}

/** The failure of a preparation becomes that of its dependents, with the same reason. */
function becauseOf({ id, what }: Preparation<unknown>, ended: ReadonlyMap<string, Ended>): Ended {
  const end = ended.get(id);
  if (end === undefined || end.ok) return { ok: false, failure: neverRun };
  const { why, ...rest } = end.failure;
  const known = why.startsWith(what) ? why : `${what}: ${why}`;
  return { ok: false, failure: { ...rest, why: known } };
}

/** Runs a task until it ends, its time is up, or the run is aborted. */
async function inTime(running: Running): Promise<Ended> {
  const { task, request, effects, transcript } = running;
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-check-'));
  const limitMs = timeLimit(task, request.settings);
  const overtime = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([effects.signal, overtime]);
  try {
    await mkdir(request.cache, { recursive: true });
    return { ok: true, value: await Promise.race([start(running, signal, scratch), afterAbort(signal)]) };
  } catch (error) {
    return { ok: false, failure: failureOf(error, overtime.aborted ? limitMs : undefined, transcript) };
  } finally {
    await rm(scratch, { recursive: true, force: true }).catch(() => {});
  }
}

function start(
  { task, cores, request, effects, transcript, step, ended }: Running,
  signal: AbortSignal,
  scratch: string,
): Promise<unknown> {
  const { repo, settings, cache, changed } = request;
  const { env } = effects;
  const folder = 'folder' in task ? task.folder : '';
  const context: RunContext = {
    repo,
    settings,
    env,
    signal,
    cache,
    scratch,
    spawn: spawner({ root: repo.root, folder, env, signal, transcript }),
    note: (text) => step.note(text),
    prepared: <T>(preparation: Preparation<T>): T => {
      const end = ended.get(preparation.id);
      if (end?.ok !== true) throw new Error(`${task.id} uses ${preparation.id} without needing it`);
      return end.value as T;
    },
  };
  return 'make' in task ? task.make(context) : task.run({ ...context, changed, cores });
}

/** The signal ends the programs, which get 3 s for it: none of them may outlive this rejection. */
function afterAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const giveUp = () => setTimeout(() => reject(signal.reason), 3_000).unref();
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
}

/** The timeout in sluice.yml for the check or its tool takes precedence over the general one. */
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
    const why = `it timed out after ${overtimeMs / 1000} s`;
    return { ran: false as const, why, fix: 'Raise its limit in checks.timeouts of sluice.yml.', ...output };
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

/** Writes the step's line to the log, and the output of its programs in a group below it. */
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
