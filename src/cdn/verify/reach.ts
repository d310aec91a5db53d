import type { Entry, RequestTiming } from '../model.ts';
import type { Answer, Connections } from './exchange.ts';
import { type Fault, odd } from './fault.ts';
import { follow } from './follow.ts';
import { type Look, requestOf, type Site } from './look.ts';
import { bestOf, timingFaults } from './timing.ts';
import type { Trouble } from './trouble.ts';
import { pathOf, shown } from './url.ts';

/** Requests the root page on a new connection, so that all phases are measured. */
export function reach(root: Look, connections: Connections): Promise<Answer | Trouble> {
  return follow(connections, root.url, { ...requestOf(root), fresh: true });
}

/** The top of the site after redirects: to https, or to the host with www. */
export function movedBase(base: URL, { redirects, url }: Answer): URL {
  if (redirects.length === 0 || url.origin === base.origin) return base;
  return new URL(base.pathname, url);
}

/** The entry that the root serves: another one if `/` redirects to `/en/`. */
export function rootEntry(
  base: URL,
  answer: Answer,
  entries: Site['entries'],
  index: string,
): Entry | undefined {
  const path = answer.redirects.length === 0 ? '' : (pathOf(base, answer.url) ?? '');
  return (
    entries.get(path) ?? entries.get(path + index) ?? entries.get(`${path}/${index}`) ?? entries.get(index)
  );
}

export function redirectFaults({ redirects, url }: Answer): Fault[] {
  if (redirects.length === 0) return [];
  return [odd('content', `redirects visitors to ${shown(url)}; set cdn.url to that URL`)];
}

/**
 * Times the root page. A time over its budget is measured twice more, and the best counts: after an
 * invalidation a CDN has to fetch the page first.
 */
export async function measure(
  root: Look,
  first: Answer,
  site: Site,
  connections: Connections,
): Promise<{ readonly timing: RequestTiming; readonly faults: readonly Fault[] }> {
  let { timing } = first;
  for (let more = 2; more > 0 && timingFaults(timing, site.settings.budget).length > 0; more--) {
    const again = await connections.exchange(first.url, { ...requestOf(root), fresh: true });
    if ('trouble' in again) break;
    timing = bestOf(timing, again.timing);
  }
  return {
    timing,
    faults: timingFaults(timing, site.settings.budget).map((message) => odd('timing', message)),
  };
}
