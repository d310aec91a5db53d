import type { VerifySettings } from '../../config/site.ts';
import { formatDuration } from '../../kernel/figures.ts';
import type { RequestTiming } from '../model.ts';

type Phase = keyof RequestTiming & keyof VerifySettings['budget'];

const names: Readonly<Record<Phase, string>> = {
  lookup: 'The DNS lookup',
  connect: 'The connection',
  tls: 'The TLS handshake',
  firstByte: 'The first byte',
  total: 'The root page as a whole',
};

/** Phases that took longer than their budget, one sentence each. */
export function timingFaults(timing: RequestTiming, budget: VerifySettings['budget']): string[] {
  return (Object.keys(names) as Phase[]).flatMap((phase) => {
    const [took, most] = [timing[phase], budget[phase]];
    if (took === undefined || most === undefined || took <= most) return [];
    return [`${names[phase]} took ${formatDuration(took)}, its budget is ${formatDuration(most)}`];
  });
}

/** Of several measurements the best of each phase: a CDN that has just forgotten a page has to fetch it first. */
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
