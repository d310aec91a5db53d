import { Histogram } from './histogram.ts';
import {
  type Asked,
  type ClientName,
  type ClientResult,
  type FailureGroup,
  type FailureKind,
  type FailureSample,
  type LoadResult,
  requestClients,
  samplesPerGroup,
  type VersionSeen,
  type WebSocketCut,
} from './model.ts';

/** Answers that come at once tell when a version served; a slow one may have been asked for long before. */
const quick: ReadonlySet<ClientName> = new Set(['keep-alive', 'fresh', 'post']);

interface Client {
  requests: number;
  failed: number;
  latency: Histogram;
  /** By URL: when the last good answer came, and the longest wait between two. */
  readonly gaps: Map<string, { lastGoodAt: number; longest: number }>;
}

/** Everything the clients saw. Bookkeeping only: it knows no sockets and no timers. */
export class Tally {
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #clients: Readonly<Record<ClientName, Client>>;
  readonly #failures = new Map<string, FailureGroup>();
  readonly #samples: FailureSample[] = [];
  readonly #versions = new Map<string, VersionSeen>();
  /** When a client last asked and got a version: `url version client who` → time. */
  readonly #asked = new Map<string, number>();
  readonly #cuts: WebSocketCut[] = [];
  #acknowledged = 0;
  #stoppedAt: number | undefined;
  #sockets = { opened: 0, open: 0, ticks: 0, echoes: 0 };

  constructor(now: () => number, urls: readonly string[]) {
    this.#now = now;
    this.#startedAt = now();
    const client = (): Client => ({
      requests: 0,
      failed: 0,
      latency: new Histogram(),
      gaps: new Map(urls.map((url) => [url, { lastGoodAt: this.#startedAt, longest: 0 }])),
    });
    const names: readonly ClientName[] = [...requestClients, 'websocket'];
    this.#clients = Object.fromEntries(names.map((name) => [name, client()])) as Record<ClientName, Client>;
  }

  good(asked: Asked, version: string | undefined): void {
    const client = this.#clients[asked.client];
    client.requests += 1;
    const now = this.#now();
    client.latency.add(now - asked.at);
    const gap = client.gaps.get(asked.url);
    if (gap !== undefined) {
      gap.longest = Math.max(gap.longest, now - gap.lastGoodAt);
      gap.lastGoodAt = now;
    }
    this.#seen(asked, version, now);
  }

  bad(asked: Asked, failure: { kind: FailureKind; version?: string | undefined; detail: string }): void {
    const { client: name, url, who } = asked;
    const client = this.#clients[name];
    client.requests += 1;
    client.failed += 1;
    const { kind, version, detail } = failure;
    const at = this.#now();
    const key = `${name} ${kind} ${version ?? ''}`;
    const before = this.#failures.get(key);
    const count = (before?.count ?? 0) + 1;
    this.#failures.set(key, {
      client: name,
      kind,
      version,
      count,
      firstAt: before?.firstAt ?? at,
      lastAt: at,
    });
    if (count <= samplesPerGroup) {
      this.#samples.push({ at, askedAt: asked.at, client: name, who, url, kind, version, detail });
    }
    this.#seen(asked, version, at);
  }

  /** Forgets how long answers took and how long none came: a client's first requests tell of its own start. */
  forgetTimes(): void {
    for (const client of Object.values(this.#clients)) {
      client.latency = new Histogram();
      for (const gap of client.gaps.values()) {
        gap.lastGoodAt = this.#now();
        gap.longest = 0;
      }
    }
  }

  /** No client asks any more: the time from here on is no gap. */
  stopped(): void {
    this.#stoppedAt ??= this.#now();
  }

  acknowledged(): void {
    this.#acknowledged += 1;
  }

  socketOpened(): void {
    this.#sockets.opened += 1;
    this.#sockets.open += 1;
  }

  /** @param cut absent when our side ended it. */
  socketClosed(cut?: Omit<WebSocketCut, 'at'>): void {
    this.#sockets.open -= 1;
    if (cut !== undefined) this.#cuts.push({ at: this.#now(), ...cut });
  }

  tick(): void {
    this.#sockets.ticks += 1;
  }

  echo(): void {
    this.#sockets.echoes += 1;
  }

  result(): LoadResult {
    const entries = Object.entries(this.#clients);
    const sum = (of: (client: Client) => number) =>
      entries.reduce((total, [, client]) => total + of(client), 0);
    return {
      startedAt: this.#startedAt,
      at: this.#now(),
      requests: sum((client) => client.requests),
      failed: sum((client) => client.failed),
      clients: Object.fromEntries(
        entries.map(([name, client]) => [name, this.#clientResult(client)]),
      ) as Record<ClientName, ClientResult>,
      failures: [...this.#failures.values()],
      samples: [...this.#samples],
      acknowledged: this.#acknowledged,
      versions: [...this.#versions.values()],
      webSockets: { ...this.#sockets, cuts: [...this.#cuts] },
    };
  }

  #clientResult(client: Client): ClientResult {
    const round = (ms: number) => Math.round(ms * 10) / 10;
    const now = this.#stoppedAt ?? this.#now();
    // A gap that still lasts counts as well: a client that never got an answer must not look perfect.
    const gaps = client.requests === 0 ? [] : [...client.gaps.values()];
    return {
      requests: client.requests,
      failed: client.failed,
      p50Ms: round(client.latency.quantile(0.5)),
      p95Ms: round(client.latency.quantile(0.95)),
      p99Ms: round(client.latency.quantile(0.99)),
      maxMs: round(client.latency.max),
      longestGapMs: round(Math.max(0, ...gaps.map((gap) => Math.max(gap.longest, now - gap.lastGoodAt)))),
    };
  }

  #seen({ client, url, who, at: askedAt }: Asked, version: string | undefined, at: number): void {
    if (version === undefined || !quick.has(client)) return;
    const key = `${url} ${version}`;
    const before = this.#versions.get(key);
    const count = (before?.count ?? 0) + 1;
    const askedBefore = this.#asked.get(`${key} ${client} ${who}`);
    this.#asked.set(`${key} ${client} ${who}`, askedAt);
    const twiceAfter =
      askedBefore === undefined ? before?.twiceAfter : Math.max(askedBefore, before?.twiceAfter ?? 0);
    const firstAt = before?.firstAt ?? at;
    this.#versions.set(key, { url, version, count, firstAt, lastAt: at, twiceAfter });
  }
}
