import { isAbsolute } from 'node:path';
import type { UserError } from '../../kernel/errors.ts';
import { plain } from '../compose/load.ts';
import { mountKey, objectKey, placeOfEntry, placeOfItem, type WrittenCompose } from '../compose/written.ts';
import type { GitEffects } from '../env/git-files.ts';
import type { CarriedFile, ComposeModel, ComposeService, ComposeVolume } from '../model.ts';
import type { SeenVolume } from '../services/stores.ts';
import { treesOf } from './carried-files.ts';
import { type DataFolder, dataFolder, mapVolumes } from './data-folder.ts';
import { data, joinFaults, joinLines, localFile } from './faults.ts';
import { type FolderContent, isWithin, readFolderContents } from './folder-content.ts';
import { type Checkout, checkoutOf, type Judgement, judgeMount, judgeSource } from './judge.ts';
import { isFileLike, isMadeInImage } from './kinds.ts';

/** How one source of a mount, secret or config is handled. */
export interface PlannedMount {
  /** `services.web:/etc/nginx/nginx.conf`, `secrets.key`. */
  readonly key: string;
  readonly source: string;
  /** Path on the server of a data folder; undefined before the server is known. */
  readonly place?: string;
  readonly handling: 'carried' | 'data folder' | 'left out' | 'on the server' | 'refused';
}

/** How all sources are handled that the services mount from this machine. */
export interface MountPlan {
  /** Without the development mounts. */
  readonly model: ComposeModel;
  /** Files that a release takes along, by {@link PlannedMount.key}. */
  readonly carried: Readonly<Record<string, readonly CarriedFile[]>>;
  /** Mounts of folders that the containers write to, by {@link PlannedMount.key}. */
  readonly folders: Readonly<Record<string, DataFolder>>;
  readonly mounts: readonly PlannedMount[];
  readonly faults: readonly UserError[];
  /** Differences from a fresh clone, and probable mistakes. */
  readonly warnings: readonly string[];
  /** Parts left out and why, one line each. */
  readonly notes: readonly string[];
}

/**
 * Decides for every bind mount, secret and config of a model whether it is a path of the server, configuration that a
 * release carries, a data folder of the app, a development mount that is left out, or a fault. It copies nothing and contacts no server.
 *
 * @param model as docker compose prints it, with `build:`.
 * @param folder of sluice.yml; files up to the top of its git repository may be carried.
 * @param written what the compose files say themselves; without it a path outside of the repository is the server's.
 */
export async function planMounts(
  model: ComposeModel,
  folder: string,
  effects: GitEffects,
  { written }: { readonly written?: WrittenCompose | undefined } = {},
): Promise<MountPlan> {
  const { top } = checkoutOf(model, folder, written);
  const { contents, problems } = await readFolderContents(writableSources(model, top), effects);
  const checkout = checkoutOf(model, folder, written, contents);
  const judged = withReaders(await judgeAll(checkout), model);
  const trees = await treesOf(judged, checkout, effects);
  const faults = [...volumeFaults(checkout), ...optionFaults(checkout)];
  const warnings = [...problems, ...trees.git.problems].map(
    (problem) => `${problem}: files that git ignores are treated as part of the repository`,
  );
  const notes: string[] = [];
  const carried: Record<string, readonly CarriedFile[]> = {};
  const folders: Record<string, DataFolder> = {};
  const mounts: PlannedMount[] = [];
  for (const { key, name, source, judgement } of judged) {
    const done = (handling: PlannedMount['handling'], shown = source) =>
      mounts.push({ key, source: shown, handling });
    if (judgement.kind === 'fault') {
      faults.push(judgement.fault);
      done('refused', judgement.shown);
    } else if (judgement.kind === 'host') {
      if (judgement.warning !== undefined) warnings.push(`${name}: ${judgement.warning}`);
      done('on the server');
    } else if (judgement.kind === 'data-folder') {
      folders[key] = judgement.folder;
      warnings.push(...folderWarnings(judgement.folder, judgement.content, name));
      done('data folder', judgement.folder.shown);
    } else if (judgement.kind === 'leave-out') {
      notes.push(`${name}: ${judgement.shown}:${targetOf(key)} is left out because the image contains it`);
      done('left out', judgement.shown);
    } else {
      const read = trees.of(judgement, name);
      warnings.push(...read.warnings);
      if (judgement.note !== undefined && read.files !== undefined) notes.push(`${name}: ${judgement.note}`);
      if (read.files !== undefined) carried[key] = read.files;
      if (read.fault !== undefined) faults.push(read.fault);
      done(read.fault === undefined ? 'carried' : 'refused', judgement.wrong.shown);
    }
  }
  const without = withoutMounts(model, new Set(judged.filter(isLeftOut).map(({ key }) => key)));
  return {
    model: without.model,
    carried,
    folders,
    mounts,
    faults: joinFaults(faults),
    warnings: joinLines(warnings),
    notes: joinLines([...notes, ...without.notes]),
  };
}

/** Sources of this checkout that containers may write to, once each. */
function writableSources(model: ComposeModel, top: string): string[] {
  const sources = Object.values(model.services).flatMap(({ volumes = [] }) =>
    volumes.flatMap(({ type, source, read_only: readOnly }) =>
      type === 'bind' && source !== undefined && readOnly !== true ? [plain(source)] : [],
    ),
  );
  return [...new Set(sources)].filter((source) => isWithin(source, top));
}

/** A folder that one service writes to and others read is one data folder on the server. */
function withReaders(judged: readonly Judged[], { services }: ComposeModel): readonly Judged[] {
  const written = judged.flatMap(({ source, judgement }) =>
    judgement.kind === 'data-folder' ? [{ source, judgement }] : [],
  );
  return judged.map((entry) => {
    const { key, name, source, judgement } = entry;
    if (judgement.kind !== 'carry' || services[name] === undefined) return entry;
    const owner = written.find((other) => isWithin(source, other.source));
    if (owner === undefined || (source !== owner.source && isFileLike(source, targetOf(key)))) return entry;
    const { content } = owner.judgement;
    return {
      ...entry,
      judgement: { kind: 'data-folder', folder: dataFolder(judgement.wrong.shown), content },
    };
  });
}

/** Content that a data folder on the server lacks at first. */
function folderWarnings({ shown }: DataFolder, content: FolderContent, name: string): string[] {
  const { kept, uncommitted } = content;
  const some = (paths: readonly string[]) =>
    `${paths.slice(0, 3).join(', ')}${paths.length > 3 ? ` and ${paths.length - 3} more` : ''}`;
  return [
    ...(uncommitted.length === 0
      ? []
      : [`${name}: ${shown} is data that a release does not include: its local files are not copied`]),
    ...(kept.length === 0
      ? []
      : [
          `${name}: ${shown} starts empty on the server: the app must create the folders that git keeps in it (${some(kept)})`,
        ]),
  ];
}

interface Judged {
  readonly key: string;
  /** The service, or `secrets.key`: how lines begin. */
  readonly name: string;
  readonly source: string;
  readonly judgement: Judgement;
}

async function judgeAll(checkout: Checkout): Promise<Judged[]> {
  const { model, written } = checkout;
  const all: Judged[] = [];
  for (const [name, service] of Object.entries(model.services)) {
    for (const volume of service.volumes ?? []) {
      if (volume.type !== 'bind' || volume.source === undefined) continue;
      const source = plain(volume.source);
      const judgement = await judgeMount(checkout, name, { ...volume, source });
      all.push({ key: mountKey(name, volume.target), name, source, judgement });
    }
  }
  for (const kind of ['secrets', 'configs'] as const) {
    for (const [name, { file }] of Object.entries(model[kind] ?? {})) {
      if (file === undefined || !isUsed(model, kind, name)) continue;
      const source = plain(file);
      const key = objectKey(kind, name);
      const at = placeOfEntry(written?.files ?? [], kind, name);
      const judged = judgeSource(checkout, key, source, { owner: key, at });
      const judgement: Judgement =
        judged.kind === 'ours' ? { kind: 'carry', wrong: judged.wrong, source } : judged;
      all.push({ key, name: key, source, judgement });
    }
  }
  return all;
}

/** One that a build alone uses never gets to a server. */
function isUsed({ services }: ComposeModel, kind: 'secrets' | 'configs', name: string): boolean {
  return Object.values(services).some((service) =>
    (service[kind] ?? []).some(
      (reference) => reference === name || (reference as { source?: unknown } | null)?.source === name,
    ),
  );
}

/** A named volume that is a folder of this machine (`driver_opts: { o: bind, device: ./data }`). */
function volumeFaults({ model, top, written }: Checkout): UserError[] {
  return Object.entries(model.volumes ?? {}).flatMap(([name, volume]) => {
    const options = (volume as { driver_opts?: { o?: unknown; device?: unknown } } | null)?.driver_opts;
    const { o, device } = options ?? {};
    if (typeof device !== 'string' || !/(?:^|,)r?bind(?:,|$)/.test(String(o ?? ''))) return [];
    const shown = plain(device);
    if (isAbsolute(shown) && !isWithin(shown, top)) return [];
    const users = Object.values(model.services).flatMap(({ volumes = [] }) =>
      volumes.filter((mount) => mount.type === 'volume' && mount.source === name),
    );
    const at = placeOfEntry(written?.files ?? [], 'volumes', name);
    return [
      data({
        owner: `volumes.${name}.driver_opts.device`,
        shown,
        target: users[0]?.target ?? 'no service',
        at,
      }),
    ];
  });
}

/** Files that docker compose reads where it starts containers: on the server. */
function optionFaults({ model, written }: Checkout): UserError[] {
  return Object.entries(model.services).flatMap(([name, service]) => {
    const options = Array.isArray(service['security_opt']) ? service['security_opt'].map(String) : [];
    return options.flatMap((option) => {
      const path = /^seccomp[:=](.+)$/.exec(option)?.[1];
      if (path === undefined || isAbsolute(path) || /^(?:unconfined|builtin)$|^\s*\{/.test(path)) return [];
      const at = placeOfItem(written?.files ?? [], name, 'security_opt', (item) => item === option);
      return [localFile(name, 'security_opt', path, at)];
    });
  });
}

function isLeftOut({ judgement }: Judged): boolean {
  return judgement.kind === 'leave-out';
}

/** The model without some mounts, and without the volumes that let the image's own folders show through them. */
export function withoutMounts(
  model: ComposeModel,
  keys: ReadonlySet<string>,
): { readonly model: ComposeModel; readonly notes: readonly string[] } {
  if (keys.size === 0) return { model, notes: [] };
  const notes: string[] = [];
  const without = (name: string, service: ComposeService): ComposeService => {
    const all = service.volumes ?? [];
    const gone = all.filter((volume) => volume.type === 'bind' && keys.has(mountKey(name, volume.target)));
    const isShield = ({ type, target }: ComposeVolume) =>
      type === 'volume' && isMadeInImage(target) && gone.some((mount) => isWithin(target, mount.target));
    for (const { target } of gone.length === 0 ? [] : all.filter(isShield))
      notes.push(`${name}: the volume at ${target} is left out because the image contains it`);
    return gone.length === 0
      ? service
      : { ...service, volumes: all.filter((volume) => !gone.includes(volume) && !isShield(volume)) };
  };
  const services = Object.entries(model.services).map(
    ([name, service]) => [name, without(name, service)] as const,
  );
  return { model: { ...model, services: Object.fromEntries(services) }, notes };
}

function targetOf(key: string): string {
  return key.slice(key.indexOf(':') + 1);
}

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
