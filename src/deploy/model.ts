import type { ComposeModel, HostModel, ServicePlan } from '../config/model.ts';

/** The two sets of containers of a service. */
export type Colour = 'blue' | 'green';

export function otherColour(colour: Colour): Colour {
  return colour === 'blue' ? 'green' : 'blue';
}

/** Labels on every container Sluice starts: what runs is read from them, never guessed. */
export const labels = {
  app: 'sluice.app',
  service: 'sluice.service',
  strategy: 'sluice.strategy',
  colour: 'sluice.colour',
  release: 'sluice.release',
  /** Hash of what the container was made from, without the release's name: tells changed from unchanged. */
  hash: 'sluice.hash',
  /** Name of a replica in Docker's DNS, by which its edge finds it. */
  name: 'sluice.name',
  /** The app's folder on the host: who the container belongs to. */
  folder: 'sluice.folder',
  /** Marks an edge. */
  edge: 'sluice.edge',
} as const;

/**
 * What `releases/<release>/release.json` holds: all that is needed to start the release again in either colour.
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
  /** Files of the repository that services mount: content hash → where it lies below the app's folder. */
  readonly files: readonly string[];
}

export type ServiceAction =
  /** New containers in the idle colour; the switch moves the traffic. */
  | 'colour'
  /** New workers beside the old ones, which finish their tasks after the confirmation. */
  | 'workers'
  /** Stop the old, start the new, after the confirmation. */
  | 'swap'
  /** Stop and start in place, because it changed. */
  | 'replace'
  /** Does not run yet: is created. */
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
  /** What a service that is kept would get if it were replaced, a few words each. */
  readonly differences?: readonly string[];
}

export interface PlannedEdge {
  readonly service: string;
  /** `create`: no edge yet. `keep`: runs with the right files. `reload`: its configuration changes in place.
   * `replace`: it gets another image, which was asked for because it costs connections; or it is `redefined`.
   */
  readonly action: 'create' | 'keep' | 'reload' | 'replace';
  readonly files: readonly { readonly path: string; readonly content: string; readonly mode: number }[];
  readonly version: string;
  /** Limit of its container's memory, bytes. */
  readonly memory?: number;
  /** Container of a plain compose project that serves as the first colour until the switch. */
  readonly adopted: string | undefined;
  /**
   * The adopted container holds a published port or a fixed address, which has one owner: it is stopped when the new colour is well,
   * right before the edge starts with the new colour. There is no switch then, and a short gap.
   */
  readonly takesPort: boolean;
  /** The running edge's image is another one than the configured: shown, changed only on request. */
  readonly imageDiffers: boolean;
  /** It runs with other names, networks, published ports or routing labels than the release has. */
  readonly redefined: boolean;
}

/** What a deploy does on one host: printed by `sluice plan`, executed by the steps. */
export interface HostPlan {
  readonly host: string;
  readonly release: string;
  readonly colour: Colour;
  readonly previous: { readonly release: string; readonly colour: Colour } | undefined;
  readonly services: readonly PlannedService[];
  readonly removed: readonly string[];
  /** Containers of the app that give published ports to services that take them in this deploy. */
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
  /** Nothing differs from what serves on any host. */
  readonly unchanged: boolean;
  readonly hosts: readonly HostPlan[];
  /** Host that makes the backup and runs the migration. */
  readonly primary: string;
  /** The only registry that the password of the environment is for; undefined: it goes to none. */
  readonly passwordRegistry?: string | undefined;
  /** What is left out of the compose files and why. */
  readonly notes?: readonly string[];
  /** What may not be what was meant in files and variables of this machine. */
  readonly warnings?: readonly string[];
}

/** Where things lie on a host. */
export interface Layout {
  readonly app: string;
  readonly releases: string;
  readonly current: string;
  readonly files: string;
  readonly backups: string;
  /** Layers of carried images on their way. */
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

export type { HostModel };
