import { isAbsolute, join } from 'node:path';
import { formatPlace } from '../../kernel/errors.ts';
import type { GitEffects } from '../env/git-files.ts';
import { usesIn } from '../env/interpolate.ts';
import type { ComposeModel, ComposeService } from '../model.ts';
import { dataFolderNotes, dataRoot } from '../mounts/data-folder.ts';
import { isMountOf } from '../mounts/judge.ts';
import { planMounts, strategyView, withoutMounts } from '../mounts/plan.ts';
import { portFaults } from '../ports/clash.ts';
import { type ComposeText, composeTexts, mountKey, objectKey, rawItem } from './written.ts';

/** A model as a plan sees it. */
export interface LocalModel {
  /** Without the development mounts that are left out, and with data folders as strategies see them. */
  readonly model: ComposeModel;
  /** Faults, warnings and omissions of a plan in mounts and ports, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * A model for `sluice init`, which goes on where a plan refuses. The words are those of the plan.
 *
 * @param model resolved with stand-ins for variables: what depends on one is not judged.
 * @param folder of sluice.yml.
 * @param compose paths of the compose files, from that folder.
 */
export async function localModel(
  model: ComposeModel,
  folder: string,
  compose: readonly string[],
  effects: GitEffects,
): Promise<LocalModel> {
  const files = await composeTexts(compose.map((path) => (isAbsolute(path) ? path : join(folder, path))));
  const sources = new Map<string, string>();
  const services = Object.entries(model.services).map(
    ([name, service]) => [name, knownParts(name, service, files, sources)] as const,
  );
  for (const kind of ['secrets', 'configs'] as const) {
    for (const [name, { file }] of Object.entries(model[kind] ?? {})) {
      const written = rawItem(files, [kind, name, 'file']);
      if (file !== undefined && typeof written === 'string') sources.set(objectKey(kind, name), written);
    }
  }
  const known = { ...model, services: Object.fromEntries(services) };
  const written = { sources, files, envFile: new Set<string>() };
  const plan = await planMounts(known, folder, effects, { written });
  const faults = [...plan.faults, ...portFaults(known, { written })];
  const refused = faults.map(({ message, hint, at }) => {
    const place = at === undefined ? '' : `${formatPlace(at)}: `;
    return `${place}${message}.${hint === undefined ? '' : ` ${hint}`}`;
  });
  const leftOut = plan.mounts.filter(({ handling }) => handling === 'left out').map(({ key }) => key);
  const { model: without } = withoutMounts(model, new Set(leftOut));
  const kept = dataFolderNotes(plan, dataRoot('/opt/sluice', model.name));
  return {
    model: strategyView(without, plan),
    notes: [...refused, ...kept, ...plan.warnings, ...plan.notes],
  };
}

/** A service without the mounts and ports whose text has a variable that must be set: here it has a stand-in. */
function knownParts(
  name: string,
  service: ComposeService,
  files: readonly ComposeText[],
  sources: Map<string, string>,
): ComposeService {
  const isOpen = (item: unknown) =>
    usesIn(typeof item === 'string' ? item : JSON.stringify(item ?? '')).some(
      ({ fallback }) => fallback === undefined,
    );
  const volumes = service.volumes?.filter((volume) => {
    const item = rawItem(files, ['services', name, 'volumes'], (value) => isMountOf(value, volume.target));
    if (isOpen(item)) return false;
    const source = sourceOf(item);
    if (source !== undefined) sources.set(mountKey(name, volume.target), source);
    return true;
  });
  const ports = isOpen(rawItem(files, ['services', name, 'ports'])) ? [] : service.ports;
  return {
    ...service,
    ...(volumes === undefined ? {} : { volumes }),
    ...(ports === undefined ? {} : { ports }),
  };
}

/** The source of a mount as it is written; undefined where a variable with a default is in it. */
function sourceOf(item: unknown): string | undefined {
  const text =
    typeof item === 'string' ? item.split(':')[0] : (item as { source?: unknown } | undefined)?.source;
  return typeof text === 'string' && !text.includes('$') ? text : undefined;
}
