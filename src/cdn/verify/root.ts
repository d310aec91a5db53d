import type { VerifySettings } from '../../config/site.ts';
import { formatDuration } from '../../kernel/figures.ts';
import type { Entry, RequestTiming } from '../model.ts';
import { type Answer, type Connections, follow } from './exchange.ts';
import { type Fault, odd, type Trouble } from './faults.ts';
import { type Look, requestOf, type Site } from './look.ts';
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

type Phase = keyof RequestTiming & keyof VerifySettings['budget'];

const names: Readonly<Record<Phase, string>> = {
  lookup: 'The DNS lookup',
  connect: 'The connection',
  tls: 'The TLS handshake',
  firstByte: 'The first byte',
  total: 'The whole root page',
};

/** Phases that took longer than their budget, one sentence each. */
export function timingFaults(timing: RequestTiming, budget: VerifySettings['budget']): string[] {
  return (Object.keys(names) as Phase[]).flatMap((phase) => {
    const [took, most] = [timing[phase], budget[phase]];
    if (took === undefined || most === undefined || took <= most) return [];
    return [`${names[phase]} took ${formatDuration(took)}; the budget is ${formatDuration(most)}`];
  });
}

/** The best of each phase. */
export function bestOf(one: RequestTiming, other: RequestTiming): RequestTiming {
  const best = (phase: Phase) => {
    const times = [one[phase], other[phase]].filter((time) => time !== undefined);
    return times.length === 0 ? {} : { [phase]: Math.min(...times) };
  };
  return {
    ...best('lookup'),
    ...best('connect'),
    ...best('tls'),
    firstByte: Math.min(one.firstByte, other.firstByte),
    total: Math.min(one.total, other.total),
  };
}
