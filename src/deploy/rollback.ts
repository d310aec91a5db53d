import { plain } from '../config/compose/load.ts';
import { passwordRegistry } from '../config/images/app-registry.ts';
import type { Config } from '../config/model.ts';
import { openNames, openTexts, secretsOf } from '../config/secrets/masking.ts';
import { UserError } from '../kernel/errors.ts';
import type { Mask } from '../kernel/masking/mask.ts';
import type { DeployReport } from '../report/model.ts';
import type { DeployEffects, HeldHost } from './context.ts';
import { type DeployRequest, deployRun, newDeployId, releaseHosts, transact, warnOfPlan } from './deploy.ts';
import { holdHosts } from './lease/held-hosts.ts';
import type { DeployPlan, ReleaseRecord } from './model.ts';
import type { HostState } from './on-host/state.ts';
import { findRelease, planHost } from './plan/host-plan.ts';
import { presentImages } from './project/images.ts';
import type { Recorder } from './report/recorder.ts';
import { wantedEdges } from './traffic/edges.ts';
import { requireCarried } from './transfer/transfer.ts';

export type RollbackRequest = Pick<DeployRequest, 'config' | 'target' | 'hosts' | 'options'> & {
  /** Release to roll back to; default: the previous one. */
  readonly release: string | undefined;
};

/**
 * Deploys an earlier release that the hosts still keep: no build, no upload, no registry. If its containers still
 * exist, it is a start and a switch. The database stays as it is.
 */
export async function rollback(
  request: RollbackRequest,
  effects: DeployEffects,
  recorder: Recorder,
): Promise<DeployReport> {
  const id = newDeployId(effects.clock.now());
  const held = await holdHosts({ ...request, deploy: id }, effects, recorder);
  try {
    const plan = await recorder.step(
      'resolve',
      () => planRollback(request, held, effects),
      (resolved) => `back to ${resolved.release}`,
    );
    const run = deployRun(request, 'rollback', id, { plan, files: [] }, held, effects, recorder);
    warnOfPlan(run);
    return await transact(run);
  } finally {
    await releaseHosts(held);
  }
}

async function planRollback(
  { config, target, release }: RollbackRequest,
  held: readonly HeldHost[],
  effects: DeployEffects,
): Promise<DeployPlan> {
  const name = release ?? previousRelease(held.map(({ state }) => state));
  const plans = await Promise.all(
    held.map(async ({ host, state }) => {
      const record = findRelease(state.releases, name, state.current);
      maskSecrets(config, record, effects.mask);
      return planHost({
        host: host.name,
        record,
        state,
        presentImages: await presentImages(host),
        edges: wantedEdges(record, state, config.edge.image),
        edgeImage: config.edge.image,
        rollback: true,
      });
    }),
  );
  await requireCarried(plans, effects);
  return {
    app: config.app,
    target: target.name,
    release: name,
    unchanged: false,
    hosts: plans,
    primary: held[0]?.host.name ?? '',
    // The record does not tell which images Sluice built; they are on the hosts already.
    passwordRegistry: config.registry === undefined ? undefined : passwordRegistry(config, [], effects.env),
  };
}

/** Containers' last log lines may be shown, and a rollback knows the secrets only from the record. */
function maskSecrets(config: Config, record: ReleaseRecord, mask: Mask): void {
  const open = new Set([...openTexts(config), ...openNames(record.model)]);
  mask.keep(open);
  for (const secret of secretsIn(record, open)) mask.add(secret);
}

/**
 * The nearest predecessor of the current release that every host still keeps; else the newest confirmed release that
 * every host keeps.
 *
 * @throws UserError `release.none`.
 */
export function previousRelease(
  states: readonly Pick<HostState, 'confirmed' | 'current' | 'releases' | 'tookOver'>[],
): string {
  const [first] = states;
  const everywhere = (name: string) =>
    states.every((state) => state.releases.some((record) => record.release === name));
  const line = first === undefined ? [] : lineBack(first);
  const all = [...line, ...(first?.confirmed.toReversed() ?? [])];
  const found = all.find((name) => name !== first?.current && everywhere(name));
  if (found !== undefined) return found;
  throw new UserError({
    code: 'release.none',
    message: 'There is no earlier release to roll back to',
    hint: 'A rollback needs a release that was confirmed and that every host still keeps. Deploy an older tag instead.',
  });
}

/** Predecessors of the current release, newest first. */
function lineBack({ current, tookOver }: Pick<HostState, 'current' | 'tookOver'>): string[] {
  const line: string[] = [];
  let name = current === undefined ? undefined : tookOver?.get(current);
  while (name !== undefined && !line.includes(name)) {
    line.push(name);
    name = tookOver?.get(name);
  }
  return line;
}

/** The record does not tell which variables came from a source of secrets, so every variable counts as a secret. */
function secretsIn(record: ReleaseRecord, open: ReadonlySet<string>): string[] {
  return Object.values(record.model.services).flatMap(({ environment }) =>
    Object.entries(environment ?? {}).flatMap(([name, value]) =>
      secretsOf(name, plain(value ?? ''), { isSecret: true, open }),
    ),
  );
}
