import { createHash } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import { unexpected } from './errors.ts';
import { findLogin, type LoginEffects } from './logins.ts';
import type { Login, Manifest, Registry } from './model.ts';
import { isLoopback, shown } from './origin.ts';
import { type RegistryEffects, registryRequests } from './requests.ts';

export type { RegistryEffects } from './requests.ts';

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** Tags come by the thousand; no repository has more versions than this. */
const maxPages = 20;

/** A registry's API by its name in references (`ghcr.io`, `127.0.0.1:5000`, `docker.io`). */
export function openRegistry(host: string, effects: RegistryEffects): Registry {
  const base = `${isLoopback(host) ? 'http' : 'https'}://${host === 'docker.io' ? 'registry-1.docker.io' : host}`;
  const send = registryRequests(host, base, effects);
  const one = (repository: string, reference: string) => `/v2/${repository}/manifests/${reference}`;
  const accept = { accept: manifestTypes };

  async function manifest(repository: string, reference: string): Promise<Manifest | undefined> {
    const answer = await send(one(repository, reference), repository, { headers: accept });
    if (answer.status === 404) return undefined;
    const text = answer.text;
    const digest = digestOf(text);
    if (reference.startsWith('sha256:') && reference !== digest) {
      throw unexpected(host, `its content for ${reference} has another digest`);
    }
    return { digest, mediaType: mediaTypeOf(answer), text };
  }

  function pathOfNext(next: string, from: string): string {
    const url = URL.canParse(next, from) ? new URL(next, from) : undefined;
    if (url?.origin === new URL(base).origin) return `${url.pathname}${url.search}`;
    throw unexpected(
      host,
      `its list of tags continues at ${url === undefined ? 'an invalid address' : shown(url)}`,
    );
  }

  return {
    host,
    manifest,
    head: async (repository, reference) => {
      const answer = await send(one(repository, reference), repository, { method: 'HEAD', headers: accept });
      if (answer.status === 404) return undefined;
      const digest = answer.headers.get('docker-content-digest');
      if (digest !== null) return { digest, mediaType: mediaTypeOf(answer) };
      // The header is optional; without it, the digest is computed from the content.
      const whole = await manifest(repository, reference);
      return whole === undefined ? undefined : { digest: whole.digest, mediaType: whole.mediaType };
    },
    json: async (repository, digest) => {
      const answer = await send(`/v2/${repository}/blobs/${digest}`, repository, {});
      if (answer.status === 404)
        throw unexpected(host, `it lacks the blob ${digest}, which a manifest names`);
      if (digestOf(answer.text) !== digest)
        throw unexpected(host, `its content for ${digest} has another digest`);
      try {
        return JSON.parse(answer.text) as unknown;
      } catch {
        throw unexpected(host, `the blob ${digest} is not JSON`);
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
        throw unexpected(host, `it did not accept the manifest ${digest} as ${tag}`, answer.text);
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
      // If this fails, the registry drops the upload itself after some days.
      await send(`${pathname}${search}`, repository, {
        method: 'DELETE',
        push: true,
        anyStatus: true,
        tries: 1,
      });
    },
  };
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
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

export interface RegistriesEffects extends LoginEffects {
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  readonly tries?: number;
  readonly requestMs?: number;
}

/** Each registry by its name, opened once. @param logins those of the environment, over `docker login`. */
export function openRegistries(
  logins: ReadonlyMap<string, Login>,
  effects: RegistriesEffects,
): (host: string) => Registry {
  const open = new Map<string, Registry>();
  return (host) => {
    const registry =
      open.get(host) ?? openRegistry(host, { ...effects, login: (name) => findLogin(name, logins, effects) });
    open.set(host, registry);
    return registry;
  };
}
