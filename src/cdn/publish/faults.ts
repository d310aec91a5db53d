import { UserError } from '../../kernel/errors.ts';
import type { ObjectStore } from '../store.ts';

/** Another publication has come between. */
export function moved(consequence: string): UserError {
  return new UserError({
    code: 'cdn.moved',
    message: `Another release was published, or begun, while this run was at work. ${consequence}`,
    hint: 'Look at what is live (sluice cdn status), and run again if this release is still wanted.',
  });
}

/** What the store should hold is not there. */
export function lost(paths: readonly string[], consequence: string): UserError {
  const shown = paths.slice(0, 5).join(', ');
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : '';
  return new UserError({
    code: 'cdn.lost',
    message: `The store does not hold what it should (any more): ${shown}${more}. ${consequence}`,
    hint: 'Somebody else deletes or writes in the bucket, or a lifecycle rule of it does. Publishing from a build mends what is missing.',
  });
}

/** There is no release to look at or to go back from. */
export function nothingPublished({ name }: Pick<ObjectStore, 'name'>): UserError {
  return new UserError({
    code: 'cdn.release',
    message: `Nothing was published to ${name} yet`,
    hint: 'sluice cdn publish does.',
  });
}
