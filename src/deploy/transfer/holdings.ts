import { carriedDigest } from '../../config/images/transferred.ts';
import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { gunzipWithin } from '../../kernel/tar.ts';
import type { Layout } from '../model.ts';
import { type Blob, chainIds, type Holdings, type ImageRecord } from './layers.ts';

// Contents are base64, so that nothing in them can look like our own lines.
const lookScript = `
cd "$1" 2>/dev/null || exit 0
for f in images/*.json; do [ -f "$f" ] && { printf 'record %s ' "\${f##*/}"; base64 <"$f" | tr -d '\\n'; echo; }; done
for f in incoming/parts/* incoming/blobs/sha256/*; do
  [ -f "$f" ] && printf 'arrived %s %s\\n' "\${f#incoming/}" "$(wc -c <"$f")"
done
[ -f images/last.tar ] && { printf 'last '; gzip -c <images/last.tar | base64 | tr -d '\\n'; echo; }
set -- $(df -Pk . 2>/dev/null | tail -n 1)
[ -n "\${4:-}" ] && printf 'free %s\\n' "$4"
exit 0
`;

interface EngineImage {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
}

/**
 * Reads the layers that a host has. An engine with unpacked layers lists them. One with containerd's store does not list
 * its blobs, so a record beside our files names the blobs that were sent. It is valid while the engine has that image.
 */
export async function readHoldings(host: Host, layout: Layout): Promise<Holdings> {
  const [info, images, files] = await Promise.all([
    host.engine.info() as Promise<{ readonly DriverStatus?: readonly (readonly string[])[] | null }>,
    host.engine.listImages() as Promise<readonly EngineImage[]>,
    host.script(lookScript, { args: [layout.app], timeoutMs: 20_000, maxOutput: largestRecords }),
  ]);
  if (files.code !== 0) {
    throw new UserError({
      code: 'state.unreadable',
      message: `${host.name}: cannot read ${layout.app}`,
      output: files.stderr,
    });
  }
  const isContainerd = (info.DriverStatus ?? [])
    .flat()
    .some((word) => word.startsWith('io.containerd.snapshotter'));
  const seen = parseLook(files.stdout, images);
  const leftTags = images
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((tag) => tag.startsWith('localhost/') && /:incoming-[0-9a-f]{12}$/.test(tag));
  const chains = isContainerd ? [] : await chainsOf(host, images);
  return { ...seen, store: isContainerd ? 'containerd' : 'graphdriver', chains: new Set(chains), leftTags };
}

const largestRecords = 16 * 1024 * 1024;

async function chainsOf(host: Host, images: readonly EngineImage[]): Promise<string[]> {
  const all = await Promise.all(
    images.map(async ({ Id }) => {
      // The image may be removed at this moment.
      const image = await host.engine
        .getImage(Id)
        .inspect()
        .catch(() => undefined);
      return chainIds(image?.RootFS?.Layers ?? []);
    }),
  );
  return all.flat();
}

/** Parses the script's output. A record counts only while the host still has its image. */
export function parseLook(
  text: string,
  images: readonly EngineImage[],
): Pick<Holdings, 'blobs' | 'arrived' | 'freeBytes' | 'staleRecords' | 'lastArchive'> {
  const tags = new Map(
    images.flatMap(({ Id, RepoTags }) => (RepoTags ?? []).map((tag) => [tag, Id] as const)),
  );
  const blobs = new Map<string, Blob>();
  const arrived = new Map<string, { bytes: number; whole: boolean }>();
  const staleRecords: string[] = [];
  let freeBytes: number | undefined;
  let lastArchive: Buffer = Buffer.alloc(0);
  for (const line of text.split('\n')) {
    const [kind, first = '', second = ''] = line.trim().split(/\s+/);
    if (kind === 'last') lastArchive = unpacked(first);
    if (kind === 'free') freeBytes = Number(first) * 1024;
    if (kind === 'arrived') {
      const [, folder, hex = ''] = /^(parts|blobs\/sha256)\/([0-9a-f]{64})$/.exec(first) ?? [];
      if (hex !== '') arrived.set(hex, { bytes: Number(second), whole: folder !== 'parts' });
    }
    if (kind !== 'record' || !/^[0-9a-f]{64}\.json$/.test(first)) continue;
    const record = parseRecord(second);
    const id = record === undefined ? undefined : tags.get(record.reference);
    if (record === undefined || (id !== record.manifest && id !== carriedDigest(record.reference))) {
      staleRecords.push(first);
      continue;
    }
    for (const { diffId, digest, size, mediaType } of record.layers) {
      blobs.set(diffId, { digest, size, mediaType });
    }
  }
  return { blobs, arrived, freeBytes, staleRecords, lastArchive };
}

function unpacked(base64: string): Buffer {
  try {
    return gunzipWithin(Buffer.from(base64, 'base64'), 4 * largestRecords);
  } catch {
    return Buffer.alloc(0);
  }
}

/** A broken record, or one of another version, costs only a transfer. */
function parseRecord(base64: string): ImageRecord | undefined {
  try {
    const record = JSON.parse(Buffer.from(base64, 'base64').toString('utf8')) as ImageRecord;
    return record.version === 1 && Array.isArray(record.layers) ? record : undefined;
  } catch {
    return undefined;
  }
}
