/** Free space of the file system that holds a folder. */
export interface DiskFacts {
  /** The folder. */
  readonly path: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** undefined if the file system does not count them. */
  readonly freeInodes: number | undefined;
}

/** Facts about a host. Those that are unknown, or that this user cannot read, are undefined. */
export interface HostFacts {
  readonly user: {
    readonly name: string;
    readonly uid: number;
    readonly gid: number;
    readonly groups: readonly string[];
  };
  readonly system: {
    /** `Debian GNU/Linux 13 (trixie)`. */
    readonly distro: string | undefined;
    readonly kernel: string;
    /** Output of `uname -m`: `x86_64`, `aarch64`. */
    readonly arch: string;
    /** The login shell. */
    readonly shell: string | undefined;
    readonly cpus: number | undefined;
    readonly cgroup: 1 | 2 | undefined;
  };
  readonly memory: {
    readonly totalBytes: number | undefined;
    readonly availableBytes: number | undefined;
    readonly swapFreeBytes: number | undefined;
  };
  readonly disk: {
    /** Where the apps are (or would be, if their folder does not exist yet). */
    readonly root: DiskFacts | undefined;
    /** Docker's data root. */
    readonly docker: DiskFacts | undefined;
  };
  readonly docker: {
    readonly client: string | undefined;
    readonly engine: string | undefined;
    readonly compose: string | undefined;
    readonly storageDriver: string | undefined;
    readonly dataRoot: string | undefined;
    readonly rootless: boolean;
    /** Users of containers are different users on the host (userns-remap). */
    readonly remapped: boolean;
    /** Why the engine did not answer. */
    readonly problem: string | undefined;
  };
  /** The folder of all apps. */
  readonly root: {
    readonly path: string;
    readonly exists: boolean;
    readonly owner: string | undefined;
    /** Permission bits, such as 0o700. */
    readonly mode: number | undefined;
    /** The user can write into it, or create it. */
    readonly usable: boolean;
  };
  /** The host's clock, and how far it is ahead of this machine's; exact to half a round trip. */
  readonly clock: { readonly utcMs: number; readonly offsetMs: number };
  /** Limits from sshd_config, if the user can read it; `Match` blocks are ignored. */
  readonly sshd: {
    readonly maxSessions: number | undefined;
    readonly maxStartups: string | undefined;
    readonly allowStreamLocalForwarding: boolean | undefined;
    readonly allowTcpForwarding: boolean | undefined;
  };
  /** TCP ports in use. */
  readonly listening: readonly { readonly address: string; readonly port: number }[];
  readonly ufw: 'active' | 'inactive' | undefined;
}
