import { gunzipSync } from 'node:zlib';

/**
 * Unpacks gzip as long as that makes sense: 1 MB of it can mean 1 GB.
 *
 * @throws Error when it is larger than `most` bytes unpacked, or no gzip.
 */
export function gunzipWithin(bytes: Uint8Array, most: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: most });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
    throw new Error(`it is larger than ${most / 1024 / 1024} MiB when it is unpacked`, { cause: error });
  }
}
