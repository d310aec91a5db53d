import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { readTar, type TarEntry } from '../../kernel/tar.ts';
import { sha256Of } from './download.ts';

/**
 * Unpacks the program of an archive beside it. An already unpacked one is reused only if it equals the content of the
 * archive: the caller has verified the archive, but a restored cache may hold anything.
 *
 * @throws Error if the archive is damaged, lacks the program, or has an entry outside its folder.
 */
export async function unpacked(archive: string, path: string, program: string): Promise<void> {
  const present = await sha256Of(program);
  if (present !== undefined && present === (await hashIn(archive, path))) return;
  const part = `${program}.${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
  try {
    const file = await open(part, 'wx', 0o755);
    try {
      await eachByte(archive, path, async (chunk) => {
        await file.write(chunk);
      });
    } finally {
      await file.close();
    }
    await rename(part, program);
  } finally {
    await rm(part, { force: true });
  }
}

async function hashIn(archive: string, path: string): Promise<string> {
  const hash = createHash('sha256');
  await eachByte(archive, path, async (chunk) => {
    hash.update(chunk);
  });
  return hash.digest('hex');
}

async function eachByte(
  archive: string,
  path: string,
  onChunk: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  const source = createReadStream(archive, { highWaterMark: 256 * 1024 });
  source.on('error', (error) => gunzip.destroy(error));
  let found = false;
  try {
    await readTar(atMost(source.pipe(gunzip)), async (entry) => {
      refuseOutside(entry);
      if (found || entry.path.replace(/^\.\//, '') !== path) return;
      if (entry.kind !== 'file') throw new Error(`${path} in it is not a file`);
      found = true;
      for await (const chunk of entry.content) await onChunk(chunk);
    });
  } finally {
    source.destroy();
    gunzip.destroy();
  }
  if (!found) throw new Error(`it does not contain ${path}`);
}

/** Locked archives unpack to a few hundred MB, and their hash is verified: this only guards against a wrong lock. */
const mostBytes = 4 * 1024 * 1024 * 1024;

async function* atMost(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > mostBytes) throw new Error('its unpacked content exceeds 4 GiB');
    yield chunk;
  }
}

/** Only one file is ever written, but an archive with such an entry is malicious. */
function refuseOutside({ path }: TarEntry): void {
  if (path.startsWith('/') || path.split('/').includes('..')) {
    throw new Error(`it has an entry outside its folder: ${JSON.stringify(path)}`);
  }
}
