/** An answer of the store, as the edge passes it on. */
export interface Kept {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface Found {
  readonly kept: Kept;
  /** Seconds. */
  readonly age: number;
  readonly cache: 'Hit' | 'Miss' | 'RefreshHit' | 'Error';
}

interface Place {
  readonly kept: Kept;
  readonly since: number;
  readonly until: number;
}

export interface EdgeStoreOptions {
  readonly now: () => number;
  readonly untilPurged: boolean;
  readonly errorMs: number;
}

/** What an edge has kept, by path. */
export class EdgeStore {
  readonly #options: EdgeStoreOptions;
  readonly #places = new Map<string, Place>();
  /** Requests to the store that are on their way: many visitors at once cause one. */
  readonly #coming = new Map<string, Promise<Found>>();
  #purges = 0;

  constructor(options: EdgeStoreOptions) {
    this.#options = options;
  }

  /** @param fetch asks the store; with an ETag only for something else. */
  get(path: string, fetch: (etag: string | undefined) => Promise<Kept>): Promise<Found> {
    const { now } = this.#options;
    const place = this.#places.get(path);
    if (place !== undefined && now() < place.until) {
      return Promise.resolve({
        kept: place.kept,
        age: Math.floor((now() - place.since) / 1000),
        cache: place.kept.status < 400 ? 'Hit' : 'Error',
      });
    }
    const known = this.#coming.get(path);
    if (known !== undefined) return known;
    const coming = this.#fetch(path, place, fetch).finally(() => {
      if (this.#coming.get(path) === coming) this.#coming.delete(path);
    });
    this.#coming.set(path, coming);
    return coming;
  }

  purge(paths: readonly string[]): void {
    this.#purges++;
    // Who asks from now on must not get what was asked for before.
    this.#coming.clear();
    for (const path of this.#places.keys()) {
      const gone = paths.some((other) =>
        other.endsWith('*') ? path.startsWith(other.slice(0, -1)) : path === other,
      );
      if (gone) this.#places.delete(path);
    }
  }

  async #fetch(
    path: string,
    place: Place | undefined,
    fetch: (etag: string | undefined) => Promise<Kept>,
  ): Promise<Found> {
    const purges = this.#purges;
    const answer = await fetch(place?.kept.status === 200 ? place.kept.headers['etag'] : undefined);
    const fresh = answer.status === 304 && place !== undefined;
    const kept = fresh
      ? { ...place.kept, headers: { ...place.kept.headers, ...refreshed(answer.headers) } }
      : answer;
    const since = this.#options.now();
    // What the store said before a purge is not kept after it.
    if (purges === this.#purges) this.#places.set(path, { kept, since, until: since + this.#lifetime(kept) });
    return { kept, age: 0, cache: kept.status >= 400 ? 'Error' : fresh ? 'RefreshHit' : 'Miss' };
  }

  /** ms. */
  #lifetime({ status, headers }: Kept): number {
    if (status >= 400) return this.#options.errorMs;
    if (this.#options.untilPurged) return Number.POSITIVE_INFINITY;
    const said = headers['cache-control'] ?? '';
    if (/\bno-(?:store|cache)\b|\bprivate\b/.test(said)) return 0;
    const seconds = /\bs-maxage=(\d+)/.exec(said)?.[1] ?? /\bmax-age=(\d+)/.exec(said)?.[1];
    // CloudFront's default where the store says nothing: a day.
    return seconds === undefined ? 86_400_000 : Number(seconds) * 1000;
  }
}

/** What a 304 says anew (RFC 9111, 3.2). Its Content-Type is that of an empty answer: versitygw calls it XML. */
function refreshed(headers: Kept['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => /^(?:cache-control|etag|expires|last-modified)$/.test(name)),
  );
}
