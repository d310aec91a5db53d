import type { Config, HostModel, Target } from '../../config/model.ts';
import { deploy } from '../../deploy/deploy.ts';
import { warningsOf } from '../../deploy/plan/plan-text.ts';
import { createRecorder } from '../../deploy/report/recorder.ts';
import type { DeployReport } from '../../report/model.ts';
import type { OperationContext } from '../context.ts';
import { type ReportFiles, tell, tellingFailure } from './notify.ts';
import { connectTarget, loadTarget, requireDeployable, resolveBefore, resolveBeside } from './open.ts';
import { releaseName } from './release-name.ts';

export interface DeployOptions {
  readonly release: string | undefined;
  /** Image reference by service, over those of the compose files. */
  readonly images: Readonly<Record<string, string>>;
  readonly watchMs: number | undefined;
  readonly backup: boolean;
  readonly migrate: boolean;
  readonly preflight: boolean;
  readonly force: boolean;
  readonly replaceEdges: boolean;
  /** Wait until the old release has ended. */
  readonly wait?: boolean;
  /** Services of strategy `keep` to replace in place. */
  readonly replace: readonly string[];
}

/** A deploy or rollback that has ended and has been reported, whatever its result. */
export interface Deployed {
  readonly config: Config;
  readonly target: Target;
  readonly report: DeployReport;
  /** Undefined if they could not be written, which is only a warning. */
  readonly files: ReportFiles | undefined;
}

/**
 * Deploys a release to all hosts of a target, writes the report and notifies.
 *
 * @param targetName optional if there is only one target.
 */
export async function deployTarget(
  context: OperationContext,
  targetName: string | undefined,
  options: DeployOptions,
): Promise<Deployed> {
  const { log, clock } = context.effects;
  const recorder = createRecorder(log, clock);
  const loaded = await loadTarget(context, targetName);
  const early = {
    command: 'deploy' as const,
    config: loaded.config,
    target: loaded.target,
    recorder,
    hosts: [],
    release: options.release ?? 'this commit',
  };
  const { config, target, effects } = loaded;
  const { known, named } = await tellingFailure(context, early, effects, async () => ({
    known: await deployable(resolveBefore(loaded, options.images)),
    named: await releaseName(options.release, target, config.folder, context.effects),
  }));
  const opening = connectTarget(loaded);
  const models = (
    known === undefined ? deployable(resolveBeside(loaded, opening, options.images)) : Promise.resolve(known)
  ).then((all) => {
    // Before all else: a deploy that changes nothing shows them too.
    for (const warning of warningsOf(all)) recorder.warn(warning);
    return all;
  });
  // Always awaited: only its end removes its private files.
  await using _ended = { [Symbol.asyncDispose]: async () => void (await models.catch(() => {})) };
  models.catch(() => {});
  await using open = await tellingFailure(context, { ...early, ...named }, effects, () =>
    recorder.step(
      'connect',
      () => opening,
      ({ hosts }) => hosts.map((host) => host.name).join(', '),
    ),
  );
  const { hosts } = open;
  const { backup, migrate, force, replaceEdges, replace } = options;
  const report = await tellingFailure(context, { ...early, ...named, hosts }, effects, () =>
    deploy(
      {
        config,
        target,
        hosts,
        models,
        force,
        replaceEdges,
        replace,
        ...named,
        options: {
          backup,
          migrate,
          skipPreflight: !options.preflight,
          watchMs: options.watchMs,
          wait: options.wait === true,
        },
      },
      effects,
      recorder,
    ),
  );
  return { config, target, report, files: await tell(context, config, report) };
}

/** @throws UserErrors those of {@link requireDeployable}. */
async function deployable<M extends readonly HostModel[] | undefined>(models: Promise<M>): Promise<M> {
  const known = await models;
  if (known !== undefined) requireDeployable(known);
  return known;
}
