import type { Clock } from '../../kernel/clock.ts';
import { UserError } from '../../kernel/errors.ts';
import { retry, retryAfterMs } from '../../kernel/retry.ts';
import { authorize, parseChallenge } from './access.ts';
import { denied, failing, isPassing, reasonOf, throttled, unexpected, unreachable } from './errors.ts';
import type { Login } from './model.ts';
import { nextOf, shown } from './origin.ts';

export interface RegistryEffects {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Receives every token before its first use. */
  readonly mask?: { add(value: string): void };
  readonly login: (host: string) => Promise<Login | undefined>;
  /** Attempts of a request that fails for a passing reason; default 4. */
  readonly tries?: number;
  /** Timeout of one request; default 30 s. */
  readonly requestMs?: number;
}

const defaultRequestMs = 30_000;
/** Pauses before the second, third and fourth attempt. */
const pausesMs = [250, 1_000, 3_000];
const longestPauseMs = 20_000;
/** Registries redirect to a blob store, once. */
const mostRedirects = 5;
const redirecting: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

interface Options {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly push?: boolean;
  /** Return every answer except 401. */
  readonly anyStatus?: boolean;
  readonly tries?: number;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Sends a request, authorized and retried. It returns answers with 2xx and 404, and throws the others as `registry.*`. */
export type Send = (path: string, repository: string, options: Options) => Promise<Answer>;

export function registryRequests(host: string, base: string, effects: RegistryEffects): Send {
  const { clock, signal, requestMs = defaultRequestMs } = effects;
  const tokens = new Map<string, Promise<string>>();
  let login: Promise<Login | undefined> | undefined;
  const loginOnce = () => (login ??= effects.login(host));
  const withTimeout = () => AbortSignal.any([signal, AbortSignal.timeout(requestMs)]);

  return async (path, repository, options) => {
    const tries = options.tries ?? effects.tries ?? pausesMs.length + 1;
    let askedMs: number | undefined;
    const answer = await retry(
      async () => {
        askedMs = undefined;
        const got = await authorized(path, repository, options).catch((error: unknown) => {
          signal.throwIfAborted();
          throw error instanceof UserError ? error : unreachable(host, reasonOf(error, requestMs));
        });
        askedMs = retryAfterMs(got.headers.get('retry-after'), clock.now());
        if (got.status === 429) throw throttled(host, got.text);
        if (got.status >= 500 || got.status === 408) throw failing(host, got.status, got.text);
        return got;
      },
      {
        clock,
        signal,
        pauseMs: (error, attempt) =>
          attempt < tries && isPassing(error)
            ? Math.min(askedMs ?? pausesMs[attempt - 1] ?? longestPauseMs, longestPauseMs)
            : undefined,
      },
    );
    if (options.anyStatus !== true) await throwIfRefused(answer, repository);
    return answer;
  };

  /** One request with the known token, or with a new one if the registry asks for it. */
  async function authorized(path: string, repository: string, options: Options): Promise<Answer> {
    const scope = `repository:${repository}:pull${options.push === true ? ',push' : ''}`;
    const known = await tokens.get(scope);
    const first = await followed(path, options, known);
    if (first.status !== 401) return first;
    const token = await tokenFor(scope, known, first);
    effects.mask?.add(token.replace(/^\w+ /, ''));
    const second = await followed(path, options, token);
    if (second.status === 401) throw denied(host, scope, second.text, (await loginOnce()) !== undefined);
    return second;
  }

  /** Requests that start together share one token. A token that was refused has expired and is replaced. */
  async function tokenFor(scope: string, expired: string | undefined, refusal: Answer): Promise<string> {
    const challenge = parseChallenge(refusal.headers.get('www-authenticate'));
    if (challenge === undefined) throw denied(host, scope, refusal.text, false);
    const current = await loginOnce();
    const shared = expired === undefined ? tokens.get(scope) : undefined;
    if (shared !== undefined) return shared;
    const token = authorize({
      host,
      base: new URL(base),
      challenge,
      scope,
      login: current,
      fetch: effects.fetch,
      signal: withTimeout(),
    });
    tokens.set(scope, token);
    token.catch(() => tokens.delete(scope));
    return token;
  }

  /** One request with its redirects. Only the registry's own origin gets the authorization. */
  async function followed(
    path: string,
    options: Options,
    authorization: string | undefined,
  ): Promise<Answer> {
    const ends = withTimeout();
    const own = new URL(`${base}${path}`);
    let url = own;
    let isOwn = true;
    for (let hops = 0; ; hops++) {
      const response = await effects.fetch(url, {
        method: options.method ?? 'GET',
        headers: { ...options.headers, ...(authorization === undefined || !isOwn ? {} : { authorization }) },
        ...(options.body === undefined ? {} : { body: options.body }),
        redirect: 'manual',
        signal: ends,
      });
      const { status, headers } = response;
      const location = headers.get('location');
      if (!redirecting.has(status) || location === null || options.push === true) {
        if (!isOwn && (status === 401 || status === 403))
          throw unexpected(
            host,
            `it redirects to ${shown(url)}, which answers ${status}; no login goes there`,
          );
        return { status, headers, text: await response.text() };
      }
      await response.body?.cancel();
      if (hops >= mostRedirects) throw unexpected(host, `it redirects more than ${mostRedirects} times`);
      const next = nextOf(url, location);
      if ('fault' in next) throw unexpected(host, `it ${next.fault}`);
      // After the first foreign origin, that origin chooses the address: no login from there on, not even back home.
      isOwn &&= next.origin === own.origin;
      url = next;
    }
  }

  async function throwIfRefused({ status, text, headers }: Answer, repository: string): Promise<void> {
    if (status < 300 || status === 404) return;
    if (status === 403) throw denied(host, repository, text, (await loginOnce()) !== undefined);
    const where = headers.get('location') === null ? '' : ' and points elsewhere';
    throw unexpected(host, `it answers ${status}${where}`, text);
  }
}
