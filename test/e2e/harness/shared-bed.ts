import { buildVersions } from '../../bed/app/versions.ts';
import { upBed } from '../../bed/bed.ts';

/** Holds the bed for all workers of the project e2e-single, each of which has one of its hosts (world.ts). Called by vitest. */
export async function setup(): Promise<() => void> {
  const bed = await upBed({ hosts: 2, log: () => {} });
  await Promise.all([
    buildVersions(['v1', 'v2', 'v3', 'v4', 'v5'], () => {}),
    ...bed.hosts.map((host) => host.wipe()),
  ]);
  return () => bed.release();
}
