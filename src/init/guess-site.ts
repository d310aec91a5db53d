import type { FrontGuess } from './front.ts';
import type { Seen } from './look.ts';

/** A front end that is, or could be, published to a CDN. */
export interface SiteGuess {
  readonly front: FrontGuess | undefined;
  /** `cdn:` of the sluice.yml that is there, as a person wrote it. */
  readonly section: string | undefined;
}

export function guessSite({ front, present, presentText }: Seen): SiteGuess | undefined {
  const section = present?.cdn === undefined ? undefined : sectionOf(presentText ?? '', 'cdn');
  return front === undefined && section === undefined ? undefined : { front, section };
}

/** The lines of a key at the top of a YAML file, and the comments that stand right above it. */
export function sectionOf(text: string, key: string): string | undefined {
  const lines = text.split(/\r?\n/);
  const begin = lines.findIndex((line) => line.startsWith(`${key}:`));
  if (begin < 0) return undefined;
  const after = lines.slice(begin + 1);
  const next = after.findIndex((line) => /^[^\s#]/.test(line));
  const own = next < 0 ? after : after.slice(0, next);
  // Comments at the margin, before the next key, are that key's.
  while (own.length > 0 && /^(?:#.*)?\s*$/.test(own.at(-1) ?? '')) own.pop();
  let top = begin;
  while (top > 0 && lines[top - 1]?.startsWith('#')) top--;
  return [...lines.slice(top, begin + 1), ...own].join('\n');
}
