/**
 * The configuration of an image: the defaults of its containers. Fields are Docker's own
 * (moby/docker-image-spec, spec.md; opencontainers/image-spec, config.md), with numbers in place of texts.
 */
export interface ImageConfig {
  /** EXPOSE. A `command:` in the compose file leaves these in force (moby/moby, daemon/commit.go, merge). */
  readonly ports: readonly { readonly port: number; readonly protocol: 'tcp' | 'udp' | 'sctp' }[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** Undefined: there is none, or the image switches off the one that it inherited (`NONE`). */
  readonly healthcheck?: ImageHealthcheck | undefined;
  /** USER, as written: `app`, `1000:1000`. Undefined: root. */
  readonly user?: string | undefined;
  /** VOLUME: absolute paths; a container without a mount there gets a new anonymous volume. */
  readonly volumes: readonly string[];
  readonly workdir?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** The base image as the Dockerfile names it; a registry and an engine do not know it. */
  readonly from?: string | undefined;
}

/** A time that is undefined is Docker's default: 30 s, 30 s, 0 s, 5 s; and 3 retries. */
export interface ImageHealthcheck {
  /** `['CMD', …]` or `['CMD-SHELL', line]`. */
  readonly test: readonly string[];
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly startIntervalMs?: number;
  readonly retries?: number;
}
