/**
 * What the load generator does and what it saw. All times are milliseconds of the machine's monotonic clock, the same
 * in every process, so that a deploy's moments can be laid beside them.
 */

/** Clients of one kind behave alike; none of them ever asks twice for the same answer. */
export const requestClients = ['keep-alive', 'fresh', 'post', 'slow', 'stream'] as const;
export type RequestClient = (typeof requestClients)[number];
export type ClientName = RequestClient | 'websocket';

/**
 * `refused`: no connection. `reset`: the connection ended before an answer began. `truncated`: the answer began and
 * did not come whole. `timeout`: no whole answer in time. `5xx`: another 5xx than the three a proxy makes itself.
 * `status`: any other answer than the wanted one. `echo`: a WebSocket that stayed open and lost a message.
 */
export type FailureKind =
  | 'refused'
  | 'reset'
  | 'truncated'
  | 'timeout'
  | '502'
  | '503'
  | '504'
  | '5xx'
  | 'status'
  | 'echo';

export interface LoadOptions {
  /** One per host; only addresses of this machine (127.0.0.x). */
  readonly urls: readonly string[];
  /** Quick requests per second in all (keep-alive, fresh and post together); 350 by default. */
  readonly rate?: number;
  /** WebSockets per URL that stay open; 2 by default. */
  readonly webSockets?: number;
  /** Longest slow answer in seconds; 5 by default. The shortest takes 2, or as long as the longest. */
  readonly slowSeconds?: number;
  /** Seconds until a quick request counts as failed; 10 by default. */
  readonly timeoutSeconds?: number;
  /** Asks only for what the web process answers alone, without a database: no POSTs. */
  readonly withoutData?: boolean;
  /** Leaves out answers that take seconds. */
  readonly withoutSlow?: boolean;
  /** Leaves out the front page, where the backend alone answers. */
  readonly withoutPage?: boolean;
}

/** One request, or one WebSocket, of one client. */
export interface Asked {
  readonly client: ClientName;
  readonly url: string;
  /** Which client of its kind at its URL. */
  readonly who: number;
  readonly at: number;
}

/** More than this of one group, and what happened is clear without each of them. */
export const samplesPerGroup = 500;

/** Failures that are alike in client, kind and version. */
export interface FailureGroup {
  readonly client: ClientName;
  readonly kind: FailureKind;
  /** Version that answered; absent when no answer of the app came. */
  readonly version?: string | undefined;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface FailureSample {
  readonly at: number;
  readonly askedAt: number;
  readonly client: ClientName;
  readonly who: number;
  readonly url: string;
  readonly kind: FailureKind;
  readonly version?: string | undefined;
  readonly detail: string;
}

export interface VersionSeen {
  readonly url: string;
  readonly version: string;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /**
   * Latest moment after which one client asked twice, or more often, and got this version each time. What a proxy had
   * already passed on counts once for a client, however slow the machine is; a second time means that it still sends.
   */
  readonly twiceAfter?: number | undefined;
}

export interface ClientResult {
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Longest time without a good answer at any one URL. */
  readonly longestGapMs: number;
}

/** A WebSocket that ended although nobody here ended it. */
export interface WebSocketCut {
  readonly at: number;
  readonly url: string;
  readonly version: string | undefined;
  readonly ageMs: number;
  /** Of the close frame; absent when the connection just broke. */
  readonly code?: number | undefined;
}

export interface LoadResult {
  readonly startedAt: number;
  readonly at: number;
  readonly requests: number;
  readonly failed: number;
  readonly clients: Readonly<Record<ClientName, ClientResult>>;
  readonly failures: readonly FailureGroup[];
  /** The first of each group, {@link samplesPerGroup} at most. */
  readonly samples: readonly FailureSample[];
  /** POSTs answered 201: each is a row. */
  readonly acknowledged: number;
  /** Seen by the quick clients (keep-alive, fresh, post). */
  readonly versions: readonly VersionSeen[];
  readonly webSockets: {
    readonly opened: number;
    readonly open: number;
    readonly ticks: number;
    readonly echoes: number;
    readonly cuts: readonly WebSocketCut[];
  };
}
