/**
 * What a publication is, as plain data. A *path* counts from the top of the site and has forward slashes
 * (`assets/app-1a2b3c4d.js`); a *key* is what the store calls it: the prefix of the store and the path. Sizes are bytes.
 */

/** Headers a store keeps with an object and sends with it; names in lower case. */
export type ObjectHeaders = Readonly<Record<string, string>>;

/**
 * Decides when an object is published: `asset` first (its name changes with its content, so nobody asks for it yet),
 * then `file`, then `page` (what people open: HTML), the page of the root last.
 */
export type FileClass = 'asset' | 'file' | 'page';

/** One object of a release. */
export interface Entry {
  readonly path: string;
  readonly class: FileClass;
  readonly size: number;
  /** SHA-256 of what is stored (encoded, if it is), in base64url: 43 characters. */
  readonly sha256: string;
  readonly headers: ObjectHeaders;
}

/** One file of the folder that is published. */
export interface SiteFile extends Entry {
  /** Where its bytes are. */
  readonly file: string;
  /** Applied to the bytes of the file; `size` and `sha256` are those of the result. */
  readonly encoding?: 'br' | 'gzip';
}

/** An object in the store, as the last publication left it there. */
export interface StoredEntry extends Entry {
  /** As the store gave it, with its quotes: tells whether the object is still the one we wrote. */
  readonly etag: string;
}

/** An object that the current release doesn't have and an earlier one had. */
export interface Retained extends StoredEntry {
  /** Where it is, from the top of the site: its own path, or a place among Sluice's own files. */
  readonly at: string;
  /** The last release that had it, by number. */
  readonly last: number;
  /** When that release was replaced, ms since the epoch. */
  readonly left: number;
}

/** Who published what, when. */
export interface ReleaseInfo {
  /** 1, 2, 3, … in each store. */
  readonly number: number;
  /** A tag, a branch, or what --name says. */
  readonly name: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly by: string;
  readonly commit?: string;
  readonly files: number;
  readonly bytes: number;
  /** The release it brought back, if it is a rollback. */
  readonly rollbackOf?: number;
}

/** What the store holds of a site: one object among the others, the truth about all of them. */
export interface Manifest {
  readonly release: ReleaseInfo;
  readonly entries: ReadonlyMap<string, StoredEntry>;
  readonly retained: readonly Retained[];
  /** Whether the store obeys If-Match and If-None-Match, as the first publication found out. */
  readonly conditional: boolean;
  /** Numbers of the earlier releases whose manifests the store has, newest first: a rollback can bring them back. */
  readonly kept: readonly number[];
  /** The current one and those before it, newest first; the oldest are forgotten. */
  readonly history: readonly ReleaseInfo[];
}

/** One thing that a publication does to a path. */
export type Change =
  /** Content from the folder; `before` is what it replaces. */
  | { readonly kind: 'upload'; readonly to: SiteFile; readonly before?: StoredEntry }
  /** Content that is in the store already: an asset that came back, or what a rollback brings back. */
  | { readonly kind: 'restore'; readonly to: Entry; readonly from: Retained; readonly before?: StoredEntry }
  /** The same content with other headers, copied onto itself. */
  | { readonly kind: 'headers'; readonly to: Entry; readonly before: StoredEntry };

/** Requests to the store, by what they are called there. Parts of multipart uploads count as PUT. */
export interface RequestCounts {
  readonly get: number;
  readonly head: number;
  readonly put: number;
  readonly copy: number;
  readonly delete: number;
  readonly list: number;
  /** POST: begin and end of multipart uploads, deletes of many. */
  readonly post: number;
}

export interface PublicationPlan {
  /** `s3://bucket/prefix`. */
  readonly store: string;
  readonly target: string | undefined;
  readonly url: string | undefined;
  /** What is live; undefined before the first publication. */
  readonly current: ReleaseInfo | undefined;
  /** What will be. */
  readonly release: ReleaseInfo;
  /** In the order they are published. */
  readonly changes: readonly Change[];
  readonly unchanged: number;
  /** Leave the site; they stay in the store until they expire. */
  readonly removed: readonly StoredEntry[];
  /** Deleted from the store: no kept release has them, and their grace period is over. */
  readonly expired: readonly Retained[];
  /** Bytes that are sent. */
  readonly bytes: number;
  /** What applying it costs, besides retries and the heartbeats of the lease. */
  readonly requests: RequestCounts;
  readonly invalidations: readonly InvalidationPlan[];
  /** What a person should know before it is applied; one sentence each. */
  readonly notes: readonly string[];
}

/** What one CDN is told to forget. */
export interface InvalidationPlan {
  /** `CloudFront E2EXAMPLE`, `Cloudflare example.com`. */
  readonly cdn: string;
  /** As that CDN takes them: paths for CloudFront (`/blog/*`), URLs for Cloudflare; empty: nothing is to be forgotten. */
  readonly paths: readonly string[];
  readonly requests: number;
  /** What it counts and costs there: `12 of the 1,000 free paths of a month`. */
  readonly cost: string;
}

export interface InvalidationResult {
  readonly cdn: string;
  readonly paths: readonly string[];
  readonly requests: number;
  readonly ms: number;
  /** `accepted`: the CDN works on it; `completed`: it said that it is done. */
  readonly outcome: 'none' | 'accepted' | 'completed' | 'failed';
  /** Why it failed, and what that means. */
  readonly why?: string;
}

/** One statement about the published site, as a visitor sees it. */
export interface VerifyFinding {
  readonly level: 'fail' | 'warn';
  /** `content`: a page or an asset is wrong or missing; the others speak for themselves. */
  readonly kind: 'content' | 'cache' | 'security' | 'spa' | 'timing';
  readonly url: string;
  readonly message: string;
}

/** Phases of one request, ms; those that a kept connection skips are missing. */
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
  /** Of the first request, on a connection of its own; undefined if it failed. */
  readonly timing: RequestTiming | undefined;
  readonly ms: number;
}

/** How a publication or a rollback ended. */
export interface PublicationReport {
  readonly plan: PublicationPlan;
  /** `nothing`: the site was as wanted already. */
  readonly outcome: 'published' | 'nothing';
  /** An earlier publication that had been cut off and that this one finished. */
  readonly finished: number | undefined;
  /** Sent in fact. */
  readonly requests: RequestCounts;
  readonly retries: number;
  readonly invalidations: readonly InvalidationResult[];
  readonly verify: VerifyReport | undefined;
  readonly ms: number;
  readonly notes: readonly string[];
}

/** The parts of a publication, in their order. */
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

/** Where a publication is; sent often. */
export interface Progress {
  readonly phase: Phase;
  readonly files: number;
  readonly ofFiles: number;
  readonly bytes: number;
  readonly ofBytes: number;
}

/** What `sluice cdn status` tells. */
export interface SiteStatus {
  readonly store: string;
  readonly url: string | undefined;
  readonly current: ReleaseInfo | undefined;
  /** Newest first; `kept`: a rollback can bring it back. */
  readonly history: readonly (ReleaseInfo & { readonly kept: boolean })[];
  /** What the store holds for earlier releases. */
  readonly retained: { readonly files: number; readonly bytes: number };
  /** Who is publishing now. */
  readonly lease: { readonly by: string; readonly since: number } | undefined;
  /** A publication that was cut off: the number it would have got, and whether it had become the current one. */
  readonly unfinished:
    | { readonly number: number; readonly by: string; readonly committed: boolean }
    | undefined;
  /** With --audit: every object of the store against the manifest. */
  readonly audit:
    | {
        /** Paths of the release that are not there. */
        readonly missing: readonly string[];
        /** Paths of the release that somebody else has overwritten. */
        readonly replaced: readonly string[];
        /** Objects that are not Sluice's: never touched. */
        readonly foreign: number;
      }
    | undefined;
}
