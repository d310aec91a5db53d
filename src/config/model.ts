/**
 * The model of sluice.yml and the compose files, loaded and checked: plain data that every domain reads.
 * Durations are milliseconds, sizes are bytes, rates are fractions (1 % is 0.01).
 */
import type { z } from 'zod';
import type { Place } from '../kernel/errors.ts';
import type { ComposeModel } from './compose/types.ts';
import type { cdn } from './sluice-yml/schema/cdn.ts';

export type * from './compose/types.ts';
export type { ImageConfig, ImageHealthcheck } from './images/image-config.ts';

export interface Config {
  /** Path of sluice.yml, and the folder its relative paths start from. */
  readonly file: string;
  readonly folder: string;
  readonly app: string;
  readonly compose: readonly string[];
  /** With `registry: none` a placeholder, see images/transferred.ts. */
  readonly registry: string | undefined;
  /** Settings of a service; the rest is inferred from the compose model (services/strategies.ts). */
  readonly services: Readonly<Record<string, ServiceConfig>>;
  readonly migrate: MigrateConfig | undefined;
  readonly backup: BackupConfig | undefined;
  readonly build: BuildConfig;
  readonly checks: CheckSettings;
  /** As in the file; site.ts resolves it for a target. */
  readonly cdn: CdnConfig | undefined;
  readonly watch: WatchConfig;
  readonly targets: Readonly<Record<string, Target>>;
  /** NAME of the environment variable with the webhook's URL. */
  readonly notify: { readonly slack: string | undefined };
  readonly edge: EdgeSettings & { readonly image: string };
  /** Releases, with their images, that are kept on a host besides the current one. */
  readonly keep: number;
  /** State of the old color after the confirmation: stopped but present, or left running. */
  readonly previous: 'stopped' | 'warm';
  /** How long requests and WebSockets on the old color may continue after the confirmation (`drain: 30s`). */
  readonly drainMs: number;
  /** Places of parts of the file, by path (`services.backend`, `targets.production.hosts[0]`), for errors. */
  readonly places?: Readonly<Record<string, Place>>;
}

export type Strategy = 'blue-green' | 'workers' | 'singleton' | 'recreate' | 'keep' | 'job';

export type PortMode = 'http' | 'tcp';
/** A container port, how an edge carries it (`http` by request, `tcp` whatever is spoken), and what shows that. */
export type PlannedPort = { readonly port: number; readonly mode: PortMode; readonly why: string };
/** Settings of sluice.yml for all edges. */
export interface EdgeSettings {
  /** Networks (`10.0.0.0/8`) of proxies in front of published ports, whose word on clients counts. */
  readonly trustedProxies?: readonly string[];
  /** Networks of load balancers that send the PROXY protocol. */
  readonly proxyProtocol?: readonly string[];
  /** Connections of clients that one edge carries; default 4000. */
  readonly maxConnections?: number;
}

/** How the edge and the deploy request a container's health endpoint, besides its path. */
export interface HealthRequest {
  /** Default: the main port. */
  readonly port?: number;
  /** Host header; default `localhost`, which apps allow for their container's own health check. */
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 5000. */
  readonly timeoutMs?: number;
  /** Statuses of a healthy answer, as HAProxy writes them: `200-399` (the default), `200,401`. */
  readonly expect?: string;
}

export interface ServiceConfig {
  readonly strategy?: Strategy;
  readonly port?: number;
  /** Path of the health endpoint, such as /api/health. */
  readonly health?: string;
  /** Further settings of that request. */
  readonly healthRequest?: HealthRequest;
  /** Longest time a healthy start may take, over what the health check says. */
  readonly startTimeoutMs?: number;
  /** Of the main port, or by port; one that the compose file does not name is carried as well. */
  readonly mode?: PortMode;
  readonly modes?: Readonly<Record<number, PortMode>>;
  /** Volumes that both colors may write to at the same time. */
  readonly sharedVolumes?: readonly string[];
  /** Connections one process of the service may open to the database, for the connection budget. */
  readonly pool?: number;
  /** Processes a container runs (gunicorn workers, celery concurrency), for the connection budget. */
  readonly processes?: number;
  /** Bytes one process needs at its peak, for the memory budget. */
  readonly processMemory?: number;
}

export interface MigrateConfig {
  readonly service: string;
  /** Shell words as Compose reads a command, such as `alembic upgrade head`. */
  readonly command: string | readonly string[];
  readonly lockTimeoutMs: number;
  readonly timeoutMs: number;
  /** Prints the current revision; its last line is recorded before and after. Default for alembic: `alembic current`. */
  readonly revision: string | readonly string[] | undefined;
}

/** Kinds of databases that Sluice can back up, as keys of `backup:` name them. */
export type DatabaseKind = 'postgres';

export interface BackupConfig {
  readonly engine: DatabaseKind;
  /** The compose service that runs the database. */
  readonly service: string;
  readonly keep: number;
  readonly restoreTest: boolean;
  readonly timeoutMs: number;
}

export interface BuildConfig {
  /** Platforms of images whose service names none; empty: the builder's own. */
  readonly platforms: readonly string[];
  readonly cache: CacheBackendChoice;
  readonly sbom: boolean;
  readonly provenance: boolean;
  /** Command by service that must end with 0 in the new image before anything is pushed. */
  readonly smoke: Readonly<Record<string, string | readonly string[]>>;
  /** Reserved variables of the job (reserved.ts) that build secrets and caches may use. */
  readonly jobCredentials?: readonly string[];
}

export type CacheBackendChoice = 'auto' | 'registry' | 'gha' | 'local' | 'inline' | 'none';

/** `checks:` of sluice.yml; without the file its defaults. */
export interface CheckSettings {
  /** Reason by tool or check. */
  readonly skip: Readonly<Record<string, string>>;
  /** Reason by rule. */
  readonly ignore: Readonly<Record<string, string>>;
  /** From the folder of sluice.yml. */
  readonly baseline: string;
  readonly timeoutMs: number;
  /** By tool or check. */
  readonly timeouts: Readonly<Record<string, number>>;
  readonly tools: 'auto' | 'path' | 'locked';
  /** Variables that tools get besides those that all get. */
  readonly env: readonly string[];
  readonly scan: {
    readonly failOn: 'CRITICAL' | 'HIGH' | 'MEDIUM' | 'LOW';
    readonly unfixed: 'review' | 'fail' | 'note';
    readonly history: boolean;
    readonly verifySecrets: boolean;
    readonly images: boolean;
  };
  readonly coverage: {
    readonly total: number | undefined;
    readonly changed: number | undefined;
    readonly codecov: boolean;
  };
}

export type CdnConfig = z.output<typeof cdn>;

export interface WatchConfig {
  readonly forMs: number;
  readonly max5xx: number | undefined;
  /** 5xx answers below this count never revert. */
  readonly min5xx: number;
  readonly maxP95Ms: number | undefined;
  /** A public URL that must answer 2xx during the watch. */
  readonly url: string | undefined;
  /** How long the guard waits for the confirmation before it reverts by itself, counted from the end of the watch. */
  readonly deadlineMs: number;
}

export interface Target {
  readonly name: string;
  readonly hosts: readonly HostConfig[];
  readonly env: readonly EnvSource[];
  readonly requireTag: boolean;
  /** Public URL of the target, shown in reports. */
  readonly url: string | undefined;
  /** How many hosts switch at once; default all. */
  readonly batch: number | undefined;
}

/** Variables by name. Without a prototype, so that any name may be looked up. */
export type Env = Readonly<Record<string, string>>;

/** Where a target's variables come from; later ones win. */
export type EnvSource =
  | { readonly kind: 'file'; readonly path: string }
  /** An environment variable of Sluice's own that holds the text of a whole env file (a CI secret). */
  | { readonly kind: 'secret-file'; readonly variable: string }
  /** Single variables taken by name from Sluice's own environment. */
  | { readonly kind: 'variables'; readonly names: readonly string[] }
  /** A file that stays on the host and is read from there. */
  | { readonly kind: 'host-file'; readonly path: string };

export interface HostConfig {
  /** `deploy@prod-1.example.com`, with `:2222` for another port: how the host is named in all output. */
  readonly name: string;
  readonly user: string;
  readonly address: string;
  readonly port: number;
  /** Services this host runs; undefined means all. */
  readonly services: readonly string[] | undefined;
  /** Variables of this host only, over those of the target. */
  readonly env: Readonly<Record<string, string>>;
  /** Pinned public host key, `ssh-ed25519 AAAA…` or `SHA256:…`; undefined: known_hosts decides. */
  readonly hostKey: string | undefined;
  /** Jump host, `user@host:port`. */
  readonly jump:
    | {
        readonly user: string;
        readonly address: string;
        readonly port: number;
        readonly hostKey: string | undefined;
      }
    | undefined;
  /** Folder of all apps on the host. */
  readonly root: string;
}

/** How one service is deployed, and why. */
export interface ServicePlan {
  readonly name: string;
  readonly strategy: Strategy;
  /** One sentence for the plan: where the strategy comes from. */
  readonly reason: string;
  readonly replicas: number;
  /** Those the edge listens on (blue-green only), the main one first. */
  readonly ports: readonly PlannedPort[];
  /** Path the edge asks to see whether a container serves; undefined: a TCP connection is enough. */
  readonly health: string | undefined;
  /** The request, where it differs from a plain GET of the main port. */
  readonly healthRequest?: HealthRequest;
  /** Settings of its edge, where there are any. */
  readonly edge?: EdgeSettings;
  /** Longest time a healthy start may take: start-timeout, else start_period + interval × retries. */
  readonly startDeadlineMs: number;
  /** It is start-timeout of sluice.yml: what the image says does not count. */
  readonly startTimeout?: boolean;
  /** stop_grace_period. */
  readonly stopGraceMs: number;
  /** It forwards to other services (nginx, Traefik): where it is replaced in place, it starts after what it forwards to. */
  readonly proxy?: boolean;
  /** Further notes for the plan, one sentence each: a dropped container_name, a shared folder. */
  readonly notes?: readonly string[];
}

/** Everything that a deploy to one target reads, for one host. */
export interface HostModel {
  readonly host: HostConfig;
  readonly model: ComposeModel;
  readonly services: readonly ServicePlan[];
  /** Names of all variables that the target supplied, for the plan's diff; never the values. */
  readonly envKeys: readonly string[];
  /** Hash over names and values (salted with the app's name): tells one env version from another. */
  readonly envVersion: string;
  /** Files of the repository that a release takes along, by what mounts them (mounts/plan.ts). */
  readonly carried?: Readonly<Record<string, readonly CarriedFile[]>>;
  /** Probable mistakes in variables and mounts, one sentence each. */
  readonly warnings?: readonly string[];
  /** Parts left out of the compose files and why, one line each. */
  readonly notes?: readonly string[];
}

/** A file of the repository that a release takes along. */
export interface CarriedFile {
  /** From the mounted file or folder on, its own name first: `conf.d/app.conf`. */
  readonly path: string;
  /** Absolute and without links: where its content is read. */
  readonly file: string;
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  /** Its content, instead of a file here: the value of a variable. */
  readonly content?: string;
}
