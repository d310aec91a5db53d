import type { Host } from '../../host/model.ts';
import { counted } from '../../kernel/figures.ts';
import { type HostRun, onHosts } from '../context.ts';
import type { ReleaseRecord } from '../model.ts';
import type { HostState } from '../on-host/state.ts';
import type { Step } from '../transaction.ts';

/** Removes releases beyond `keep`, with the images that no kept release needs. */
export const prune: Step = {
  name: 'prune',
  async apply(run) {
    const counts = await onHosts(run, async (hostRun) => {
      if (hostRun.state.journals >= keptJournals + journalsAtOnce) await pruneJournals(hostRun);
      const kept = new Set([hostRun.plan.release, hostRun.plan.previous?.release]);
      const { remove, images } = choosePruned(
        hostRun.state,
        hostRun.plan.record,
        kept,
        run.config.keep,
        hostRun.left,
      );
      if (remove.length > 0) {
        await hostRun.host.exec([
          'rm',
          '-rf',
          '--',
          ...remove.map((release) => hostRun.layout.release(release)),
        ]);
        await pruneFiles(hostRun, remove);
      }
      return { releases: remove.length, images: await removeImages(hostRun.host, images) };
    });
    const releases = counts.reduce((sum, count) => sum + count.releases, 0);
    const images = counts.reduce((sum, count) => sum + count.images, 0);
    return releases + images === 0
      ? 'nothing to remove'
      : `removed ${counted(releases, 'old release')} and ${counted(images, 'image')}`;
  },
};

/** Removes mounted files that no kept release and no container uses. Their folders are named by content hash. */
async function pruneFiles(hostRun: HostRun, removed: readonly string[]): Promise<void> {
  const { releases } = hostRun.state;
  const hashes = (records: readonly ReleaseRecord[]) => records.flatMap((record) => record.files);
  const needed = new Set(
    hashes([...releases.filter(({ release }) => !removed.includes(release)), hostRun.plan.record]),
  );
  const unneeded = hashes(releases.filter(({ release }) => removed.includes(release))).filter(
    (hash) => /^[0-9a-f]+$/.test(hash) && !needed.has(hash),
  );
  if (unneeded.length === 0) return;
  // The container of an unchanged service may come from a release that was removed long ago.
  const containers = await hostRun.host.engine.listContainers({ all: true });
  const mounted = containers.flatMap(({ Mounts }) => Mounts.map(({ Source }) => Source ?? ''));
  const folders = [...new Set(unneeded)]
    .map((hash) => `${hostRun.layout.files}/${hash}`)
    .filter((folder) => !mounted.some((source) => source === folder || source.startsWith(`${folder}/`)));
  if (folders.length > 0) await hostRun.host.exec(['rm', '-rf', '--', ...folders]);
}

/** Journals to keep; unfinished ones are always among the newest. */
const keptJournals = 200;
/** Journals are pruned only when this many more have gathered. */
const journalsAtOnce = 50;

async function pruneJournals(hostRun: HostRun): Promise<void> {
  const script = 'cd "$1" && ls | sort -r | tail -n "+$2" | while IFS= read -r f; do rm -f -- "$f"; done';
  await hostRun.host.script(script, {
    args: [hostRun.layout.journal, String(keptJournals + 1)],
    timeoutMs: 20_000,
  });
}

/**
 * Chooses the releases to remove, and the images that no release needs then.
 *
 * @param keep how many releases stay besides the current one: the newest ones.
 * @param left images that dead runs transferred.
 */
export function choosePruned(
  state: Pick<HostState, 'releases'>,
  current: ReleaseRecord,
  protectedNames: ReadonlySet<string | undefined>,
  keep: number,
  left: readonly string[] = [],
): { remove: string[]; images: string[] } {
  const others = state.releases.filter((record) => !protectedNames.has(record.release)).toReversed();
  const room = Math.max(
    0,
    keep - [...protectedNames].filter((name) => name && name !== current.release).length,
  );
  const removed = others.slice(room);
  const staying = [...state.releases.filter((release) => !removed.includes(release)), current];
  const needed = new Set(staying.flatMap(imagesOf));
  const images = new Set([...removed.flatMap(imagesOf), ...left].filter((image) => !needed.has(image)));
  return { remove: removed.map((record) => record.release), images: [...images] };
}

/** References of all images of a release. */
export function imagesOf(record: ReleaseRecord): string[] {
  return Object.values(record.model.services).flatMap((service) =>
    service.image === undefined ? [] : [service.image],
  );
}

/** @returns how many were removed. */
export async function removeImages(host: Host, images: readonly string[]): Promise<number> {
  // The engine refuses to remove an image that another app's container uses, as it should.
  const results = await Promise.allSettled(images.map((image) => host.engine.getImage(image).remove()));
  return results.filter((result) => result.status === 'fulfilled').length;
}
