import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, posix, relative, sep } from 'node:path';
import type { UserError } from '../../kernel/errors.ts';
import { mountKey, placeOfItem, type WrittenCompose } from '../compose/written.ts';
import { gitTop } from '../env/git-files.ts';
import type { ComposeModel, ComposeVolume } from '../model.ts';
import { type DataFolder, dataFolder } from './data-folder.ts';
import { code, data, dataFile, inHome, mixed, outside, type Wrong } from './faults.ts';
import { type FolderContent, isWithin } from './folder-content.ts';
import { holdsMount, type RepositoryImage, repositoryImage } from './image-holds.ts';
import {
  areSettings,
  folderKind,
  isCode,
  isDataFile,
  isDependencies,
  isFileLike,
  isMadeInImage,
  isSecret,
  isWrittenSettings,
} from './kinds.ts';

/** The repository that mounts are judged by. */
export interface Checkout {
  /** Folder of sluice.yml, absolute. */
  readonly folder: string;
  /** Top of the git repository; without git the folder. */
  readonly top: string;
  readonly written: WrittenCompose | undefined;
  readonly model: ComposeModel;
  /** Content of the writable sources in the repository, by absolute path. */
  readonly contents: ReadonlyMap<string, FolderContent>;
}

export function checkoutOf(
  model: ComposeModel,
  folder: string,
  written: WrittenCompose | undefined,
  contents: Checkout['contents'] = new Map(),
): Checkout {
  return { folder, top: gitTop(folder) ?? folder, written, model, contents };
}

/** How a source is handled. */
export type Judgement =
  /** A path of the server, as it is written. */
  | { readonly kind: 'host'; readonly warning?: string }
  | { readonly kind: 'carry'; readonly wrong: Wrong; readonly source: string; readonly note?: string }
  /** Data that the containers write: a folder of the app on the server. */
  | { readonly kind: 'data-folder'; readonly folder: DataFolder; readonly content: FolderContent }
  /** A development mount: the image has the code. */
  | { readonly kind: 'leave-out'; readonly shown: string }
  | { readonly kind: 'fault'; readonly shown: string; readonly fault: UserError };

/** Whose a path is: the server's, or the repository's. A path that is written relative is never the server's. */
export function judgeSource(
  checkout: Checkout,
  key: string,
  source: string,
  wrongAt: Pick<Wrong, 'owner' | 'target' | 'at'>,
): Judgement | { readonly kind: 'ours'; readonly wrong: Wrong } {
  const written = checkout.written?.sources.get(key);
  const isOurs = written === undefined ? isWithin(source, checkout.top) : !isAbsolute(written);
  const shown = written !== undefined && isOurs ? written : shownFrom(checkout.folder, source);
  const wrong: Wrong = { ...wrongAt, shown };
  if (written?.startsWith('~') === true) return { kind: 'fault', shown, fault: inHome(wrong) };
  if (isOurs && !isWithin(source, checkout.top)) return { kind: 'fault', shown, fault: outside(wrong) };
  if (isOurs) return { kind: 'ours', wrong };
  return isWithin(source, checkout.top)
    ? {
        kind: 'host',
        warning: `${source} is an absolute path, so it refers to the server, not to this checkout`,
      }
    : { kind: 'host' };
}

/**
 * How a bind mount is handled: the server's path, configuration that a release carries, a data folder of the app, a
 * development mount that is left out, or an error.
 *
 * @param volume of type bind, its source absolute and without escaped dollar signs.
 */
export async function judgeMount(
  checkout: Checkout,
  service: string,
  volume: ComposeVolume & { readonly source: string },
): Promise<Judgement> {
  const { source, target } = volume;
  const at = placeOfItem(checkout.written?.files ?? [], service, 'volumes', (item) =>
    isMountOf(item, target),
  );
  const judged = judgeSource(checkout, mountKey(service, target), source, {
    owner: `services.${service}.volumes`,
    target,
    at,
  });
  if (judged.kind !== 'ours') return judged;
  const { wrong } = judged;
  const { shown } = wrong;
  const refuse = (fault: UserError): Judgement => ({ kind: 'fault', shown, fault });
  const isWritable = volume.read_only !== true;
  const found = await stat(source).catch(() => undefined);
  const kind = folderKind(source, target);
  const content = isWritable ? checkout.contents.get(source) : undefined;
  const isBare = content !== undefined && content.files.length === 0;
  // The engine makes a folder of a missing file.
  const isFile =
    found === undefined || (found.isDirectory() && isBare)
      ? isFileLike(source, target)
      : !found.isDirectory();
  if (isFile && isWritable && isDataFile(posix.basename(source))) return refuse(dataFile(wrong));
  if (isFile) return { kind: 'carry', wrong, source, ...(isWritable ? { note: stays(shown) } : {}) };

  const image = await repositoryImage(service, checkout.model);
  if (image?.installs === true && isDependencies(target)) return { kind: 'leave-out', shown };
  const isCheckout = isWithin(checkout.folder, source);
  const isWhole = isCheckout || (image !== undefined && isWithin(image.context, source));
  if (!isWhole && isBare && mayBeData(volume, content))
    return { kind: 'data-folder', folder: dataFolder(shown), content };
  if (!isWhole && isWritable && kind === 'data')
    return refuse(isBare || content === undefined ? data(wrong) : mixed(wrong, content.files, 'untrack'));
  if (image !== undefined && (isWhole || isWritable) && (await holdsMount(image, source, target)))
    return { kind: 'leave-out', shown };
  if (isCheckout || (isWhole && kind !== 'configuration'))
    return refuse(codeFault(checkout, service, wrong, image, source));
  if (!isWritable) return { kind: 'carry', wrong, source };
  const files = content?.files ?? [];
  if (kind === 'configuration' || (files.length > 0 && areSettings(files)))
    return { kind: 'carry', wrong, source, note: stays(shown) };
  const isSource = isCode(target) && (image === undefined || isWithin(source, image.context));
  if (isSource) return refuse(codeFault(checkout, service, wrong, image, source));
  if (files.length > 0) return refuse(mixed(wrong, files, 'untrack'));
  const uncommitted = content?.uncommitted ?? [];
  return refuse(uncommitted.length > 0 ? mixed(wrong, uncommitted, 'ignore') : data(wrong));
}

function stays(shown: string): string {
  return `${shown} is deployed as configuration: files that the container writes there stay with this release`;
}

/**
 * Whether a folder that the repository has nothing in is data: not what a build makes, not keys that have been forgotten,
 * not settings that a program only reads, and not new files that are about to be committed.
 */
function mayBeData(
  { source, target }: { readonly source: string; readonly target: string },
  { uncommitted }: FolderContent,
): boolean {
  const kind = folderKind(source, target);
  if (kind === 'data') return true;
  // Scripts for a database's first start: none is as good as some, and Compose makes an empty folder of it.
  if (uncommitted.length === 0 && /^\/docker-entrypoint-initdb\.d(?:\/|$)/.test(target)) return true;
  if (uncommitted.length > 0 || isMadeInImage(target) || isMadeInImage(source)) return false;
  if (isSecret(source) || isSecret(target)) return false;
  return kind === undefined || isWrittenSettings(target);
}

function codeFault(
  { model, folder }: Checkout,
  service: string,
  wrong: Wrong,
  image: RepositoryImage | undefined,
  source: string,
): UserError {
  const isPart = !isWithin(folder, source);
  const way = isPart
    ? 'Then remove this mount; if it is configuration, add :ro instead.'
    : 'Then remove this mount.';
  if (image === undefined) {
    const name = model.services[service]?.image;
    const holder = name === undefined ? 'its image' : `the image ${name}`;
    return code(wrong, holder, `Add build: with a Dockerfile that copies the code. ${way}`);
  }
  const from = relative(image.context, source).split(sep).join('/') || '.';
  const copy = `COPY ${from} ${wrong.target}`;
  return code(
    wrong,
    `the image of ${image.dockerfile}`,
    `If production needs it, copy it in the Dockerfile: ${copy}. ${way}`,
  );
}

/** `./src:/app/src:ro`, or a map with the target. */
export function isMountOf(item: unknown, target: string): boolean {
  if (typeof item === 'string') {
    const parts = item.replace(/\$\{[^}]*(?:\}|$)/g, '$').split(':');
    const own = parts.length === 1 ? parts[0] : parts[1];
    return own !== undefined && trimmed(own) === trimmed(target);
  }
  const own = (item as { target?: unknown } | null)?.target;
  return typeof own === 'string' && trimmed(own) === trimmed(target);
}

function trimmed(path: string): string {
  return path.length > 1 ? path.replace(/(?<!\/)\/+$/, '') : path;
}

function shownFrom(folder: string, source: string): string {
  if (!isWithin(source, dirname(folder)) && relative(folder, source).startsWith('../../..')) return source;
  const path = relative(folder, source).split(sep).join('/');
  return path.startsWith('..') ? path : `./${path}`.replace(/\/$/, '');
}
