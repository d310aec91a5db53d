import type { Config, Target } from '../../config/model.ts';
import type { Host } from '../../host/model.ts';
import { isCancellation } from '../../kernel/cancel.ts';
import { type DeployReport, scrubReport } from '../../report/model.ts';
import type { DeployEffects } from '../context.ts';
import { newDeployId } from '../deploy.ts';
import { layoutOf } from '../model.ts';
import { readHostState } from '../on-host/state.ts';
import type { Recorder } from './recorder.ts';
import { errorOf, runUrl, servingOn } from './report.ts';

/** A deploy or rollback that ended before its plan. */
export interface EarlyRun {
  readonly command: DeployReport['command'];
  readonly config: Config;
  readonly target: Target;
  /** The requested release, or a provisional name. */
  readonly release: string;
  /** Connected hosts. */
  readonly hosts: readonly Host[];
  readonly recorder: Recorder;
}

const harmless: ReadonlySet<string> = new Set(['connect', 'lease', 'resolve', 'preflight']);
/** A host that does not answer must not delay the report. */
const readMs = 5_000;

/**
 * Reports a run that ended before its plan (an unreachable host, a held lease, a registry that is down), in the same form
 * as any other run.
 *
 * @returns undefined if the run had started to change a host.
 */
export async function earlyReport(
  run: EarlyRun,
  error: unknown,
  effects: DeployEffects,
): Promise<DeployReport | undefined> {
  const { config, target, recorder, hosts } = run;
  if (!recorder.steps.every(({ name }) => harmless.has(name))) return undefined;
  const asked = await Promise.all(
    hosts.map(async (host) => {
      const reading = readHostState(host, config.app, layoutOf(host.config.root, config.app));
      const state = await Promise.race([reading, effects.clock.sleep(readMs)]).catch(() => undefined);
      return { host: host.name, state: state ?? undefined };
    }),
  );
  const silent = asked.filter(({ state }) => state === undefined).map(({ host }) => host);
  const apart = target.hosts
    .map(({ name }) => name)
    .filter((name) => !hosts.some((host) => host.name === name));
  const { env, clock } = effects;
  const cancelled = isCancellation(error, effects.signal);
  return scrubReport(
    {
      version: 1,
      app: config.app,
      target: target.name,
      command: run.command,
      deploy: newDeployId(clock.now()),
      release: run.release,
      outcome: 'failed-before-change',
      serving: asked.flatMap(({ host, state }) => (state === undefined ? [] : servingOn(host, state))),
      unreachable: [...apart, ...silent],
      startedAt: new Date(recorder.startedAt).toISOString(),
      finishedAt: new Date(clock.now()).toISOString(),
      runUrl: runUrl(env),
      actor: env.GITHUB_ACTOR ?? env.USER,
      hosts: [
        {
          name: target.hosts.length === 1 ? (target.hosts[0]?.name ?? '') : 'all hosts',
          steps: recorder.steps,
        },
      ],
      events: [],
      health: [],
      watch: [],
      images: [],
      env: { added: [], removed: [] },
      warnings: recorder.warnings,
      error: errorOf({ error }),
      nextAction: cancelled
        ? `Run \`sluice ${run.command} ${target.name}\` again when you are ready.`
        : `Fix the cause and run \`sluice ${run.command} ${target.name}\` again. Nothing was changed.`,
      counts: hosts
        .map((host) => host.counts())
        .reduce(
          (sum, count) => ({ execs: sum.execs + count.execs, forwards: sum.forwards + count.forwards }),
          {
            execs: 0,
            forwards: 0,
          },
        ),
    },
    effects.mask,
  );
}
