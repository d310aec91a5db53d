import { UserError } from '../../kernel/errors.ts';
import { type DeployRun, type HostRun, onHosts } from '../context.ts';
import type { PlannedService } from '../model.ts';
import { lastLogs } from '../on-host/containers.ts';
import type { ContainerState } from '../on-host/state.ts';
import { projectService } from '../project/project.ts';
import type { Step } from '../transaction.ts';
import { startedServices } from './start.ts';
import { askHealth, type HealthAnswer, unwell } from './waiting/component-health.ts';
import { healthAsked } from './waiting/health-request.ts';
import { deadlineOf } from './waiting/start-deadline.ts';
import { refuseFailed, waitRunning } from './waiting/wait.ts';

/**
 * Waits until the new containers are well: running and healthy for the engine, up for the edge on the very path the
 * traffic will take, and well in every component they report.
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
    return `${checked.reduce((sum, count) => sum + count, 0)} services well`;
  },
};

const pollMs = 50;
/** From this round trip on the components are asked along with the edge, and not after it. */
const farMs = 20;
/** The engine is asked less often than the edge: it has the starting containers to think of. */
const inspectMs = 250;

/** Good answers that must follow each other: one may be the last of a container that ends. */
const wellTimes = 2;

/**
 * Tells the edge where the new containers are, and waits until it finds them up and their components are well, twice in
 * a row. A bad answer is no verdict before the start deadline is over: an app may need a moment until it has its
 * database. An ended container is one at once.
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
  const { colour } = hostRun.plan;
  const addresses = containers.flatMap((container) => Object.values(container.addresses).slice(0, 1));
  const begun = clock.elapsed();
  let deadline = planned.plan.startDeadlineMs;
  const isLate = () => clock.elapsed() - begun > deadline;
  let told = false;
  let inspected = begun;
  let isFar = false;
  let well = 0;
  const version = hostRun.plan.edges.find(({ service }) => service === planned.service)?.version;
  for (;;) {
    run.signal.throwIfAborted();
    try {
      if (!told) await guard.servers(colour, addresses);
      told = true;
      const inspectDue = well > 0 || clock.elapsed() - inspected >= inspectMs;
      if (inspectDue) inspected = clock.elapsed();
      const asked = clock.elapsed();
      // Side by side over a slow line, where one after the other would add to the time that everybody waits. Over a fast
      // one the starting app can use the processor better.
      const [status, early] = await Promise.all([
        guard.status(),
        isFar || well > 0 ? askComponents(hostRun, planned, containers) : undefined,
        inspectDue ? refuseEnded(run, hostRun, planned, containers) : undefined,
      ]);
      // An edge that is being reloaded may still answer by the process that ends, or not take its new settings at all.
      const isCurrent = version === undefined || status.version === version;
      if (!isCurrent) told = false;
      const up = status.colours[colour].up;
      const isUp = isCurrent && up >= planned.plan.replicas;
      const answers = isUp ? (early ?? (await askComponents(hostRun, planned, containers))) : [];
      well = isUp && answers.every(({ answer }) => answer.ok) ? well + 1 : 0;
      if (well >= wellTimes) return tellComponents(run, hostRun, planned, answers);
      isFar = clock.elapsed() - asked > farMs;
      note(isCurrent ? noteOf(planned, up, answers) : `the edge of ${planned.service} reads its settings`);
      if (!isCurrent && clock.elapsed() - begun > planned.plan.startDeadlineMs)
        throw notReloaded(hostRun, planned);
    } catch (error) {
      if (error instanceof UserError && error.code.startsWith('health.')) throw error;
      well = 0;
      // A new edge needs a moment until its socket answers.
      if (clock.elapsed() - begun > planned.plan.startDeadlineMs) throw error;
    }
    // The image's own health check may allow more than is known of it before it is there.
    if (isLate()) deadline = await deadlineOf(hostRun, planned.plan, containers);
    if (isLate()) throw await notUp(run, hostRun, planned, containers, deadline);
    // A slow line is pause enough.
    await clock.sleep(isFar ? 0 : pollMs, run.signal);
  }
}

function notReloaded(hostRun: HostRun, { service }: PlannedService): UserError {
  return new UserError({
    code: 'health.edge-settings',
    message: `${hostRun.host.name}: the edge of ${service} did not take its new settings`,
    hint: 'docker logs of its container has HAProxy’s reason.',
  });
}

/** `web 1/2 up in the edge`, `web: database is down`. */
function noteOf({ service, plan }: PlannedService, up: number, answers: readonly ComponentAnswer[]): string {
  const sick = answers.find(({ answer }) => !answer.ok)?.answer;
  if (sick === undefined) return `${service} ${up}/${plan.replicas} up in the edge`;
  const words = sick.unwell.map((name) => `${name} is ${sick.components[name]}`);
  return `${service}: ${words.join(', ') || `${plan.health} answers ${sick.status || 'nothing'}`}`;
}

/** A container that has ended will never be up; the edge alone would not say why. */
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
    // The endpoint itself may say which component is not well: that beats any other word.
    const why = await notUp(run, hostRun, planned, containers, planned.plan.startDeadlineMs);
    throw why.code === 'health.component' ? why : error;
  }
}

interface ComponentAnswer {
  readonly container: ContainerState;
  readonly answer: HealthAnswer;
}

/** Asks every container's health endpoint; services without one are not asked. */
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

/** Why it was not up in time. The endpoint itself may say which component is not well; the log says the rest. */
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
  const sick = answers.find(({ answer }) => !answer.ok);
  const shown = sick?.container ?? containers[0];
  const lines = shown === undefined ? '' : await lastLogs(hostRun.host, shown.id, 50);
  if (sick !== undefined && sick.answer.status > 0)
    return unwell(`${hostRun.host.name}: ${sick.container.name}`, plan.health ?? '', sick.answer, lines);
  const seconds = deadlineMs / 1000;
  return new UserError({
    code: 'health.timeout',
    message: `${hostRun.host.name}: ${service} was not up for the edge within ${seconds} s${plan.health === undefined ? '' : ` (${plan.health})`}`,
    hint: `Does it listen on that port on all addresses (0.0.0.0, not 127.0.0.1)? If it needs longer: services: { ${service}: { start-timeout: ${Math.ceil(seconds * 2)}s } }. Its last lines are below.`,
    output: lines,
  });
}
