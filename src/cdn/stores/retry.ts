/** How long a request is tried: whichever comes first. */
export const patience = { tries: 10, ms: 120_000 } as const;

const firstPauseMs = 100;
const longestPauseMs = 20_000;
/** A store that asks for more is not waited for. */
const longestAskedMs = 60_000;

/**
 * The pause before the next try: anything up to a limit that doubles each time, so that requests that failed together do not
 * come back together.
 *
 * @param tries how many there have been, from 1.
 * @param askedMs what the store asked for, at least.
 * @param chance from 0 to 1.
 */
export function pauseMs(tries: number, askedMs: number, chance: number): number {
  const limit = Math.min(longestPauseMs, firstPauseMs * 2 ** (tries - 1));
  return Math.max(Math.min(askedMs, longestAskedMs), Math.round(limit * chance));
}

/** What happened to a request that got no answer. */
export type Loss =
  /** It may have been carried out. */
  | 'lost'
  /** There is nobody at that address, or not now: it was not sent. */
  | 'nobody'
  /** Whoever is there is not to be trusted; no repeating changes that. */
  | 'untrusted';

const nobody = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
const untrusted = /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/;

export function lossOf(error: unknown): Loss {
  const code = codeOf(error);
  if (nobody.has(code)) return 'nobody';
  return untrusted.test(code) ? 'untrusted' : 'lost';
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Tries at an address where nobody has answered yet: it is rather wrong than down. */
export const triesAtNobody = 4;
