import { messageOf } from '../../kernel/errors.ts';
import { denied, unexpected } from './errors.ts';
import type { Login } from './model.ts';
import { realmOf, shown } from './origin.ts';

/** A registry's `WWW-Authenticate` (RFC 9110, 11.6.1; distribution's token authentication). */
export interface Challenge {
  readonly scheme: 'bearer' | 'basic';
  readonly parameters: Readonly<Record<string, string>>;
}

/** The first challenge of a kind we know. */
export function parseChallenge(header: string | null): Challenge | undefined {
  const match = /\b(bearer|basic)\s+(.*)$/is.exec(header ?? '');
  if (match === null)
    return /^\s*basic\s*$/i.test(header ?? '') ? { scheme: 'basic', parameters: {} } : undefined;
  const [, scheme = '', rest = ''] = match;
  const parameters: Record<string, string> = {};
  for (const [, key = '', quoted, bare] of rest.matchAll(
    /(?<![a-z_])([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi,
  )) {
    parameters[key.toLowerCase()] ??= quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '';
  }
  return { scheme: scheme.toLowerCase() === 'bearer' ? 'bearer' : 'basic', parameters };
}

export interface Ask {
  readonly host: string;
  /** The registry's own address, which the challenge comes from. */
  readonly base: URL;
  readonly challenge: Challenge;
  /** `repository:acme/app:pull,push`. */
  readonly scope: string;
  readonly login: Login | undefined;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
}

/**
 * The value of `Authorization` that answers a challenge of the registry itself; without a login, that of an anonymous token.
 *
 * @throws UserError `registry.denied`, `registry.protocol`.
 */
export async function authorize(ask: Ask): Promise<string> {
  const { challenge, login, host } = ask;
  if (challenge.scheme === 'basic') {
    if (login?.kind !== 'password') throw denied(host, ask.scope, undefined, login !== undefined);
    return basic(login);
  }
  const realm = realmOf(challenge.parameters.realm, ask.base);
  if ('fault' in realm) throw unexpected(host, `it ${realm.fault}`);
  const answer = await tokenAnswer(realm, ask);
  // Neither the user nor the registry has approved sending the login to another place.
  if (answer.status >= 300 && answer.status < 400)
    throw unexpected(host, `its token service ${shown(realm)} redirects (${answer.status})`);
  if (answer.status === 401 || answer.status === 403 || answer.status === 400) {
    throw denied(host, ask.scope, await bodyOf(answer), login !== undefined);
  }
  if (!answer.ok) throw unexpected(host, `its token service answers ${answer.status}`);
  const body = (await answer.json().catch(() => ({}))) as { token?: unknown; access_token?: unknown };
  const token = body.token ?? body.access_token;
  if (typeof token !== 'string' || token === '') throw unexpected(host, 'its token service returns no token');
  return `Bearer ${token}`;
}

async function tokenAnswer(realm: URL, ask: Ask): Promise<Response> {
  const { login, challenge, scope, signal } = ask;
  const service = challenge.parameters.service ?? '';
  try {
    if (login?.kind === 'identity') {
      // https://distribution.github.io/distribution/spec/auth/oauth/
      const form = {
        grant_type: 'refresh_token',
        refresh_token: login.token,
        service,
        scope,
        client_id: 'sluice',
      };
      return await ask.fetch(realm, {
        method: 'POST',
        body: new URLSearchParams(form),
        redirect: 'manual',
        signal,
      });
    }
    if (service !== '') realm.searchParams.set('service', service);
    realm.searchParams.set('scope', scope);
    const headers = login === undefined ? {} : { authorization: basic(login) };
    return await ask.fetch(realm, { headers, redirect: 'manual', signal });
  } catch (error) {
    signal.throwIfAborted();
    throw unexpected(ask.host, `its token service does not answer (${messageOf(error)})`);
  }
}

function basic(login: { readonly user: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
}

async function bodyOf(response: Response): Promise<string> {
  return (await response.text().catch(() => '')).slice(0, 500);
}
