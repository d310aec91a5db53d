import type Docker from 'dockerode';
import type { ServicePlan } from '../../../config/model.ts';
import { startDeadline } from '../../../config/services/strategies.ts';
import type { HostRun } from '../../context.ts';
import type { ContainerState } from '../../on-host/state.ts';

/**
 * How long a start may take by the containers' health check, including one that only the pulled image defines. Never
 * less than the plan's deadline.
 */
export async function deadlineOf(
  { host }: Pick<HostRun, 'host'>,
  plan: Pick<ServicePlan, 'startDeadlineMs' | 'startTimeout'>,
  containers: readonly Pick<ContainerState, 'id'>[],
): Promise<number> {
  if (plan.startTimeout === true) return plan.startDeadlineMs;
  const checks = await Promise.all(containers.map(({ id }) => healthcheckOf(host.engine, id)));
  return Math.max(
    plan.startDeadlineMs,
    ...checks.map((check) => (check === undefined ? 0 : deadlineBy(check))),
  );
}

type EngineCheck = NonNullable<Docker.ContainerInspectInfo['Config']['Healthcheck']>;

/** As the engine has merged it from the image and the compose file; undefined: no check, or the container is gone. */
async function healthcheckOf(engine: Docker, id: string): Promise<EngineCheck | undefined> {
  const found = await engine
    .getContainer(id)
    .inspect()
    .catch(() => undefined);
  return found?.Config.Healthcheck;
}

function deadlineBy({ Test, Interval, Retries, StartPeriod }: EngineCheck): number {
  if (Test === undefined || Test.length === 0 || Test[0] === 'NONE') return 0;
  return startDeadline({
    test: Test,
    ...(Interval === undefined ? {} : { interval: `${Interval}ns` }),
    ...(StartPeriod === undefined ? {} : { start_period: `${StartPeriod}ns` }),
    ...(Retries === undefined ? {} : { retries: Retries }),
  });
}
