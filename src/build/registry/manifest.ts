/** The part of manifests and indexes that Sluice reads; OCI's and Docker's have the same keys. */
export interface ManifestJson {
  readonly config?: { readonly digest: string; readonly mediaType?: string };
  readonly layers?: readonly { readonly digest: string; readonly size: number }[];
  /** Present only in an index. */
  readonly manifests?: readonly ChildJson[];
}

export interface ChildJson {
  readonly digest: string;
  readonly platform?: {
    readonly os?: string;
    readonly architecture?: string;
    readonly variant?: string;
  };
}

/** The images of an index; buildx lists attestations beside them, for the platform `unknown/unknown`. */
export function imagesOf({ manifests = [] }: ManifestJson): readonly ChildJson[] {
  return manifests.filter(({ platform }) => platform?.os !== 'unknown');
}

/** Spellings of `uname -m` and of the engine's API that differ from the image spec. */
const spellings: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm/v7',
  armv6l: 'arm/v6',
  i386: '386',
  i686: '386',
};

/** `linux/arm64` for `linux/aarch64` and `linux/arm64/v8`. */
function normalPlatform(platform: string): string {
  const [os = '', ...rest] = platform.toLowerCase().split('/');
  const machine = rest.join('/');
  return `${os}/${spellings[machine] ?? machine}`.replace(/^(.*\/arm64)\/v8$/, '$1');
}

export function platformOfChild({ platform }: ChildJson): string {
  const { os = 'linux', architecture = '', variant } = platform ?? {};
  return normalPlatform(`${os}/${architecture}${variant ? `/${variant}` : ''}`);
}

/**
 * The child of an index that an engine takes on a platform. An ARM machine runs the images of earlier variants, too
 * (containerd/platforms, compare.go).
 *
 * @param platform undefined: any one will do; an image's configuration is the same for all in practice.
 */
export function childFor(
  children: readonly ChildJson[],
  platform: string | undefined,
): ChildJson | undefined {
  const named = (name: string) => children.find((child) => platformOfChild(child) === name);
  if (platform === undefined) return named('linux/amd64') ?? children[0];
  const wanted = normalPlatform(platform);
  const [, stem, variant] = /^(.*\/arm)\/v([5-9])$/.exec(wanted) ?? [];
  if (stem === undefined) return named(wanted);
  for (let version = Number(variant); version >= 5; version--) {
    const found = named(`${stem}/v${version}`);
    if (found !== undefined) return found;
  }
  return named(stem);
}
