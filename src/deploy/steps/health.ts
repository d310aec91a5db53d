import { UserError } from '../../kernel/errors.ts';
import { counted } from '../../kernel/figures.ts';
import { type DeployRun, type HostRun, onHosts } from '../context.ts';
import type { PlannedService } from '../model.ts';
import { lastLogs } from '../on-host/containers.ts';
import type { ContainerState } from '../on-host/state.ts';
import { projectService } from '../project/project.ts';
import type { GuardClient } from '../traffic/guard.ts';
import type { Step } from '../transaction.ts';
import { startedServices } from './start.ts';
import { askHealth, type HealthAnswer, healthAsked, unwell } from './waiting/component-health.ts';
import { deadlineOf, times } from './waiting/times.ts';
import { refuseFailed, waitRunning } from './waiting/wait.ts';

/**
 * Waits until the new containers are healthy: for the engine, for the edge on the path that traffic will take, and in
 * every component that they report. The times, and the key of sluice.yml for them, are in waiting/times.ts.
 */
export const health: Step = {
  name: 'health',
  async apply(run, note) {
    const checked = await onHosts(run, async (hostRun) => {
      const services = startedServices(hostRun);
      const awaited = services.map((planned) => ({
        plan: planned.plan,
        project: projectService(planned.plan, hostRun.plan.colour),
        // The edge's own check is faster than the engine's interval and closer to what clients get.
        viaEdge: planned.plan.strategy === 'blue-green' && planned.plan.health !== undefined,
      }));
      const running = await waitRunning(run, hostRun, awaited, note);
      const web = services.filter((planned) => planned.plan.strategy === 'blue-green');
      await Promise.all(
        web.map((planned) => {
          const name = projectService(planned.plan, hostRun.plan.colour);
          return waitInEdge(run, hostRun, planned, running.get(name) ?? [], note);
        }),
      );
      return services.length;
    });
    return `${counted(
      checked.reduce((sum, count) => sum + count, 0),
      'service',
    )} healthy`;
  },
};

/** A service whose new containers the edge does not find healthy yet. */
interface EdgeWait {
  readonly run: DeployRun;
  readonly hostRun: HostRun;
  readonly planned: PlannedService;
  readonly containers: readonly ContainerState[];
  readonly guard: GuardClient;
  /** The edge has the addresses of the new containers. */
  hasServers: boolean;
  inspectedAt: number;
  /** The line to the host is slow: requests go out side by side. */
  isFar: boolean;
  goodAnswers: number;
}

/**
 * Gives the edge the addresses of the new containers, and waits until it finds them up and their components are healthy,
 * several times in a row. Until the start deadline a bad answer decides nothing: an app may need a moment to reach its
 * database. A container that ends fails the step at once.
 */
async function waitInEdge(
  run: DeployRun,
  hostRun: HostRun,
  planned: PlannedService,
  containers: readonly ContainerState[],
  note: (text: string) => void,
): Promise<void> {
  const guard = hostRun.guards.get(planned.service);
  if (guard === undefined) return;
  const { clock } = run.effects;
  const begun = clock.elapsed();
  const isAfter = (limitMs: number) => clock.elapsed() - begun > limitMs;
  const { startDeadlineMs } = planned.plan;
  const wait: EdgeWait = {
    run,
    hostRun,
    planned,
    containers,
    guard,
    hasServers: false,
    inspectedAt: begun,
    isFar: false,
    goodAnswers: 0,
  };
  let deadlineMs = startDeadlineMs;
  for (;;) {
    run.signal.throwIfAborted();
    try {
      const { isCurrent, up, answers } = await askEdge(wait);
      if (wait.goodAnswers >= times.goodAnswers) return tellComponents(run, hostRun, planned, answers);
      note(isCurrent ? noteOf(planned, up, answers) : `the edge of ${planned.service} is reloading`);
      if (!isCurrent && isAfter(startDeadlineMs)) throw notReloaded(hostRun, planned);
    } catch (error) {
      if (error instanceof UserError && error.code.startsWith('health.')) throw error;
      wait.goodAnswers = 0;
      // A new edge needs a moment until its socket answers.
      if (isAfter(startDeadlineMs)) throw error;
    }
    // The health check of the pulled image may allow more time than the plan knew.
    if (isAfter(deadlineMs)) deadlineMs = await deadlineOf(hostRun, planned.plan, containers);
    if (isAfter(deadlineMs)) throw await notUp(run, hostRun, planned, containers, deadlineMs);
    // A slow line is pause enough.
    await clock.sleep(wait.isFar ? 0 : times.edgePollMs, run.signal);
  }
}

interface EdgeAnswer {
  /** The edge runs with the settings of this release. */
  readonly isCurrent: boolean;
  /** New replicas that the edge finds up. */
  readonly up: number;
  readonly answers: readonly ComponentAnswer[];
}

async function askEdge(wait: EdgeWait): Promise<EdgeAnswer> {
  const { run, hostRun, planned, containers, guard } = wait;
  const { clock } = run.effects;
  const { colour } = hostRun.plan;
  if (!wait.hasServers) await guard.servers(colour, addressesOf(containers));
  wait.hasServers = true;
  const asked = clock.elapsed();
  const inspectDue = wait.goodAnswers > 0 || asked - wait.inspectedAt >= times.inspectMs;
  if (inspectDue) wait.inspectedAt = asked;
  // Side by side over a slow line, where one after the other would add to the wait. Over a fast line the starting app
  // can use the processor better.
  const [status, early] = await Promise.all([
    guard.status(),
    wait.isFar || wait.goodAnswers > 0 ? askComponents(hostRun, planned, containers) : undefined,
    inspectDue ? refuseEnded(run, hostRun, planned, containers) : undefined,
  ]);
  // During a reload the old process may still answer, and an edge may refuse its new settings.
  const version = hostRun.plan.edges.find(({ service }) => service === planned.service)?.version;
  const isCurrent = version === undefined || status.version === version;
  if (!isCurrent) wait.hasServers = false;
  const { up } = status.colours[colour];
  const isUp = isCurrent && up >= planned.plan.replicas;
  const answers = isUp ? (early ?? (await askComponents(hostRun, planned, containers))) : [];
  wait.goodAnswers = isUp && answers.every(({ answer }) => answer.ok) ? wait.goodAnswers + 1 : 0;
  wait.isFar = clock.elapsed() - asked > times.farMs;
  return { isCurrent, up, answers };
}

/** The first address of each container. */
function addressesOf(containers: readonly ContainerState[]): string[] {
  return containers.flatMap(({ addresses }) => Object.values(addresses).slice(0, 1));
}

function notReloaded(hostRun: HostRun, { service }: PlannedService): UserError {
  return new UserError({
    code: 'health.edge-settings',
    message: `${hostRun.host.name}: the edge of ${service} did not load its new settings`,
    hint: 'Run docker logs for its container: HAProxy logs the reason.',
  });
}

/** `web 1/2 up at the edge`, `web: database is down`. */
function noteOf({ service, plan }: PlannedService, up: number, answers: readonly ComponentAnswer[]): string {
  const bad = answers.find(({ answer }) => !answer.ok)?.answer;
  if (bad === undefined) return `${service} ${up}/${plan.replicas} up at the edge`;
  const words = bad.unwell.map((name) => `${name} is ${bad.components[name]}`);
  const answer = bad.status === 0 ? 'does not answer' : `returns ${bad.status}`;
  return `${service}: ${words.join(', ') || `${plan.health} ${answer}`}`;
}

/** A container that has ended never comes up, and the edge does not know why. */
async function refuseEnded(
  run: DeployRun,
  hostRun: HostRun,
  planned: PlannedService,
  containers: readonly ContainerState[],
): Promise<void> {
  try {
    await refuseFailed(hostRun, containers);
  } catch (error) {
    const isUnhealthy = error instanceof UserError && error.code === 'health.unhealthy';
    if (!isUnhealthy) throw error;
    // The endpoint may name the unhealthy component, which is the best explanation.
    const why = await notUp(run, hostRun, planned, containers, planned.plan.startDeadlineMs);
    throw why.code === 'health.component' ? why : error;
  }
}

interface ComponentAnswer {
  readonly container: ContainerState;
  readonly answer: HealthAnswer;
}

/** Requests every container's health endpoint, if the service has one. */
async function askComponents(
  hostRun: HostRun,
  planned: PlannedService,
  containers: readonly ContainerState[],
): Promise<ComponentAnswer[]> {
  const asked = healthAsked(planned.plan);
  if (asked === undefined) return [];
  return await Promise.all(
    containers.map(async (container) => ({
      container,
      answer: await askHealth(hostRun.host, Object.values(container.addresses)[0] ?? '', asked),
    })),
  );
}

function tellComponents(
  run: DeployRun,
  hostRun: HostRun,
  { service }: PlannedService,
  answers: readonly ComponentAnswer[],
): void {
  for (const { answer } of answers)
    run.recorder.health({
      host: hostRun.host.name,
      service,
      components: answer.components,
      ok: answer.ok,
    });
}

/** The reason for a late start: the unhealthy component if the endpoint names one, and the container's last log lines. */
async function notUp(
  run: DeployRun,
  hostRun: HostRun,
  planned: PlannedService,
  containers: readonly ContainerState[],
  deadlineMs: number,
): Promise<UserError> {
  const answers = await askComponents(hostRun, planned, containers);
  tellComponents(run, hostRun, planned, answers);
  const { plan, service } = planned;
  const bad = answers.find(({ answer }) => !answer.ok);
  const shown = bad?.container ?? containers[0];
  const lines = shown === undefined ? '' : await lastLogs(hostRun.host, shown.id, 50);
  if (bad !== undefined && bad.answer.status > 0)
    return unwell(`${hostRun.host.name}: ${bad.container.name}`, plan.health ?? '', bad.answer, lines);
  const seconds = deadlineMs / 1000;
  return new UserError({
    code: 'health.timeout',
    message: `${hostRun.host.name}: ${service} did not come up at the edge within ${seconds} s${plan.health === undefined ? '' : ` (${plan.health})`}`,
    hint: `Check that it listens on that port on all addresses (0.0.0.0, not 127.0.0.1). If it needs longer, set \`services: { ${service}: { start-timeout: ${Math.ceil(seconds * 2)}s } }\` in sluice.yml. Its last log lines are below.`,
    output: lines,
  });
}
