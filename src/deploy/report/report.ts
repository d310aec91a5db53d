import { isCancellation } from '../../kernel/cancel.ts';
import { messageOf, userErrorsOf } from '../../kernel/errors.ts';
import { type DeployReport, type Outcome, type Serving, scrubReport } from '../../report/model.ts';
import type { DeployRun, HostRun } from '../context.ts';
import { listContainers, readHostState, type ServingState, servingColour } from '../on-host/state.ts';
import type { TransactionResult } from '../transaction.ts';

/** Builds the report of a deploy that has ended, with the releases that are serving now. */
export async function reportOf(run: DeployRun, result: TransactionResult): Promise<DeployReport> {
  const { recorder, effects, plan, primary } = run;
  const { facts } = recorder;
  const states = await Promise.all(
    run.hosts.map(async (hostRun) => ({
      host: hostRun.host.name,
      state: await readServing(run, hostRun).catch(() => undefined),
    })),
  );
  const counts = run.hosts.map((hostRun) => hostRun.host.counts());
  const backup = facts.backup;
  const serving = states.flatMap(({ host, state }) => (state === undefined ? [] : servingOn(host, state)));
  const outcome = isSplit(serving) ? 'split' : outcomeOf(run, result);
  return scrubReport(
    {
      version: 1,
      app: plan.app,
      target: plan.target,
      command: run.command,
      deploy: run.deploy,
      release: plan.release,
      previousRelease: primary.plan.previous?.release,
      outcome,
      serving,
      unreachable: states.filter(({ state }) => state === undefined).map(({ host }) => host),
      startedAt: new Date(recorder.startedAt).toISOString(),
      finishedAt: new Date(effects.clock.now()).toISOString(),
      runUrl: runUrl(effects.env),
      actor: effects.env.GITHUB_ACTOR ?? effects.env.USER,
      commit: primary.plan.record.commit,
      // Each step runs on all hosts at the same time, so one lane is enough.
      hosts: [{ name: run.hosts.length === 1 ? primary.host.name : 'all hosts', steps: recorder.steps }],
      events: facts.events,
      health: facts.health,
      watch: [...facts.watch.values()],
      ...(backup === undefined
        ? {}
        : { backup: { ...backup, file: `${primary.layout.backups}/${backup.name}.dump` } }),
      migration: facts.migration,
      ...(facts.carried.length === 0 ? {} : { carried: facts.carried }),
      images: primary.plan.services.map((planned) => ({
        service: planned.service,
        reference: planned.image,
      })),
      env: primary.plan.env,
      warnings: recorder.warnings,
      error: errorOf(result),
      nextAction: nextAction(run, result),
      counts: {
        execs: counts.reduce((sum, count) => sum + count.execs, 0),
        forwards: counts.reduce((sum, count) => sum + count.forwards, 0),
      },
    },
    effects.mask,
  );
}

/** Reads the serving release from the engine and the edges, and from files if an edge does not answer. */
async function readServing(run: DeployRun, hostRun: HostRun): Promise<ServingState> {
  const { host, layout, guards } = hostRun;
  const [containers, ...answers] = await Promise.all([
    listContainers(host.engine, run.config.app),
    ...[...guards].map(
      async ([service, guard]) => [service, await guard.status().catch(() => undefined)] as const,
    ),
  ]);
  const edges = Object.fromEntries(
    answers.flatMap(([service, status]) => (status ? [[service, status]] : [])),
  );
  const known = containers.every(({ edge, service }) => edge === undefined || service in edges);
  if (known && Object.keys(edges).length > 0) return { containers, edges, maps: {}, current: undefined };
  return await readHostState(host, run.config.app, layout);
}

/** Whether one service serves different releases on different hosts. */
function isSplit(serving: readonly Serving[]): boolean {
  const releases = new Map<string, Set<string>>();
  for (const { service, release } of serving) {
    releases.set(service, (releases.get(service) ?? new Set()).add(release));
  }
  return [...releases.values()].some((release) => release.size > 1);
}

/** The release that is serving on a host, by service. Edges come first: they decide what clients get. */
export function servingOn(host: string, state: ServingState): Serving[] {
  const running = state.containers.filter((container) => container.running && container.edge === undefined);
  const web = Object.entries(state.edges).flatMap(([service, status]) => {
    const container = running.find(
      (containerState) => containerState.service === service && containerState.colour === status.active,
    );
    const adopted = running.find(
      (containerState) => containerState.service === service && containerState.plain,
    );
    if (container === undefined && adopted === undefined) return [];
    const release = container?.release ?? 'the containers that ran before Sluice';
    return [{ host, service, release, colour: status.active }];
  });
  const active = servingColour(state);
  const workers = running
    .filter(
      (container) =>
        container.colour !== undefined && container.colour === active && !(container.service in state.edges),
    )
    .map((container) => ({
      host,
      service: container.service,
      release: container.release ?? '',
      colour: container.colour,
    }));
  const unique = new Map([...web, ...workers].map((worker) => [worker.service, worker]));
  return [...unique.values()];
}

function outcomeOf(run: DeployRun, result: TransactionResult): Outcome {
  if (result.outcome === 'confirmed') return 'confirmed';
  if (result.undoErrors.length > 0) return 'interrupted';
  const changed = run.recorder.steps.some((step) => ['data', 'start', 'migrate'].includes(step.name));
  if (!changed) return 'failed-before-change';
  const [known] = userErrorsOf(result.error);
  return known?.code === 'watch.reverted' ? 'reverted' : 'undone';
}

/** The error of the transaction in the report's form. */
export function errorOf(result: Pick<TransactionResult, 'error'>): DeployReport['error'] {
  if (result.error === undefined) return undefined;
  const [known] = userErrorsOf(result.error);
  if (known === undefined) return { code: 'bug', message: messageOf(result.error) };
  return { code: known.code, message: known.message, hint: known.hint, output: known.output };
}

function nextAction(run: DeployRun, result: TransactionResult): string {
  if (result.outcome === 'confirmed') return userErrorsOf(result.error)[0]?.hint ?? '';
  const name = run.target.name;
  if (result.undoErrors.length > 0) {
    const what = result.undoErrors.map(messageOf).join('; ');
    return `The undo did not complete (${what}). Run \`sluice status ${name}\`. The next \`sluice deploy ${name}\` finishes the undo.`;
  }
  if (isCancellation(result.error, run.effects.signal))
    return `Run \`sluice deploy ${name}\` again when you are ready.`;
  return `Fix the cause and run \`sluice deploy ${name}\` again. No cleanup is needed.`;
}

export function runUrl(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: id } = env;
  return server && repository && id ? `${server}/${repository}/actions/runs/${id}` : undefined;
}
