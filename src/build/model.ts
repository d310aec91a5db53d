/** The images to build, as data: made from the compose model (targets.ts), read by the rest of the build. */

/** One image. Services that share an identical build share one target. */
export interface BuildTarget {
  /** The service, or the first of several that share the image. */
  readonly name: string;
  /** Compose services that run the image. */
  readonly services: readonly string[];
  /** Absolute folder, or a URL (git, tar). */
  readonly context: string;
  readonly dockerfile:
    | {
        readonly kind: 'file' /** Absolute, or relative to a context that is a URL. */;
        readonly path: string;
      }
    | { readonly kind: 'inline'; readonly text: string };
  /** Stage to build; undefined: the last one. */
  readonly target: string | undefined;
  readonly args: Readonly<Record<string, string>>;
  /** Where secrets come from; only buildx reads their values. */
  readonly secrets: readonly BuildSecret[];
  /** `default`, or `id=path` as buildx takes it. */
  readonly ssh: readonly string[];
  /** `linux/amd64`; empty: the builder's own. */
  readonly platforms: readonly string[];
  /** Named contexts: a folder, `docker-image://…`, a URL, or `target:NAME`. */
  readonly contexts: Readonly<Record<string, string>>;
  /** Cache sources and destinations the user gave, besides ours, as buildx takes them (`type=registry,ref=…`). */
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  /** Image reference without a tag: where the image lives. */
  readonly repository: string;
  /** Labels from the compose file. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether to ask registries for newer bases, and to ignore the cache. */
  readonly pull: boolean;
  readonly noCache: boolean;
  /** How RUN runs, by bake's names. */
  readonly run?: RunOptions;
}

export interface RunOptions {
  readonly network?: string;
  readonly 'shm-size'?: string;
  readonly ulimits?: readonly string[];
  /** Addresses by name, with commas between those of one. */
  readonly 'extra-hosts'?: Readonly<Record<string, string>>;
  /** `network.host`, `security.insecure`. */
  readonly entitlements?: readonly string[];
  /** Anything but Docker's default. */
  readonly isolation?: string;
}

export interface BuildSecret {
  readonly id: string;
  /** NAME of the variable with the value, or the file that holds it. */
  readonly env?: string;
  readonly file?: string;
}
