import { plain } from '../config/compose/load.ts';
import { passwordRegistry } from '../config/images/app-registry.ts';
import { openTexts, secretsOf } from '../config/secrets/masking.ts';
import { openNames } from '../config/secrets/open-names.ts';
import { UserError } from '../kernel/errors.ts';
import type { DeployReport } from '../report/model.ts';
import type { DeployEffects } from './context.ts';
import { type DeployRequest, deployRun, hostRun, newDeployId, transact } from './deploy.ts';
import { openSites } from './lease/held-hosts.ts';
import type { ReleaseRecord } from './model.ts';
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
  const { config, target } = request;
  const id = newDeployId(effects.clock.now());
  const sites = await openSites(config, target, request.hosts, id, effects, recorder);
  try {
    const plan = await recorder.step(
      'resolve',
      async () => {
        const name = request.release ?? previousRelease(sites.map((site) => site.state));
        const plans = await Promise.all(
          sites.map(async ({ host, state }) => {
            const record: ReleaseRecord = findRelease(state.releases, name, state.current);
            const open = new Set([...openTexts(config), ...openNames(record.model)]);
            effects.mask.keep(open);
            // Its containers' last log lines may be shown, and a rollback knows the secrets only from the record.
            for (const secret of secretsIn(record, open)) effects.mask.add(secret);
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
          primary: sites[0]?.host.name ?? '',
          // The record does not tell which images Sluice built; they are on the hosts already.
          passwordRegistry:
            config.registry === undefined ? undefined : passwordRegistry(config, [], effects.env),
        };
      },
      (resolved) => `back to ${resolved.release}`,
    );
    const hosts = sites.map((site, index) => hostRun(site, plan.hosts[index], []));
    const run = deployRun(request, 'rollback', id, plan, hosts, effects, recorder);
    for (const host of run.hosts) for (const warning of host.plan.warnings) recorder.warn(warning);
    return await transact(run);
  } finally {
    await Promise.all(sites.map((site) => site.keeper.release()));
  }
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
