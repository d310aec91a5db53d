import { randomUUID } from 'node:crypto';
import type { VerifySettings } from '../../config/site.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Entry, VerifyReport } from '../model.ts';
import { firstLooks } from './choose.ts';
import { type Answer, type Limits, openConnections } from './exchange.ts';
import { type Fault, findingsOf } from './faults.ts';
import { examine, type Look, type Site } from './look.ts';
import { measure, movedBase, reach, redirectFaults, rootEntry } from './root.ts';
import { createPatience, lookAround } from './rounds.ts';
import { baseOf, shortened, shown } from './url.ts';

export interface VerifyInput {
  /** Public URL of the top of the site. */
  readonly url: string;
  /** The published release. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** Paths that the release changed, pages first; others are ignored. */
  readonly changed: readonly string[];
  readonly settings: VerifySettings;
  /** Name of the index pages. */
  readonly index: string;
  readonly spa: boolean;
  /** The previous release, to tell an outdated page from a foreign one. */
  readonly before?: { readonly number: number; readonly entries: ReadonlyMap<string, Entry> } | undefined;
}

export interface VerifyEffects {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: Pick<Log, 'detail'>;
  /** For a proxy. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly limits?: Partial<VerifyLimits>;
}

/** Limits of each request, and the most URLs to check. */
export type VerifyLimits = Limits & { readonly urls: number };

const usual: VerifyLimits = { answerMs: 10_000, wholeMs: 60_000, keep: 16 * 1024 * 1024, urls: 10_000 };
/** Requests in flight at a time. */
const atOnce = 8;

/**
 * Checks a published site through its public URL, as its visitors see it. Faults that time may fix are checked
 * again for `settings.forMs`: an invalidation takes a while.
 *
 * @returns also when the site does not answer at all; rejects only with the signal's reason.
 */
export async function verifySite(input: VerifyInput, effects: VerifyEffects): Promise<VerifyReport> {
  const { clock, signal } = effects;
  const { entries, settings, index, spa, before } = input;
  const begun = clock.elapsed();
  const limits = { ...usual, ...effects.limits };
  const connections = openConnections(atOnce, limits, signal, effects.env);
  const patience = createPatience(settings.forMs, clock, signal);
  const report = (rest: Pick<VerifyReport, 'pages' | 'assets' | 'findings' | 'timing'>): VerifyReport => ({
    url: shown(baseOf(input.url)),
    ...rest,
    ms: clock.elapsed() - begun,
  });
  try {
    const given = baseOf(input.url);
    const site: Site = { base: given, entries, index: entries.get(index), spa, settings, before };
    const changed = new Set(input.changed);
    const root: Look = { role: 'root', url: given, entry: site.index, changed: changed.has(index) };
    const first = await answerOf(root);
    if ('faults' in first) {
      const findings = findingsOf([{ url: given, faults: first.faults }]);
      return report({ pages: 0, assets: 0, findings, timing: undefined });
    }
    const base = movedBase(given, first);
    const there: Site = { ...site, base };
    const home: Look = { ...root, url: base, entry: rootEntry(base, first, entries, index) };
    const { timing, faults: slow } = await measure(home, first, there, connections);
    const looks = firstLooks(there, changed, index, `sluice-${randomUUID()}`);
    const seen = await lookAround({ look: home, seen: examine(home, first, there) }, looks, {
      site: there,
      changed,
      index,
      connections,
      atOnce,
      mostUrls: limits.urls,
      patience,
      log: effects.log,
    });
    const told = [
      ...seen.map((looked) => ({ url: looked.look.url, faults: looked.seen.faults })),
      { url: given, faults: redirectFaults(first) },
      { url: base, faults: slow },
    ];
    return report({
      pages: looks.filter(({ role }) => role === 'page').length,
      assets: seen.filter(({ look }) => look.role === 'asset').length,
      findings: findingsOf(told),
      timing,
    });

    /** Other URLs are useless until the root answers. */
    async function answerOf(look: Look): Promise<Answer | { readonly faults: readonly Fault[] }> {
      for (;;) {
        const answer = await reach(look, connections);
        if ('status' in answer) return answer;
        const { faults: why } = examine(look, answer, site);
        if (!patience.again(why)) return { faults: why };
        effects.log.detail(`${shortened(look.url)} ${answer.message}; retrying`);
        await patience.pause();
      }
    }
  } finally {
    connections.close();
  }
}
