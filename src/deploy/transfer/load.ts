import { gzipSync } from 'node:zlib';
import { carriedDigest } from '../../config/images/transferred.ts';
import { sameEngine } from '../../host/engine/docker-cli.ts';
import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import { tarOf } from '../../kernel/tar.ts';
import type { Layout } from '../model.ts';
import type { AssembledImage, Assembly } from './assemble.ts';
import { type Holdings, hexOf, sha256 } from './layers.ts';
import { diskFull } from './send.ts';

/** Exit code: the archive of the last load is missing or has changed. */
const otherBase = 44;

// The archive is sent as its difference to that of the last load ($2 is its SHA-256). tar reads the layers in place and
// pipes them to docker, so nothing is stored twice.
const loadScript = `
cd "$1" || exit 40
gzip -dc | tar -xf - || exit 40
at=0
while read -r op a b; do
  case $op in
    c) tail -c "+$((a + 1))" ../images/last.tar | head -c "$b";;
    l) tail -c "+$((at + 1))" literals | head -c "$a"; at=$((at + a));;
  esac
done <ops >last.tar || exit 40
sum=$(sha256sum <last.tar)
[ "\${sum%% *}" = "$2" ] || exit ${otherBase}
rm -f ops literals
tar -xf last.tar || exit 40
set --
for f in oci-layout index.json manifest.json blobs; do [ ! -e "$f" ] || set -- "$@" "$f"; done
${sameEngine}tar -cf - "$@" | docker load
`;

const longestMs = 1_800_000;

/**
 * Loads the sent images into the host's engine, verifies them, and gives them their real tags. The temporary tags are
 * always removed.
 *
 * @returns the engine's message if it refused, and the bytes that were sent.
 * @throws UserError `host.disk-full`, `host.engine-down`, `image.damaged`.
 */
export async function loadImages(
  host: Host,
  layout: Layout,
  { archive, images }: Assembly,
  lastArchive: Buffer,
  signal: AbortSignal,
): Promise<{ readonly refused: string | undefined; readonly bytes: number }> {
  let done = false;
  try {
    let bytes = 0;
    const load = async (base: Buffer) => {
      const { ops, literals } = deltaOf(base, archive);
      const files = [
        { path: 'ops', content: Buffer.from(ops) },
        { path: 'literals', content: literals },
      ];
      const stdin = gzipSync(tarOf(files), { level: 9 });
      bytes += stdin.length;
      const argv = ['sh', '-c', loadScript, 'sluice', layout.incoming, hexOf(sha256(archive))] as const;
      return await host.exec([...argv], { stdin, signal, timeoutMs: longestMs, what: 'docker load' });
    };
    let result = await load(lastArchive);
    if (result.code === otherBase) result = await load(Buffer.alloc(0));
    const said = tail(result.stderr || result.stdout, 5);
    if (result.code !== 0) {
      if (/no space left|quota exceeded/i.test(said)) throw diskFull(host, layout.incoming, said);
      if (/cannot connect to the docker daemon|error during connect/i.test(said))
        throw engineDown(host, said);
      return { refused: said, bytes };
    }
    const ids = await Promise.all(
      images.map(async (image) => (await host.engine.getImage(image.incoming).inspect()).Id),
    );
    const other = images.find((image, index) => !image.ids.includes(ids[index] ?? ''));
    if (other !== undefined) throw notTheSame(host, other);
    await Promise.all(
      images.map(({ incoming, reference }) => {
        const colon = reference.lastIndexOf(':');
        const name = { repo: reference.slice(0, colon), tag: reference.slice(colon + 1) };
        return host.engine.getImage(incoming).tag(name);
      }),
    );
    done = true;
    return { refused: undefined, bytes };
  } finally {
    const removed = removeTags(
      host,
      images.map(({ incoming }) => incoming),
    );
    // A cancelled run does not wait for a busy engine.
    if (done || !signal.aborted) await removed;
  }
}

/** A failed load may leave a tag on an incomplete image (containerd's store). */
export async function removeTags(host: Host, tags: readonly string[]): Promise<void> {
  await Promise.allSettled(tags.map((tag) => host.engine.getImage(tag).remove()));
}

const keepScript = `
set -u; umask 077
cd "$1" || exit 1
shift
mkdir -p images
mv -f incoming/last.tar images/last.tar
rm -rf incoming
for name; do rm -f "images/$name"; done
while read -r name text; do
  printf '%s' "$text" | base64 -d >"images/$name.new" && mv -f "images/$name.new" "images/$name"
done
`;

/** Records what the host has now, for the next transfer, and removes the loaded files. */
export async function keepRecords(
  host: Host,
  layout: Layout,
  { staleRecords }: Holdings,
  images: readonly AssembledImage[],
): Promise<void> {
  const lines = images.map(({ reference, record }) => {
    const text = Buffer.from(JSON.stringify(record)).toString('base64');
    return `${hexOf(carriedDigest(reference) ?? '')}.json ${text}\n`;
  });
  await host.exec(['sh', '-c', keepScript, 'sluice', layout.app, ...staleRecords], {
    stdin: lines.join(''),
    timeoutMs: 20_000,
  });
}

function engineDown(host: Host, output: string): UserError {
  return new UserError({
    code: 'host.engine-down',
    message: `The Docker engine on ${host.name} does not answer`,
    hint: 'Start it (sudo systemctl start docker) and check its log (journalctl -u docker).',
    output,
  });
}

function notTheSame(host: Host, image: AssembledImage): UserError {
  return new UserError({
    code: 'image.damaged',
    message: `${host.name}: the image loaded as ${image.reference} is not the one that was sent`,
    hint: 'Run the deploy again. If it fails in the same way, report it.',
  });
}

/** A difference to a text that the other side has. */
export interface Delta {
  /** One a line: `c OFFSET LENGTH` copies from the base, `l LENGTH` takes the next of the literals. */
  readonly ops: string;
  readonly literals: Buffer;
}

/** Length of the compared windows, and the least length of a copy that is worth its line. */
const windowBytes = 8;
const leastCopy = 16;
/** Limit of candidates for a window: a run of zeros matches everywhere. */
const mostPlaces = 16;

/**
 * How to make `wanted` from `base` with only `head` and `tail`. For about 10 kB of configuration with a few changed
 * digests.
 */
export function deltaOf(base: Buffer, wanted: Buffer): Delta {
  const places = placesOf(base);
  const ops: string[] = [];
  const literals: Buffer[] = [];
  let from = 0;
  const flush = (to: number) => {
    if (to === from) return;
    ops.push(`l ${to - from}`);
    literals.push(wanted.subarray(from, to));
  };
  for (let at = 0; at < wanted.length; ) {
    const found = places.get(wanted.toString('latin1', at, at + windowBytes)) ?? [];
    let best = { offset: 0, length: 0 };
    for (const offset of found) {
      const length = alike(base, offset, wanted, at);
      if (length > best.length) best = { offset, length };
    }
    if (best.length < leastCopy) {
      at += 1;
      continue;
    }
    flush(at);
    ops.push(`c ${best.offset} ${best.length}`);
    at += best.length;
    from = at;
  }
  flush(wanted.length);
  return { ops: `${ops.join('\n')}\n`, literals: Buffer.concat(literals) };
}

function placesOf(base: Buffer): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (let offset = 0; offset + windowBytes <= base.length; offset++) {
    const key = base.toString('latin1', offset, offset + windowBytes);
    const known = places.get(key);
    if (known === undefined) places.set(key, [offset]);
    else if (known.length < mostPlaces) known.push(offset);
  }
  return places;
}

function alike(base: Buffer, offset: number, wanted: Buffer, at: number): number {
  let length = 0;
  while (
    offset + length < base.length &&
    at + length < wanted.length &&
    base[offset + length] === wanted[at + length]
  ) {
    length += 1;
  }
  return length;
}
