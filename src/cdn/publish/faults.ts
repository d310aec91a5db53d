import { UserError } from '../../kernel/errors.ts';
import type { ObjectStore } from '../store.ts';

/** Another publication came in between. */
export function moved(consequence: string): UserError {
  return new UserError({
    code: 'cdn.moved',
    message: `Another release was published, or started, during this run. ${consequence}`,
    hint: 'Run sluice cdn status to see the live release. Run the command again if you still want this one.',
  });
}

/** Objects are missing in the store. */
export function lost(paths: readonly string[], consequence: string): UserError {
  const shown = paths.slice(0, 5).join(', ');
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : '';
  return new UserError({
    code: 'cdn.lost',
    message: `Objects are missing or replaced in the store: ${shown}${more}. ${consequence}`,
    hint: 'Another writer or a lifecycle rule changes the bucket. Publish from a build to restore missing files.',
  });
}

/** There is no release. */
export function nothingPublished({ name }: Pick<ObjectStore, 'name'>): UserError {
  return new UserError({
    code: 'cdn.release',
    message: `No release is published to ${name}`,
    hint: 'Run sluice cdn publish.',
  });
}
