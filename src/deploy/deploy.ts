import { randomBytes } from 'node:crypto';
import type { HostModel } from '../config/model.ts';
import type { Host } from '../host/model.ts';
import type { HostFacts } from '../host/probe/facts.ts';
import { probeQuickly } from '../host/probe/probe.ts';
import { messageOf, userErrorsOf } from '../kernel/errors.ts';
import { showError } from '../kernel/run.ts';
import type { DeployReport } from '../report/model.ts';
import {
  type DeployEffects,
  type DeployOptions,
  type DeployRun,
  type HeldHost,
  type HostRun,
  journal,
} from './context.ts';
import { holdHosts } from './lease/held-hosts.ts';
import type { JournalHeader } from './lease/journal.ts';
import { recover } from './lease/recover.ts';
import type { HostPlan, PlannedService } from './model.ts';
import { isInFront } from './plan/host-plan.ts';
import { stoppedBy } from './plan/ports.ts';
import { type Prepared, type PrepareRequest, prepare } from './plan/prepare.ts';
import { preflight } from './preflight/preflight.ts';
import type { MountedFile } from './project/files.ts';
import { edgeProjectService } from './project/project.ts';
import type { Recorder } from './report/recorder.ts';
import { errorOf, reportOf, runUrl } from './report/report.ts';
import { afterConfirmSteps, transactionSteps } from './steps/index.ts';
import { broughtInVain } from './steps/transfer.ts';
import { guardClient, sendTo } from './traffic/guard.ts';
import { runTransaction, type TransactionResult } from './transaction.ts';

export interface DeployRequest extends Omit<PrepareRequest, 'models'> {
  /** The services of each host, in the order of `hosts`; may still be loading while the lease is taken. */
  readonly models: readonly HostModel[] | Promise<readonly HostModel[]>;
  readonly options: DeployOptions;
  /** Deploy a release that is already serving. */
  readonly force: boolean;
  readonly replaceEdges: boolean;
  readonly replace: readonly string[];
}

/** `20261121-021500-k3f9a2`: sorts by time, unique, and good as a nonce and a file name. */
export function newDeployId(now: number): string {
  const stamp = new Date(now).toISOString().replace(/[-:]/g, '').slice(0, 15).replace('T', '-');
  return `${stamp}-${randomBytes(3).toString('hex')}`;
}

/** Deploys a release as a transaction. The report always names the release that is serving. */
export async function deploy(
  request: DeployRequest,
  effects: DeployEffects,
  recorder: Recorder,
): Promise<DeployReport> {
  const id = newDeployId(effects.clock.now());
  const facts = probeEarly(request.hosts);
  const held = await holdHosts({ ...request, deploy: id }, effects, recorder);
  try {
    const prepared = await resolve(request, held, effects, recorder);
    const run = deployRun(request, 'deploy', id, prepared, held, effects, recorder);
    // Also for a deploy that changes nothing: a store that keeps its old definition is still out of date.
    warnOfPlan(run);
    if (prepared.plan.unchanged && !request.force) return await unchangedReport(run);
    const refusal = await refusedBy(run, facts);
    return refusal === undefined ? await transact(run) : await refusedReport(run, refusal);
  } finally {
    await releaseHosts(held);
  }
}

/** Probes run while the lease is taken and the images are resolved, so that the preflight only has to judge. */
function probeEarly(hosts: readonly Host[]): Promise<HostFacts>[] {
  const facts = hosts.map((host) => probeQuickly(host));
  for (const fact of facts) fact.catch(() => {});
  return facts;
}

async function resolve(
  request: DeployRequest,
  held: readonly HeldHost[],
  effects: DeployEffects,
  recorder: Recorder,
): Promise<Prepared> {
  return await recorder.step(
    'resolve',
    async () => {
      const models = await request.models;
      return await prepare(
        { ...request, models },
        held.map(({ state }) => state),
        effects,
      );
    },
    ({ plan }) => `release ${plan.release}`,
  );
}

/** The failure of the preflight; undefined: the server is ready, or the preflight is turned off. */
async function refusedBy(run: DeployRun, facts: readonly Promise<HostFacts>[]): Promise<unknown> {
  if (run.options.skipPreflight) return undefined;
  try {
    await run.recorder.step('preflight', async () => preflight(run, await Promise.all(facts)));
    return undefined;
  } catch (error) {
    return error;
  }
}

export function warnOfPlan(run: DeployRun): void {
  for (const host of run.hosts) for (const warning of host.plan.warnings) run.recorder.warn(warning);
}

export async function releaseHosts(held: readonly HeldHost[]): Promise<void> {
  await Promise.all(held.map(({ keeper }) => keeper.release()));
}

/** Nothing was changed, but the report, its notifications and the exit code are those of a failed deploy. */
async function refusedReport(run: DeployRun, error: unknown): Promise<DeployReport> {
  const known = userErrorsOf(error);
  if (known.length === 0) throw error;
  for (const userError of known) showError(userError, run.effects.log);
  return await reportOf(run, { outcome: 'undone', error, undoErrors: [] });
}

/** A held host with its plan, its files, and connections to the guards of its edges. */
function hostRun(held: HeldHost, plan: HostPlan | undefined, files: readonly MountedFile[] = []): HostRun {
  if (plan === undefined) throw new Error(`no plan for ${held.host.name}`);
  const guards = new Map(
    plan.edges.map(({ service }) => {
      const socket = sendTo(held.host, held.layout.edgeSocket(service), { ahead: true });
      return [service, guardClient(socket)] as const;
    }),
  );
  return { ...held, plan, files, guards };
}

export function deployRun(
  { config, target, options }: Pick<DeployRequest, 'config' | 'target' | 'options'>,
  command: DeployRun['command'],
  id: string,
  { plan, files }: Prepared,
  held: readonly HeldHost[],
  effects: DeployEffects,
  recorder: Recorder,
): DeployRun {
  const hosts = held.map((host, index) => hostRun(host, plan.hosts[index], files[index]));
  const primary = hosts.find((host) => host.host.name === plan.primary) ?? hosts[0];
  if (primary === undefined) throw new Error('a deploy needs a host');
  const signals = [effects.signal, ...hosts.flatMap((host) => [host.keeper.lost, host.host.lost])];
  return {
    config,
    target,
    options,
    command,
    deploy: id,
    plan,
    hosts,
    primary,
    effects,
    recorder,
    signal: AbortSignal.any(signals),
  };
}

/** Opens the journal, runs the transaction, closes the journal if nothing is left to do, and reports. */
export async function transact(run: DeployRun): Promise<DeployReport> {
  await Promise.all(run.hosts.map((host) => host.keeper.write(run.deploy, header(run, host))));
  const result = await runTransaction(run, transactionSteps, afterConfirmSteps);
  if (isCutOff(run, result)) return await reportRecovered(run, result);
  const isOver = result.undoErrors.length === 0 && !result.toFinish;
  const [report] = await Promise.all([reportOf(run, result), isOver ? closeJournal(run, result) : undefined]);
  return report;
}

/** The undo failed because the run had lost a connection or its lease. */
function isCutOff(run: DeployRun, result: TransactionResult): boolean {
  const gone = run.hosts.some((host) => host.host.lost.aborted || host.keeper.lost.aborted);
  return gone && result.undoErrors.length > 0;
}

async function reportRecovered(run: DeployRun, result: TransactionResult): Promise<DeployReport> {
  const recovery = await recover(run, result).catch((error: unknown) => {
    run.effects.log.error(messageOf(error));
    return undefined;
  });
  if (recovery === undefined) return await reportOf(run, result);
  try {
    const undoErrors = recovery.lost.map((name) => new Error(`${name} cannot be reached`));
    if (recovery.confirmed) run.recorder.warn(`finished over a new connection: ${messageOf(result.error)}`);
    const ended: TransactionResult = recovery.confirmed
      ? { outcome: 'confirmed', undoErrors: [] }
      : { ...result, undoErrors };
    const report = await reportOf({ ...run, hosts: recovery.hosts }, ended);
    return { ...report, unreachable: [...report.unreachable, ...recovery.lost] };
  } finally {
    await recovery.close();
  }
}

async function closeJournal(run: DeployRun, result: TransactionResult): Promise<void> {
  const note = run.effects.mask.scrub(errorOf(result)?.message ?? '');
  const at = new Date(run.effects.clock.now()).toISOString();
  const end = { event: 'end', at, outcome: result.outcome, note, by: run.deploy } as const;
  await journal(run, end).catch(() => run.effects.log.detail('cannot close the journal'));
}

function header(run: DeployRun, host: HostRun): JournalHeader {
  const { plan, state } = host;
  const { env } = run.effects;
  const named = (action: string) => plan.services.filter((planned) => planned.action === action);
  const isData = ({ service, plan: { strategy } }: PlannedService) =>
    strategy === 'keep' && !isInFront(plan.record, service);
  return {
    event: 'open',
    at: new Date(run.effects.clock.now()).toISOString(),
    deploy: run.deploy,
    command: run.command,
    app: plan.record.app,
    target: plan.record.target,
    release: plan.release,
    colour: plan.colour,
    previous: plan.previous,
    newEdges: plan.edges.filter((edge) => edge.action === 'create').map((edge) => edge.service),
    edges: plan.edges.map((edge) => edge.service),
    replaced: [
      ...named('replace').map((planned) => planned.service),
      ...plan.edges.filter((edge) => edge.redefined).map((edge) => edgeProjectService(edge.service)),
    ],
    created: named('create').flatMap((planned) => (isData(planned) ? [] : [planned.service])),
    stopped: state.containers.filter(({ name }) => stoppedBy(plan).includes(name)).map(({ id }) => id),
    newRelease: state.releases.every((release) => release.release !== plan.release),
    brought: broughtInVain(host),
    actor: env.GITHUB_ACTOR ?? env.USER,
    runUrl: runUrl(env),
    commit: plan.record.commit,
  };
}

async function unchangedReport(run: DeployRun): Promise<DeployReport> {
  const report = await reportOf(run, { outcome: 'confirmed', undoErrors: [] });
  return { ...report, outcome: 'unchanged' };
}
