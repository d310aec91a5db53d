import type { ComposeModel, ServicePlan } from '../config/model.ts';

/** The two sets of containers of a service. */
export type Colour = 'blue' | 'green';

export function otherColour(colour: Colour): Colour {
  return colour === 'blue' ? 'green' : 'blue';
}

/** Labels on every container Sluice starts. The state of a host is read from them, never guessed. */
export const labels = {
  app: 'sluice.app',
  service: 'sluice.service',
  strategy: 'sluice.strategy',
  colour: 'sluice.colour',
  release: 'sluice.release',
  /** Hash of the container's definition without the release's name: tells changed from unchanged. */
  hash: 'sluice.hash',
  /** Name of a replica in Docker's DNS, by which its edge finds it. */
  name: 'sluice.name',
  /** The app's folder on the host: it identifies the container's owner. */
  folder: 'sluice.folder',
  /** Marks an edge. */
  edge: 'sluice.edge',
} as const;

/**
 * Content of `releases/<release>/release.json`: everything needed to start the release again in either color.
 * It contains the environment, so the file is 0600.
 */
export interface ReleaseRecord {
  readonly version: 1;
  readonly release: string;
  readonly app: string;
  readonly target: string;
  /** Hash over images, model and env: the same content has the same hash on every deploy. */
  readonly content: string;
  readonly createdAt: string;
  readonly commit: string | undefined;
  /** The compose model with images by digest and bind mounts moved to the app's folder. */
  readonly model: ComposeModel;
  readonly services: readonly ServicePlan[];
  /** Image of each service as the compose files name it; tells a changed tag from an unchanged one. */
  readonly references?: Readonly<Record<string, string>>;
  readonly envKeys: readonly string[];
  readonly envVersion: string;
  /** Content hashes of the repository's files that services mount; each is a folder in `files/`. */
  readonly files: readonly string[];
}

type ServiceAction =
  /** New containers in the idle color; the switch moves the traffic. */
  | 'colour'
  /** New workers beside the old ones, which finish their tasks after the confirmation. */
  | 'workers'
  /** Stop the old, start the new, after the confirmation. */
  | 'swap'
  /** Changed: stop and start in place. */
  | 'replace'
  /** Does not run yet. */
  | 'create'
  | 'keep'
  /** Runs to its end before the new containers start. */
  | 'run'
  /** No longer in the compose file. */
  | 'remove';

export interface PlannedService {
  readonly service: string;
  readonly plan: ServicePlan;
  readonly action: ServiceAction;
  readonly image: string;
  readonly imageBefore: string | undefined;
  readonly why: string;
  /** Changes that a kept service would get if it were replaced, a few words each. */
  readonly differences?: readonly string[];
}

export interface PlannedEdge {
  readonly service: string;
  /** `create`: no edge yet. `keep`: runs with the right files. `reload`: its configuration changes in place.
   * `replace`: it gets another image (`--replace-edges`, because it costs connections), or it is `redefined`.
   */
  readonly action: 'create' | 'keep' | 'reload' | 'replace';
  readonly files: readonly { readonly path: string; readonly content: string; readonly mode: number }[];
  readonly version: string;
  /** Limit of its container's memory, bytes. */
  readonly memory?: number;
  /** Container of a plain compose project that serves as the first color until the switch. */
  readonly adopted: string | undefined;
  /**
   * The adopted container holds a published port or a fixed address, which has one owner. It is stopped when the new
   * color is healthy, right before the edge starts with the new color: a short gap instead of a switch.
   */
  readonly takesPort: boolean;
  /** The running edge's image is not the configured one: shown, changed only on request. */
  readonly imageDiffers: boolean;
  /** It runs with other names, networks, published ports or routing labels than the release defines. */
  readonly redefined: boolean;
}

/** Everything a deploy does on one host: printed by `sluice plan`, executed by the steps. */
export interface HostPlan {
  readonly host: string;
  readonly release: string;
  readonly colour: Colour;
  readonly previous: { readonly release: string; readonly colour: Colour } | undefined;
  readonly services: readonly PlannedService[];
  readonly removed: readonly string[];
  /** Containers of the app that hand published ports to other services in this deploy. */
  readonly handovers: readonly {
    readonly container: string;
    readonly service: string;
    /** The service that takes them. */
    readonly to: string;
    readonly ports: readonly string[];
  }[];
  readonly edges: readonly PlannedEdge[];
  readonly env: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: boolean;
  };
  readonly images: readonly { readonly reference: string; readonly present: boolean }[];
  readonly record: ReleaseRecord;
  readonly warnings: readonly string[];
}

export interface DeployPlan {
  readonly app: string;
  readonly target: string;
  readonly release: string;
  /** Every host already serves this content. */
  readonly unchanged: boolean;
  readonly hosts: readonly HostPlan[];
  /** Host that makes the backup and runs the migration. */
  readonly primary: string;
  /** The only registry that gets the password from the environment; undefined: no registry does. */
  readonly passwordRegistry?: string | undefined;
  /** Parts of the compose files that are ignored, and why. */
  readonly notes?: readonly string[];
  /** Likely mistakes in the files and variables of this machine. */
  readonly warnings?: readonly string[];
}

/** Paths on a host. */
export interface Layout {
  readonly app: string;
  readonly releases: string;
  readonly current: string;
  readonly files: string;
  readonly backups: string;
  /** Layers of images in transit. */
  readonly incoming: string;
  readonly journal: string;
  readonly lock: string;
  readonly lease: string;
  release(name: string): string;
  edge(service: string): string;
  edgeSocket(service: string): string;
}

export function layoutOf(root: string, app: string): Layout {
  const base = `${root.replace(/(?<!\/)\/+$/, '')}/${app}`;
  return {
    app: base,
    releases: `${base}/releases`,
    current: `${base}/current`,
    files: `${base}/files`,
    backups: `${base}/backups`,
    incoming: `${base}/incoming`,
    journal: `${base}/journal`,
    lock: `${base}/lease.lock`,
    lease: `${base}/lease.json`,
    release: (name) => `${base}/releases/${name}`,
    edge: (service) => `${base}/edge/${service}`,
    edgeSocket: (service) => `${base}/edge/${service}/run/admin.sock`,
  };
}
