import { messageOf, UserError, userErrorsOf } from '../../kernel/errors.ts';
import type { Manifest, Registry } from '../registry/model.ts';

/** An image that is in the registry already, and its new tags. */
export interface Publication {
  readonly name: string;
  readonly registry: string;
  readonly repository: string;
  readonly manifest: Manifest;
  readonly tags: readonly string[];
}

export interface PublishEffects {
  readonly registry: (host: string) => Registry;
  /**
   * For setting tags: on cancellation, requests in flight get a moment to finish. The registry may still execute an aborted
   * request, after Sluice has checked what to undo.
   */
  readonly registryForTags: (host: string) => Registry;
  /** The same for a few seconds after a cancellation, to undo tags that were set. */
  readonly registryForUndo: () => (host: string) => Registry;
  readonly signal: AbortSignal;
}

/** A tag that pointed to another image before. */
export interface MovedTag {
  readonly name: string;
  readonly tag: string;
  readonly from: string;
}

interface Change {
  readonly publication: Publication;
  readonly tag: string;
  /** The image that the tag points to now. */
  readonly before: Manifest | undefined;
}

/**
 * Sets all tags of all images, or none: a release is never visible in part. The images are in the registry, so no layer
 * is sent. If one tag fails, the others are restored; new tags are deleted if the registry allows it.
 *
 * @throws UserError `build.tags`, `registry.*` if none was set; the signal's reason.
 */
export async function publish(
  publications: readonly Publication[],
  effects: PublishEffects,
): Promise<readonly MovedTag[]> {
  const changes = (
    await Promise.all(publications.map((publication) => changesOf(publication, effects)))
  ).flat();
  effects.signal.throwIfAborted();
  const settled = await Promise.allSettled(changes.map((change) => put(change, effects.registryForTags)));
  const failed = settled.filter((result) => result.status === 'rejected');
  const [first] = failed;
  if (first !== undefined || effects.signal.aborted) {
    const left = await undo(changes, effects);
    effects.signal.throwIfAborted();
    throw tagsError(first?.reason, changes, left);
  }
  return changes.flatMap(({ publication, tag, before }) =>
    before === undefined ? [] : [{ name: publication.name, tag, from: before.digest }],
  );
}

/** Tags that do not point to the image yet. */
async function changesOf(publication: Publication, effects: PublishEffects): Promise<Change[]> {
  const registry = effects.registry(publication.registry);
  const all = await Promise.all(
    publication.tags.map(async (tag): Promise<Change | undefined> => {
      const now = await registry.head(publication.repository, tag);
      if (now?.digest === publication.manifest.digest) return undefined;
      const before = now === undefined ? undefined : await registry.manifest(publication.repository, tag);
      return { publication, tag, before };
    }),
  );
  return all.filter((change) => change !== undefined);
}

async function put({ publication, tag }: Change, registry: PublishEffects['registry']): Promise<void> {
  await registry(publication.registry).put(publication.repository, tag, publication.manifest);
}

/** Includes tags whose request failed, because the registry may have set them. @returns tags that are still wrong. */
async function undo(changes: readonly Change[], effects: PublishEffects): Promise<string[]> {
  const open = effects.registryForUndo();
  const left = await Promise.all(
    changes.map(async ({ publication, tag, before }) => {
      const registry = open(publication.registry);
      const { repository } = publication;
      try {
        const now = await registry.head(repository, tag);
        if (now?.digest !== publication.manifest.digest) return undefined;
        if (before !== undefined) await registry.put(repository, tag, before);
        else if (!(await registry.deleteTag(repository, tag))) return `${publication.name}:${tag}`;
        return undefined;
      } catch {
        return `${publication.name}:${tag}`;
      }
    }),
  );
  return left.filter((tag) => tag !== undefined);
}

function tagsError(reason: unknown, changes: readonly Change[], left: readonly string[]): unknown {
  const [known] = userErrorsOf(reason);
  if (known === undefined) return reason;
  if (changes.length === 1) return known;
  const state =
    left.length === 0
      ? 'no tag of this release is set'
      : `these tags could not be restored: ${left.join(', ')}`;
  return new UserError({
    code: 'build.tags',
    message: `${messageOf(known)}; ${state}`,
    hint: 'Run the command again. The images are in the registry, so it takes a second.',
    ...(known.output === undefined ? {} : { output: known.output }),
    cause: known,
  });
}
