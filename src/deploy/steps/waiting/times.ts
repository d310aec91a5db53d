import type Docker from 'dockerode';
import type { ServicePlan } from '../../../config/model.ts';
import { startDeadline } from '../../../config/services/strategies.ts';
import type { HostRun } from '../../context.ts';
import type { ContainerState } from '../../on-host/state.ts';

/**
 * The times by which a deploy waits for containers and edges, in one place.
 *
 * How long it waits for health is a key of sluice.yml: `services.NAME.start-timeout`, else start_period + interval ×
 * retries of the health check ({@link startDeadline} in config/services/strategies.ts, with the defaults).
 * {@link deadlineOf} adds the health check of the pulled image. Other keys: `watch.for` and `watch.deadline` for the
 * watch, `drain` for the old release.
 */
export const times = {
  /** Pause between two listings of the containers, ms. */
  enginePollMs: 100,
  /** A container without a health check counts as running if it has not ended within this time, ms. */
  steadyMs: 1_000,

  /** Pause between two requests to the edge during the step `health`, ms. */
  edgePollMs: 50,
  /** The engine is inspected less often than the edge, because it is busy with the starting containers, ms. */
  inspectMs: 250,
  /** From this round trip on, components are requested together with the edge's status instead of after it, ms. */
  farMs: 20,
  /** Good answers in a row that make a container healthy: a single one may be the last of a container that ends. */
  goodAnswers: 2,

  /** Pause between two requests to the guards during the step `watch`, ms. */
  watchPollMs: 250,
  /** Pause between two requests to `watch.url`, ms. */
  urlPollMs: 1_000,
} as const;

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
