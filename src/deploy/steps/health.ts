import { UserError } from '../../kernel/errors.ts';
import { askHealth, type HealthAnswer, refuseUnwell } from '../component-health.ts';
import { lastLogs } from '../containers.ts';
import { type DeployRun, type HostRun, onHosts } from '../context.ts';
import type { PlannedService } from '../model.ts';
import { projectService } from '../project.ts';
import type { ContainerState } from '../state.ts';
import type { Step } from '../transaction.ts';
import { startedServices } from './start.ts';
import { waitRunning } from './wait.ts';

/**
 * Waits until the new containers are well: running and healthy for the engine, up for the edge on the very path the
 * traffic will take, and well in every component they report.
 */
export const health: Step = {
  name: 'health',
  async apply(run, note) {
    const checked = await onHosts(run, async (each) => {
      const services = startedServices(each);
      const awaited = services.map((planned) => ({
        plan: planned.plan,
        project: projectService(planned.plan, each.plan.colour),
        // The edge's own check is faster than the engine's interval and closer to what clients get.
        viaEdge: planned.plan.strategy === 'blue-green' && planned.plan.health !== undefined,
      }));
      const running = await waitRunning(run, each, awaited, note);
      const web = services.filter((planned) => planned.plan.strategy === 'blue-green');
      await Promise.all(
        web.map((planned) => {
          const name = projectService(planned.plan, each.plan.colour);
          return waitInEdge(run, each, planned, running.get(name) ?? [], note);
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

/** Tells the edge where the new containers are, waits until it finds them up, then asks for their components. */
async function waitInEdge(
  run: DeployRun,
  each: HostRun,
  planned: PlannedService,
  containers: readonly ContainerState[],
  note: (text: string) => void,
): Promise<void> {
  const guard = each.guards.get(planned.service);
  if (guard === undefined) return;
  const { clock } = run.effects;
  const { colour } = each.plan;
  const addresses = containers.flatMap((container) => Object.values(container.addresses).slice(0, 1));
  const begun = clock.elapsed();
  let told = false;
  let inspected = begun;
  let isFar = false;
  for (;;) {
    run.signal.throwIfAborted();
    try {
      if (!told) await guard.servers(colour, addresses);
      told = true;
      const inspectDue = clock.elapsed() - inspected >= inspectMs;
      if (inspectDue) inspected = clock.elapsed();
      const asked = clock.elapsed();
      // Side by side over a slow line, where one after the other would add to the time that everybody waits. Over a fast
      // one the starting app can use the processor better.
      const [status, early] = await Promise.all([
        guard.status(),
        isFar ? askComponents(each, planned, containers) : undefined,
        inspectDue ? refuseEnded(run, each, planned, containers) : undefined,
      ]);
      const up = status.colours[colour].up;
      if (up >= planned.plan.replicas) {
        const isWell = early?.every(({ answer }) => answer.ok) === true;
        const answers = isWell ? early : await askComponents(each, planned, containers);
        return judgeComponents(run, each, planned, answers);
      }
      isFar = clock.elapsed() - asked > farMs;
      note(`${planned.service} ${up}/${planned.plan.replicas} up in the edge`);
    } catch (error) {
      if (error instanceof UserError && error.code.startsWith('health.')) throw error;
      // A new edge needs a moment until its socket answers.
      if (clock.elapsed() - begun > planned.plan.startDeadlineMs) throw error;
    }
    if (clock.elapsed() - begun > planned.plan.startDeadlineMs)
      throw await notUp(run, each, planned, containers);
    // A slow line is pause enough.
    await clock.sleep(isFar ? 0 : pollMs, run.signal);
  }
}

/** A container that has ended will never be up; the edge alone would not say why. */
async function refuseEnded(
  run: DeployRun,
  each: HostRun,
  planned: PlannedService,
  containers: readonly ContainerState[],
): Promise<void> {
  await Promise.all(
    containers.map(async (container) => {
      const { State } = await each.host.engine.getContainer(container.id).inspect();
      if (State.Health?.Status === 'unhealthy') throw await notUp(run, each, planned, [container]);
      if (State.Running && !State.Restarting) return;
      throw new UserError({
        code: 'health.exited',
        message: `${each.host.name}: ${container.name} ended with exit code ${State.ExitCode}`,
        hint: 'The container’s last lines are below.',
        output: await lastLogs(each.host, container.id, 50),
      });
    }),
  );
}

interface ComponentAnswer {
  readonly container: string;
  readonly answer: HealthAnswer;
}

/** Asks every container's health endpoint; services without one are not asked. */
async function askComponents(
  each: HostRun,
  planned: PlannedService,
  containers: readonly ContainerState[],
): Promise<ComponentAnswer[]> {
  const { health: path, ports } = planned.plan;
  const port = ports[0]?.port;
  if (path === undefined || port === undefined) return [];
  return await Promise.all(
    containers.map(async ({ name, addresses }) => ({
      container: name,
      answer: await askHealth(each.host, Object.values(addresses)[0] ?? '', port, path),
    })),
  );
}

/** @throws UserError `health.component` for the first container that is not well. */
function judgeComponents(
  run: DeployRun,
  each: HostRun,
  planned: PlannedService,
  answers: readonly ComponentAnswer[],
): void {
  const host = each.host.name;
  for (const { answer } of answers) {
    run.recorder.health({
      host,
      service: planned.service,
      components: answer.components,
      ok: answer.ok,
    });
  }
  for (const { container, answer } of answers)
    refuseUnwell(`${host}: ${container}`, planned.plan.health ?? '', answer);
}

async function notUp(
  run: DeployRun,
  each: HostRun,
  planned: PlannedService,
  containers: readonly ContainerState[],
): Promise<UserError> {
  // The endpoint itself may say which component is not well: that beats any log line.
  judgeComponents(run, each, planned, await askComponents(each, planned, containers));
  const [first] = containers;
  const seconds = planned.plan.startDeadlineMs / 1000;
  return new UserError({
    code: 'health.timeout',
    message: `${each.host.name}: ${planned.service} was not up for the edge within ${seconds} s${planned.plan.health === undefined ? '' : ` (${planned.plan.health})`}`,
    hint: 'Does it listen on that port on all addresses (0.0.0.0, not 127.0.0.1), and does the health path answer 2xx? Its last lines are below.',
    output: first === undefined ? '' : await lastLogs(each.host, first.id, 50),
  });
}
