import { carriedDigest } from '../../config/images/transferred.ts';
import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import type { CarriedRecord } from '../../report/model.ts';
import type { HostPlan, Layout } from '../model.ts';
import { assemble } from './assemble.ts';
import { readHoldings } from './holdings.ts';
import { type Holdings, hexOf, type LocalBlob, planImage, skippable } from './layers.ts';
import { keepRecords, loadImages, removeTags } from './load.ts';
import {
  type EngineEffects,
  type FoundImage,
  type LocalImages,
  openImages,
  requireLocal,
} from './local-images.ts';
import { diskFull, sendBlob } from './send.ts';

/** A host and the images that it lacks. */
export interface Recipient {
  readonly host: Host;
  readonly layout: Layout;
  readonly references: readonly string[];
}

export interface CarryEffects {
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  readonly detail: (text: string) => void;
}

/** A host has eight channels for all operations. */
const atOnce = 3;

/** Images for several hosts, inspected and saved once. */
export interface Cargo extends AsyncDisposable {
  carry(recipient: Recipient, effects: CarryEffects): Promise<CarriedRecord>;
}

/**
 * Checks, before any change, that the engine where Sluice runs has the images that hosts lack.
 *
 * @returns the images to transfer.
 * @throws UserError `image.nowhere`.
 */
export async function requireCarried(
  plans: readonly HostPlan[],
  effects: EngineEffects,
): Promise<readonly FoundImage[]> {
  const lacking = plans.filter((plan) => lackingImages(plan).length > 0);
  const references = [...new Set(lacking.flatMap(lackingImages))];
  return await requireLocal(
    references,
    lacking.map((plan) => plan.host),
    effects,
  );
}

/** Images of a plan to transfer to its host. */
export function lackingImages(plan: Pick<HostPlan, 'images'>): string[] {
  const missing = plan.images.filter((image) => !image.present).map(({ reference }) => reference);
  return missing.filter((reference) => carriedDigest(reference) !== undefined);
}

/**
 * Exports the images from the local engine, without layers that every host has.
 *
 * @throws UserError `image.nowhere`, `image.damaged`, `state.unreadable`.
 */
export async function openCargo(recipients: readonly Recipient[], effects: EngineEffects): Promise<Cargo> {
  const references = [...new Set(recipients.flatMap((recipient) => recipient.references))];
  const names = recipients.map(({ host }) => host.name);
  const [local, ...looked] = await Promise.all([
    requireLocal(references, names, effects),
    ...recipients.map(({ host, layout }) => readHoldings(host, layout)),
  ]);
  const holdings = new Map(recipients.map(({ host }, index) => [host, looked[index]] as const));
  const diffIds = local.map((image) => image.diffIds);
  const sparse = await openImages(references, skippable(looked, diffIds), effects);
  let whole: Promise<LocalImages> | undefined;
  return {
    carry: async (recipient, more) => {
      const found = holdings.get(recipient.host);
      if (found === undefined) throw new Error(`${recipient.host.name} is not a recipient of this cargo`);
      await removeTags(recipient.host, leftOf(recipient, found));
      const first = await carryOnce(recipient, sparse, found, false, more);
      if ('carried' in first) return first.carried;
      const { name } = recipient.host;
      if (!first.sparse) throw refusedError(name, first.refused);
      more.detail(`${name}: docker load: ${first.refused}`);
      more.note(`${name}: the host lacks more layers than expected, sending all of them`);
      whole ??= openImages(references, new Set(), effects);
      const afresh = { ...found, arrived: await leftToLoad(recipient) };
      const second = await carryOnce(recipient, await whole, afresh, true, more);
      if (!('carried' in second)) throw refusedError(name, second.refused);
      return { ...second.carried, bytes: first.bytes + second.carried.bytes };
    },
    [Symbol.asyncDispose]: async () => {
      await sparse[Symbol.asyncDispose]();
      await (await whole?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

/** Temporary tags of failed loads of these images. Another app's load may be in progress. */
function leftOf({ references }: Recipient, { leftTags }: Holdings): string[] {
  const repositoryOf = (reference: string) => reference.slice(0, reference.lastIndexOf(':'));
  const ours = new Set(references.map(repositoryOf));
  return leftTags.filter((tag) => ours.has(repositoryOf(tag)));
}

/** The files of a failed load may be its cause, so all are sent again. */
async function leftToLoad({ host, layout }: Recipient): Promise<Holdings['arrived']> {
  await host.exec(['rm', '-rf', '--', layout.incoming]);
  return new Map();
}

type Attempt =
  | { readonly carried: CarriedRecord }
  | { readonly refused: string; readonly sparse: boolean; readonly bytes: number };

async function carryOnce(
  { host, layout, references }: Recipient,
  source: LocalImages,
  holdings: Holdings,
  full: boolean,
  { signal, note }: CarryEffects,
): Promise<Attempt> {
  const images = source.images.filter(({ reference }) => references.includes(reference));
  const plans = images.map((image) => planImage(image, holdings, full));
  const layers = new Set(plans.flatMap((plan) => plan.layers.map(({ diffId }) => diffId)));
  const send = new Set(
    plans.flatMap((plan) => plan.layers.filter((layer) => layer.send).map((layer) => layer.diffId)),
  );
  const blobs = new Map<string, LocalBlob>();
  await inTurns([...send], async (diffId) => void blobs.set(diffId, await source.blob(diffId)));
  refuseFullDisk(host, layout, [...blobs.values()], holdings);

  let bytes = 0;
  const tell = throttled(() =>
    note(`${host.name}: ${send.size} of ${layers.size} layers, ${megabytes(bytes)} sent`),
  );
  const onBytes = (count: number) => {
    bytes += count;
    tell();
  };
  const unique = new Map([...blobs.values()].map((blob) => [blob.digest, blob]));
  await inTurns([...unique.values()], (blob) =>
    sendBlob(host, layout.incoming, blob, holdings.arrived, { signal, onBytes }),
  );
  const assembly = assemble(holdings.store, plans, blobs);
  if (unique.size === 0) await host.exec(['mkdir', '-p', '--', layout.incoming]);
  const { refused, bytes: told } = await loadImages(host, layout, assembly, holdings.lastArchive, signal);
  bytes += told;
  if (refused !== undefined) return { refused, sparse: send.size < layers.size, bytes };
  await keepRecords(host, layout, holdings, assembly.images);
  const counts = { images: images.length, layers: layers.size, moved: send.size };
  return { carried: { host: host.name, ...counts, bytes, full } };
}

function refuseFullDisk(host: Host, layout: Layout, blobs: readonly LocalBlob[], holdings: Holdings): void {
  if (holdings.freeBytes === undefined) return;
  const missing = blobs.map(({ digest, size }) => size - (holdings.arrived.get(hexOf(digest))?.bytes ?? 0));
  const needed = missing.reduce((sum, size) => sum + Math.max(0, size), 0);
  if (needed <= holdings.freeBytes) return;
  const output = `${megabytes(needed)} to send, ${megabytes(holdings.freeBytes)} free`;
  throw diskFull(host, layout.incoming, output);
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  let failed = false;
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined && !failed; item = queue.shift()) {
      await work(item).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  const broken = settled.find((result) => result.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
}

/** At most one line per second. */
function throttled(tell: () => void): () => void {
  let last = 0;
  return () => {
    const now = performance.now();
    if (now - last < 1_000) return;
    last = now;
    tell();
  };
}

/** `1.2 MB`, in decimal units as registries use. */
export function megabytes(bytes: number): string {
  return bytes < 100_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function refusedError(host: string, output: string): UserError {
  return new UserError({
    code: 'image.load-failed',
    message: `${host}: the Docker engine cannot load the images that were sent`,
    hint: 'Its message is below. Layers compressed with zstd need Docker 23 or newer.',
    output,
  });
}
