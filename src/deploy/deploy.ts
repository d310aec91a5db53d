import { randomBytes } from 'node:crypto';
import type { Config, HostModel, Target } from '../config/model.ts';
import type { Host } from '../host/model.ts';
import { probeQuickly } from '../host/probe/probe.ts';
import { messageOf, userErrorsOf } from '../kernel/errors.ts';
import { showError } from '../kernel/run.ts';
import type { DeployReport } from '../report/model.ts';
import { type DeployEffects, type DeployOptions, type DeployRun, type HostRun, journal } from './context.ts';
import { openSites } from './lease/held-hosts.ts';
import type { JournalHeader } from './lease/journal.ts';
import type { Site } from './lease/reconcile.ts';
import { recover } from './lease/recover.ts';
import type { DeployPlan, HostPlan, PlannedService } from './model.ts';
import { isInFront } from './plan/plan.ts';
import { stoppedBy } from './plan/ports.ts';
import { prepare } from './plan/prepare.ts';
import { preflight } from './preflight/preflight.ts';
import type { MountedFile } from './project/files.ts';
import { edgeProjectService } from './project/project.ts';
import { createRecorder, type Recorder } from './report/recorder.ts';
import { errorOf, reportOf, runUrl, servingOn } from './report/report.ts';
import { afterConfirmSteps, transactionSteps } from './steps/index.ts';
import { broughtInVain } from './steps/transfer.ts';
import { guardClient, sendTo } from './traffic/guard.ts';
import { runTransaction, type TransactionResult } from './transaction.ts';

/** What is asked for. */
export interface DeployRequest {
  readonly config: Config;
  readonly target: Target;
  /** Wanted name of the release, such as a tag; it gets a number when it is taken by another content. */
  readonly release: string;
  readonly commit: string | undefined;
  /** What runs on each host, in the order of `hosts`; may still be under way while the lease is taken. */
  readonly models: readonly HostModel[] | Promise<readonly HostModel[]>;
  readonly hosts: readonly Host[];
  readonly options: DeployOptions;
  readonly force: boolean;
  /** Replace edges that run another image than the configured one. */
  readonly replaceEdges: boolean;
  /** Services of strategy `keep` to replace in place, because their definition changed and somebody wants that now. */
  readonly replace: readonly string[];
}

/** `20261121-021500-k3f9a2`: sorts by time, unique, and good as a nonce and a file name. */
export function newDeployId(now: number): string {
  const stamp = new Date(now).toISOString().replace(/[-:]/g, '').slice(0, 15).replace('T', '-');
  return `${stamp}-${randomBytes(3).toString('hex')}`;
}

/** Deploys a release as a transaction. Whatever happens, the report tells what serves. */
export async function deploy(
  request: DeployRequest,
  effects: DeployEffects,
  recorder: Recorder,
): Promise<DeployReport> {
  const id = newDeployId(effects.clock.now());
  // Asked while the lease is taken and the images are looked up: the preflight then only has to judge.
  const facts = request.hosts.map((host) => probeQuickly(host));
  for (const fact of facts) fact.catch(() => {});
  const sites = await openSites(request.config, request.target, request.hosts, id, effects, recorder);
  try {
    const prepared = await recorder.step(
      'resolve',
      async () =>
        prepare(
          { ...request, models: await request.models },
          sites.map((site) => site.state),
          effects,
        ),
      ({ plan }) => `release ${plan.release}`,
    );
    const hosts = sites.map((site, index) =>
      hostRun(site, prepared.plan.hosts[index], prepared.files[index] ?? []),
    );
    const run = deployRun(request, 'deploy', id, prepared.plan, hosts, effects, recorder);
    // Also of a deploy that changes nothing: a store that was passed over is still out of date.
    for (const host of run.hosts) for (const warning of host.plan.warnings) recorder.warn(warning);
    if (prepared.plan.unchanged && !request.force) return await unchangedReport(run);
    if (!request.options.skipPreflight) {
      try {
        await recorder.step('preflight', async () => preflight(run, await Promise.all(facts)));
      } catch (error) {
        return await refusedReport(run, error);
      }
    }
    return await transact(run);
  } finally {
    await Promise.all(sites.map((site) => site.keeper.release()));
  }
}

/** Nothing was changed, but whoever waits for this deploy is told as of any other. */
async function refusedReport(run: DeployRun, error: unknown): Promise<DeployReport> {
  const known = userErrorsOf(error);
  if (known.length === 0) throw error;
  for (const userError of known) showError(userError, run.effects.log);
  return await reportOf(run, { outcome: 'undone', error, undoErrors: [] });
}

export function hostRun(site: Site, plan: HostPlan | undefined, files: readonly MountedFile[]): HostRun {
  if (plan === undefined) throw new Error(`no plan for ${site.host.name}`);
  const services = plan.edges.map((edge) => edge.service);
  const guards = new Map(
    services.map(
      (service) =>
        [service, guardClient(sendTo(site.host, site.layout.edgeSocket(service), { ahead: true }))] as const,
    ),
  );
  return { ...site, plan, files, guards };
}

export function deployRun(
  request: Pick<DeployRequest, 'config' | 'target' | 'options'>,
  command: DeployRun['command'],
  id: string,
  plan: DeployPlan,
  hosts: readonly HostRun[],
  effects: DeployEffects,
  recorder: Recorder,
): DeployRun {
  const primary = hosts.find((host) => host.host.name === plan.primary) ?? hosts[0];
  if (primary === undefined) throw new Error('a deploy needs a host');
  const signals = [effects.signal, ...hosts.flatMap((host) => [host.keeper.lost, host.host.lost])];
  const { config, target, options } = request;
  return {
    ...{ config, target, options, command, plan, hosts, primary, effects, recorder },
    deploy: id,
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

/** The undo could not be done over the connections and leases that the run had. */
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
  await journal(run, end).catch(() => run.effects.log.detail('the journal could not be closed'));
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

export { createRecorder, servingOn };
