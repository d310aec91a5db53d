/** Limits of the retries of a request: whichever comes first. */
export const patience = { tries: 10, ms: 120_000 } as const;

const firstPauseMs = 100;
const longestPauseMs = 20_000;
/** Longest accepted Retry-After. */
const longestAskedMs = 60_000;

/**
 * The pause before the next try: random, up to a limit that doubles each time, so that requests that failed
 * together do not return together. @param tries so far, from 1. @param askedMs the least pause that the store
 * asked for.
 * @param chance from 0 to 1.
 */
export function pauseMs(tries: number, askedMs: number, chance: number): number {
  const limit = Math.min(longestPauseMs, firstPauseMs * 2 ** (tries - 1));
  return Math.max(Math.min(askedMs, longestAskedMs), Math.round(limit * chance));
}

/** Kinds of requests without an answer. */
export type Loss =
  /** It may have succeeded. */
  | 'lost'
  /** No server is reachable at the address: it was not sent. */
  | 'unreachable'
  /** The server is not trusted: retries are useless. */
  | 'untrusted';

const unreachable = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
const untrusted = /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/;

export function lossOf(error: unknown): Loss {
  const code = codeOf(error);
  if (unreachable.has(code)) return 'unreachable';
  return untrusted.test(code) ? 'untrusted' : 'lost';
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Tries at an address that has never answered: it is more likely wrong than down. */
export const triesUnreachable = 4;
