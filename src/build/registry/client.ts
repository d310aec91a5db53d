import { createHash } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import { authorize, parseChallenge } from './access.ts';
import { denied, failing, reasonOf, throttled, unexpected, unreachable } from './errors.ts';
import type { Login, Manifest, Registry } from './model.ts';
import { isLoopback, nextOf, shown } from './origin.ts';

export interface RegistryEffects {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told every token before it is used. */
  readonly mask?: { add(value: string): void };
  readonly login: (host: string) => Promise<Login | undefined>;
  /** How often a request is sent that another try may fix; 4 by default. */
  readonly tries?: number;
  /** How long one may take; 30 s by default. */
  readonly requestMs?: number;
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const defaultRequestMs = 30_000;
/** Pauses before another try, ms. */
const pauses = [250, 1_000, 3_000];
const longestPauseMs = 20_000;
/** Tags come by the thousand; nobody has more versions than this. */
const maxPages = 20;
/** Registries send to a store and no further. */
const mostRedirects = 5;
const redirecting: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** A registry's API by its name in references (`ghcr.io`, `127.0.0.1:5000`, `docker.io`). */
export function openRegistry(host: string, effects: RegistryEffects): Registry {
  const base = `${isLoopback(host) ? 'http' : 'https'}://${host === 'docker.io' ? 'registry-1.docker.io' : host}`;
  const send = sender(host, base, effects);
  const one = (repository: string, reference: string) => `/v2/${repository}/manifests/${reference}`;
  const accept = { accept: manifestTypes };

  async function manifest(repository: string, reference: string): Promise<Manifest | undefined> {
    const answer = await send(one(repository, reference), repository, { headers: accept });
    if (answer.status === 404) return undefined;
    const text = answer.text;
    const digest = digestOf(text);
    if (reference.startsWith('sha256:') && reference !== digest) {
      throw unexpected(host, `what it gives for ${reference} has another digest`);
    }
    return { digest, mediaType: mediaTypeOf(answer), text };
  }

  function pathOfNext(next: string, from: string): string {
    const url = URL.canParse(next, from) ? new URL(next, from) : undefined;
    if (url?.origin === new URL(base).origin) return `${url.pathname}${url.search}`;
    throw unexpected(host, `its list of tags goes on at ${url === undefined ? 'no address' : shown(url)}`);
  }

  return {
    host,
    manifest,
    head: async (repository, reference) => {
      const answer = await send(one(repository, reference), repository, { method: 'HEAD', headers: accept });
      if (answer.status === 404) return undefined;
      const digest = answer.headers.get('docker-content-digest');
      if (digest !== null) return { digest, mediaType: mediaTypeOf(answer) };
      // The header is optional: without it the bytes say.
      const whole = await manifest(repository, reference);
      return whole === undefined ? undefined : { digest: whole.digest, mediaType: whole.mediaType };
    },
    json: async (repository, digest) => {
      const answer = await send(`/v2/${repository}/blobs/${digest}`, repository, {});
      if (answer.status === 404) throw unexpected(host, `it has no blob ${digest}, which a manifest names`);
      if (digestOf(answer.text) !== digest)
        throw unexpected(host, `what it gives for ${digest} has another digest`);
      try {
        return JSON.parse(answer.text) as unknown;
      } catch {
        throw unexpected(host, `the blob ${digest} is no JSON`);
      }
    },
    put: async (repository, tag, { mediaType, text, digest }) => {
      const answer = await send(one(repository, tag), repository, {
        method: 'PUT',
        headers: { 'content-type': mediaType },
        body: text,
        push: true,
      });
      const stored = answer.headers.get('docker-content-digest');
      if (answer.status === 404 || (stored !== null && stored !== digest)) {
        throw unexpected(host, `it did not take the manifest ${digest} under ${tag}`, answer.text);
      }
    },
    tags: async (repository) => {
      const tags: string[] = [];
      let path: string | undefined = `/v2/${repository}/tags/list?n=1000`;
      for (let page = 0; path !== undefined && page < maxPages; page++) {
        const answer = await send(path, repository, {});
        if (answer.status === 404) break;
        const body = parseJson(answer.text) as { tags?: readonly string[] | null } | undefined;
        tags.push(...(body?.tags ?? []));
        const next = /<([^<>]+)>;\s*rel="?next"?/.exec(answer.headers.get('link') ?? '')?.[1];
        path = next === undefined ? undefined : pathOfNext(next, `${base}${path}`);
      }
      return tags;
    },
    deleteTag: async (repository, tag) => {
      const options = { method: 'DELETE', push: true, anyStatus: true };
      const answer = await send(one(repository, tag), repository, options);
      return answer.status < 300 || answer.status === 404;
    },
    checkPush: async (repository) => {
      const answer = await send(`/v2/${repository}/blobs/uploads/`, repository, {
        method: 'POST',
        push: true,
      });
      const location = answer.headers.get('location');
      if (location === null || !URL.canParse(location, base)) return;
      const { pathname, search, origin } = new URL(location, base);
      if (origin !== new URL(base).origin) return;
      // What is not dropped here the registry drops by itself some day.
      await send(`${pathname}${search}`, repository, {
        method: 'DELETE',
        push: true,
        anyStatus: true,
        tries: 1,
      });
    },
  };
}

interface Options {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly push?: boolean;
  /** Give back every answer that is not 401. */
  readonly anyStatus?: boolean;
  readonly tries?: number;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Sends with authorization and another try after what may pass; gives back 2xx and 404, throws the rest. */
function sender(host: string, base: string, effects: RegistryEffects) {
  const tokens = new Map<string, Promise<string>>();
  let login: Promise<Login | undefined> | undefined;
  const { requestMs = defaultRequestMs } = effects;

  async function once(path: string, options: Options, authorization: string | undefined): Promise<Answer> {
    const signal = AbortSignal.any([effects.signal, AbortSignal.timeout(requestMs)]);
    const own = new URL(`${base}${path}`);
    let url = own;
    let isOwn = true;
    for (let hops = 0; ; hops++) {
      const response = await effects.fetch(url, {
        method: options.method ?? 'GET',
        headers: { ...options.headers, ...(authorization === undefined || !isOwn ? {} : { authorization }) },
        ...(options.body === undefined ? {} : { body: options.body }),
        redirect: 'manual',
        signal,
      });
      const location = response.headers.get('location');
      if (!redirecting.has(response.status) || location === null || options.push === true) {
        const { status, headers } = response;
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
      // Whoever has sent the request on says where it goes: it stays without a login, also on its way back.
      isOwn &&= next.origin === own.origin;
      url = next;
    }
  }

  async function authorized(path: string, repository: string, options: Options): Promise<Answer> {
    const scope = `repository:${repository}:pull${options.push === true ? ',push' : ''}`;
    const known = await tokens.get(scope);
    const answer = await once(path, options, known);
    if (answer.status !== 401) return answer;
    const challenge = parseChallenge(answer.headers.get('www-authenticate'));
    if (challenge === undefined) throw denied(host, scope, answer.text, false);
    login ??= effects.login(host);
    const who = await login;
    // Many requests begin at once; they share one token. One that is refused is asked for once more: it had expired.
    let token = known === undefined ? tokens.get(scope) : undefined;
    if (token === undefined) {
      const signal = AbortSignal.any([effects.signal, AbortSignal.timeout(requestMs)]);
      token = authorize({
        host,
        base: new URL(base),
        challenge,
        scope,
        login: who,
        fetch: effects.fetch,
        signal,
      });
      tokens.set(scope, token);
      token.catch(() => tokens.delete(scope));
    }
    const value = await token;
    effects.mask?.add(value.replace(/^\w+ /, ''));
    const second = await once(path, options, value);
    if (second.status === 401) throw denied(host, scope, second.text, who !== undefined);
    return second;
  }

  return async function send(path: string, repository: string, options: Options): Promise<Answer> {
    const tries = options.tries ?? effects.tries ?? pauses.length + 1;
    for (let attempt = 1; ; attempt++) {
      const answer = await authorized(path, repository, options).catch((error: unknown) => {
        effects.signal.throwIfAborted();
        if (isUserError(error)) throw error;
        return unreachable(host, reasonOf(error, requestMs));
      });
      const fault = 'status' in answer ? faultOf(answer) : answer;
      if (fault === undefined) {
        const refused =
          'status' in answer && options.anyStatus !== true ? await refusal(answer, repository) : undefined;
        if (refused !== undefined) throw refused;
        return answer as Answer;
      }
      if (attempt >= tries) throw fault;
      const asked =
        'status' in answer ? Number(answer.headers.get('retry-after') ?? Number.NaN) * 1000 : Number.NaN;
      const pause = Number.isFinite(asked) ? asked : (pauses[attempt - 1] ?? longestPauseMs);
      await effects.clock.sleep(Math.min(pause, longestPauseMs), effects.signal);
    }
  };

  /** What another try may mend. */
  function faultOf({ status, text }: Answer) {
    if (status === 429) return throttled(host, text);
    if (status >= 500 || status === 408) return failing(host, status, text);
    return undefined;
  }

  async function refusal({ status, text, headers }: Answer, repository: string) {
    if (status === 403) {
      login ??= effects.login(host);
      return denied(host, repository, text, (await login) !== undefined);
    }
    if (status < 300 || status === 404) return undefined;
    const where = headers.get('location') === null ? '' : ' and points elsewhere';
    return unexpected(host, `it answers ${status}${where}`, text);
  }
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function isUserError(error: unknown): boolean {
  return error instanceof Error && error.name === 'UserError';
}

function mediaTypeOf({ headers }: { readonly headers: Headers }): string {
  return (headers.get('content-type') ?? '').replace(/;[\s\S]*$/, '').trim();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
