import { messageOf, UserError, userErrorsOf } from '../../kernel/errors.ts';
import type { Manifest, Registry } from '../registry/model.ts';

/** An image that is in the registry already, and the tags it is to get. */
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
   * For tags that are put: a cancellation lets what is under way come to its end, for a moment. A request that is broken
   * off may be carried out all the same, after it was looked whether there is something to undo.
   */
  readonly registryForTags: (host: string) => Registry;
  /** The same after a cancellation, for a few seconds: what has been begun is undone even then. */
  readonly registryForUndo: () => (host: string) => Registry;
  readonly signal: AbortSignal;
}

/** A tag that showed another image before. */
export interface MovedTag {
  readonly name: string;
  readonly tag: string;
  readonly from: string;
}

interface Change {
  readonly publication: Publication;
  readonly tag: string;
  /** What the tag shows now. */
  readonly before: Manifest | undefined;
}

/**
 * Puts all tags of all images, or none: a release is never visible in part. No layer moves, for the images are there.
 * When one can't be put, the others get back what they showed before; tags that are new are deleted, where the registry
 * allows it.
 *
 * @throws UserError `build.tags`, `registry.*` when none was put; the signal's reason.
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

/** Tags that do not show the image yet. */
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

/** All of them, also those whose request failed: the registry may have done it all the same. @returns what is left. */
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
      ? 'none of the release’s tags is set'
      : `these could not be put back: ${left.join(', ')}`;
  return new UserError({
    code: 'build.tags',
    message: `${messageOf(known)}; ${state}`,
    hint: 'Run again: the images are in the registry, so it takes a second.',
    ...(known.output === undefined ? {} : { output: known.output }),
    cause: known,
  });
}
