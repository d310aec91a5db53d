/** The compose model of an app, as far as Sluice reads it. */

/** The part of `docker compose config --format json` that Sluice reads; the rest is carried along untouched. */
export interface ComposeModel {
  readonly name: string;
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks?: Readonly<Record<string, Record<string, unknown> | null>>;
  readonly volumes?: Readonly<Record<string, Record<string, unknown> | null>>;
  readonly secrets?: Readonly<Record<string, ComposeFileObject>>;
  readonly configs?: Readonly<Record<string, ComposeFileObject>>;
  readonly [key: `x-${string}`]: unknown;
}

export interface ComposeFileObject {
  readonly name?: string;
  readonly file?: string;
  readonly environment?: string;
  readonly content?: string;
  readonly external?: boolean;
}

export interface ComposeService {
  readonly image?: string;
  readonly build?: ComposeBuild | string;
  readonly command?: readonly string[] | null;
  readonly entrypoint?: readonly string[] | null;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly ports?: readonly ComposePort[];
  readonly expose?: readonly string[];
  readonly volumes?: readonly ComposeVolume[];
  readonly networks?: Readonly<Record<string, { readonly aliases?: readonly string[] } | null>>;
  readonly network_mode?: string;
  readonly container_name?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string; readonly required?: boolean }>>;
  readonly healthcheck?: ComposeHealthcheck;
  readonly deploy?: {
    readonly replicas?: number;
    readonly resources?: { readonly limits?: { readonly memory?: string; readonly cpus?: number | string } };
  };
  readonly scale?: number;
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly secrets?: readonly unknown[];
  readonly configs?: readonly unknown[];
  readonly profiles?: readonly string[];
  readonly [key: string]: unknown;
}

/** `build:` of a service, as Compose prints it; lists that may be written as maps are not yet brought into one shape. */
export interface ComposeBuild {
  readonly context?: string;
  readonly dockerfile?: string;
  readonly dockerfile_inline?: string;
  readonly target?: string;
  readonly args?: Readonly<Record<string, string | null>>;
  readonly secrets?: readonly (string | { readonly source: string; readonly target?: string })[];
  readonly ssh?: readonly string[];
  readonly platforms?: readonly string[];
  readonly additional_contexts?: Readonly<Record<string, string>> | readonly string[];
  readonly cache_from?: readonly string[];
  readonly cache_to?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly pull?: boolean;
  readonly no_cache?: boolean;
  /** Read only by bake; overrides the keys above. */
  readonly 'x-bake'?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

export interface ComposePort {
  readonly target: number;
  readonly published?: string;
  readonly host_ip?: string;
  readonly protocol?: string;
  readonly mode?: string;
}

export interface ComposeVolume {
  readonly type: 'bind' | 'volume' | 'tmpfs' | string;
  readonly source?: string;
  readonly target: string;
  readonly read_only?: boolean;
}

export interface ComposeHealthcheck {
  readonly test?: readonly string[];
  readonly interval?: string;
  readonly timeout?: string;
  readonly retries?: number;
  readonly start_period?: string;
  readonly start_interval?: string;
  readonly disable?: boolean;
}
