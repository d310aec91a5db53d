import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import { type Holdings, hexOf, type LocalBlob } from './layers.ts';

/** An incomplete part stays, for the next attempt. A part with wrong bytes is removed. */
const appendScript = `
set -u; umask 077
hex=$2 size=$3 from=$4
mkdir -p "$1/parts" "$1/blobs/sha256" && cd "$1" || exit 40
part=parts/$hex
[ "$from" != 0 ] || : >"$part" || exit 40
[ "$(wc -c <"$part")" -eq "$from" ] || exit 41
if ! cat >>"$part"; then rm -f "$part"; exit 40; fi
[ "$(wc -c <"$part")" -eq "$size" ] || exit 42
sum=$(sha256sum <"$part") || exit 40
if [ "\${sum%% *}" != "$hex" ]; then rm -f "$part"; exit 43; fi
mv -f "$part" "blobs/sha256/$hex"
`;

const codes = { unwritable: 40, otherOffset: 41, short: 42, damaged: 43 } as const;

export interface SendOptions {
  readonly signal: AbortSignal;
  /** Reports bytes as they are sent. */
  readonly onBytes: (bytes: number) => void;
}

const longestMs = 4 * 3_600_000;

/**
 * Sends one blob into a folder of the host, and resumes an earlier attempt. The host verifies its digest. If a resumed blob
 * does not match, it is sent again from the start.
 *
 * @throws UserError `host.disk-full`, `host.write-failed`, `image.damaged`.
 */
export async function sendBlob(
  host: Host,
  folder: string,
  blob: LocalBlob,
  arrived: Holdings['arrived'],
  options: SendOptions,
): Promise<void> {
  const before = arrived.get(hexOf(blob.digest));
  if (before?.whole === true && before.bytes === blob.size) return;
  const resumed = before !== undefined && !before.whole && before.bytes <= blob.size ? before.bytes : 0;
  let { code, stderr } = await append(host, folder, blob, resumed, options);
  const isOutdatedPart = code === codes.damaged || code === codes.otherOffset;
  if (resumed > 0 && isOutdatedPart) ({ code, stderr } = await append(host, folder, blob, 0, options));
  if (code !== 0) throw notSent(host, folder, blob, code, stderr);
}

async function append(host: Host, folder: string, blob: LocalBlob, from: number, options: SendOptions) {
  const words = [folder, hexOf(blob.digest), String(blob.size), String(from)];
  const source = from < blob.size ? createReadStream(blob.file, { start: from }) : Readable.from([]);
  source.on('data', (chunk: Buffer | string) => options.onBytes(chunk.length));
  source.pause();
  return await host.exec(['sh', '-c', appendScript, 'sluice', ...words], {
    stdin: source,
    signal: options.signal,
    timeoutMs: longestMs,
    what: 'The transfer of an image',
  });
}

function notSent(host: Host, folder: string, blob: LocalBlob, code: number, stderr: string): UserError {
  const output = tail(stderr, 5);
  if (code === codes.damaged || code === codes.short) {
    return new UserError({
      code: 'image.damaged',
      message: `${host.name}: the layer ${blob.digest} arrived damaged or incomplete`,
      hint: 'Run the deploy again. If it fails in the same way, check the disks of both machines.',
      output,
    });
  }
  if (/no space left|quota exceeded/i.test(stderr)) return diskFull(host, folder, output);
  return new UserError({
    code: 'host.write-failed',
    message: `${host.name}: cannot write to ${folder}`,
    hint: `The deploy user must own ${folder}.`,
    output,
  });
}

export function diskFull(host: Host, what: string, output: string): UserError {
  return new UserError({
    code: 'host.disk-full',
    message: `${host.name}: not enough disk space for the images (${what})`,
    hint: 'Free disk space on the host (docker system df), then deploy again.',
    output,
  });
}
