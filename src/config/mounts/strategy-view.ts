import type { ComposeModel } from '../compose/types.ts';
import type { SeenVolume } from '../services/stores.ts';
import { mapVolumes } from './data-folder.ts';
import type { MountPlan } from './plan.ts';

/**
 * A model for the strategies: data folders are marked and have the names that the compose file gives them, and
 * files of the release count as read-only, because what a container writes there is not shared data.
 */
export function strategyView(model: ComposeModel, { carried, folders }: MountPlan): ComposeModel {
  return mapVolumes(model, (volume, key): SeenVolume => {
    const folder = Object.hasOwn(folders, key) ? folders[key] : undefined;
    if (folder !== undefined) return { ...volume, source: folder.shown, isData: true };
    return Object.hasOwn(carried, key) ? { ...volume, read_only: true } : volume;
  });
}
