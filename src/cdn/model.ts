/**
 * The data of a publication. A *path* counts from the top of the site and has forward slashes
 * (`assets/app-1a2b3c4d.js`); a *key* is the prefix of the store and the path. Sizes are bytes.
 */

/** Headers a store keeps with an object and sends with it; names in lower case. */
export type ObjectHeaders = Readonly<Record<string, string>>;

/**
 * Decides when an object is published: `asset` first (its name changes with its content, so no page names it
 * yet), then `file`, then `page` (HTML), the root page last.
 */
export type FileClass = 'asset' | 'file' | 'page';

/** One object of a release. */
export interface Entry {
  readonly path: string;
  readonly class: FileClass;
  readonly size: number;
  /** SHA-256 of the stored bytes, encoded or not, in base64url: 43 characters. */
  readonly sha256: string;
  readonly headers: ObjectHeaders;
}

/** One file of the published folder. */
export interface SiteFile extends Entry {
  /** Path of its bytes. */
  readonly file: string;
  /** Applied to the bytes of the file; `size` and `sha256` describe the result. */
  readonly encoding?: 'br' | 'gzip';
}

/** An object in the store, as the last publication left it there. */
export interface StoredEntry extends Entry {
  /** As the store returned it, with quotes: shows whether the object is still ours. */
  readonly etag: string;
}

/** An object of an earlier release that is not in the current one. */
export interface Retained extends StoredEntry {
  /** Its place from the top of the site: its own path, or one of Sluice's own files. */
  readonly at: string;
  /** The last release that had it, by number. */
  readonly last: number;
  /** When that release was replaced, ms since the epoch. */
  readonly left: number;
}

/** One release: its author, its time, its size. */
export interface ReleaseInfo {
  /** 1, 2, 3, … in each store. */
  readonly number: number;
  /** A tag, a branch, or the value of --name. */
  readonly name: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly by: string;
  readonly commit?: string;
  readonly files: number;
  readonly bytes: number;
  /** The restored release, if it is a rollback. */
  readonly rollbackOf?: number;
}

/** The published state of a site, as one object of the store. */
export interface Manifest {
  readonly release: ReleaseInfo;
  readonly entries: ReadonlyMap<string, StoredEntry>;
  readonly retained: readonly Retained[];
  /** Whether the store supports If-Match and If-None-Match, as tested by the first publication. */
  readonly conditional: boolean;
  /** Numbers of the earlier releases that a rollback can restore, newest first. */
  readonly kept: readonly number[];
  /** The current and earlier releases, newest first, up to a limit. */
  readonly history: readonly ReleaseInfo[];
}

/** One change of a path. */
export type Change =
  /** Content from the folder; `before` is the replaced entry. */
  | { readonly kind: 'upload'; readonly to: SiteFile; readonly before?: StoredEntry }
  /** Content that the store already has: a returning asset, or the content of a rollback. */
  | { readonly kind: 'restore'; readonly to: Entry; readonly from: Retained; readonly before?: StoredEntry }
  /** The same content with other headers, copied onto itself. */
  | { readonly kind: 'headers'; readonly to: Entry; readonly before: StoredEntry };

/** Requests to the store by kind. Parts of multipart uploads count as PUT. */
export interface RequestCounts {
  readonly get: number;
  readonly head: number;
  readonly put: number;
  readonly copy: number;
  readonly delete: number;
  readonly list: number;
  /** POST: start and end of multipart uploads, bulk deletes. */
  readonly post: number;
}

export interface PublicationPlan {
  /** `s3://bucket/prefix`. */
  readonly store: string;
  readonly target: string | undefined;
  readonly url: string | undefined;
  /** The live release; undefined before the first publication. */
  readonly current: ReleaseInfo | undefined;
  /** The release to publish. */
  readonly release: ReleaseInfo;
  /** In the order of publication. */
  readonly changes: readonly Change[];
  readonly unchanged: number;
  /** Removed from the site; kept in the store until they expire. */
  readonly removed: readonly StoredEntry[];
  /** To delete from the store: in no kept release, and past the grace period. */
  readonly expired: readonly Retained[];
  /** Bytes to send. */
  readonly bytes: number;
  /** Requests of the whole run, besides retries and heartbeats of the lease. */
  readonly requests: RequestCounts;
  readonly invalidations: readonly InvalidationPlan[];
  /** Notes to read before applying it; one sentence each. */
  readonly notes: readonly string[];
}

/** The invalidation of one CDN. */
export interface InvalidationPlan {
  /** `CloudFront E2EXAMPLE`, `Cloudflare example.com`. */
  readonly cdn: string;
  /** Paths for CloudFront (`/blog/*`), URLs for Cloudflare; empty: nothing to invalidate. */
  readonly paths: readonly string[];
  readonly requests: number;
  /** Its cost: `12 of the 1,000 free paths per month`. */
  readonly cost: string;
}

export interface InvalidationResult {
  readonly cdn: string;
  readonly paths: readonly string[];
  readonly requests: number;
  readonly ms: number;
  /** `accepted`: in progress at the CDN; `completed`: done. */
  readonly outcome: 'none' | 'accepted' | 'completed' | 'failed';
  /** Why it failed or is incomplete. */
  readonly why?: string;
}

/** One finding about the published site, as visitors see it. */
export interface VerifyFinding {
  readonly level: 'fail' | 'warn';
  /** `content`: a page or an asset is wrong or missing. */
  readonly kind: 'content' | 'cache' | 'security' | 'spa' | 'timing';
  readonly url: string;
  readonly message: string;
}

/** Phases of one request, ms; a kept connection skips some. */
export interface RequestTiming {
  readonly lookup?: number;
  readonly connect?: number;
  readonly tls?: number;
  readonly firstByte: number;
  readonly total: number;
}

export interface VerifyReport {
  readonly url: string;
  readonly pages: number;
  readonly assets: number;
  readonly findings: readonly VerifyFinding[];
  /** Of the first request, on a new connection; undefined if it failed. */
  readonly timing: RequestTiming | undefined;
  readonly ms: number;
}

/** The result of a publication or a rollback. */
export interface PublicationReport {
  readonly plan: PublicationPlan;
  /** `nothing`: the site was up to date. */
  readonly outcome: 'published' | 'nothing';
  /** Number of the interrupted publication that this one finished. */
  readonly finished: number | undefined;
  /** Requests sent. */
  readonly requests: RequestCounts;
  readonly retries: number;
  readonly invalidations: readonly InvalidationResult[];
  readonly verify: VerifyReport | undefined;
  readonly ms: number;
  readonly notes: readonly string[];
}

/** The phases of a publication, in order. */
export const phases = [
  'lease',
  'keep',
  'assets',
  'files',
  'pages',
  'commit',
  'invalidate',
  'prune',
  'verify',
] as const;
export type Phase = (typeof phases)[number];

/** Progress of a publication; sent often. */
export interface Progress {
  readonly phase: Phase;
  readonly files: number;
  readonly ofFiles: number;
  readonly bytes: number;
  readonly ofBytes: number;
}

/** The output of `sluice cdn status`. */
export interface SiteStatus {
  readonly store: string;
  readonly url: string | undefined;
  readonly current: ReleaseInfo | undefined;
  /** Newest first; `kept`: a rollback can restore it. */
  readonly history: readonly (ReleaseInfo & { readonly kept: boolean })[];
  /** Objects kept for earlier releases. */
  readonly retained: { readonly files: number; readonly bytes: number };
  /** The running publication. */
  readonly lease: { readonly by: string; readonly since: number } | undefined;
  /** An interrupted publication: its number, and whether it became the live release. */
  readonly unfinished:
    | { readonly number: number; readonly by: string; readonly committed: boolean }
    | undefined;
  /** With --audit: the store compared with the manifest. */
  readonly audit:
    | {
        /** Paths of the release that are missing in the store. */
        readonly missing: readonly string[];
        /** Paths of the release that another writer has overwritten. */
        readonly replaced: readonly string[];
        /** Objects that do not belong to Sluice: never touched. */
        readonly foreign: number;
      }
    | undefined;
}
