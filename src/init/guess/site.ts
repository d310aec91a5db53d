import { sectionOf } from '../render/yaml.ts';
import type { FrontGuess } from '../study/front.ts';
import type { Seen } from '../study/repository.ts';

/** A front end that is, or could be, published to a CDN. */
export interface SiteGuess {
  readonly front: FrontGuess | undefined;
  /** `cdn:` of the existing sluice.yml, unchanged. */
  readonly section: string | undefined;
}

export function guessSite({ front, present, presentText }: Seen): SiteGuess | undefined {
  const section = present?.cdn === undefined ? undefined : sectionOf(presentText ?? '', 'cdn');
  return front === undefined && section === undefined ? undefined : { front, section };
}
