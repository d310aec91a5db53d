import { gunzipSync } from 'node:zlib';

/**
 * Unpacks gzip up to a limit: 1 MB can unpack to 1 GB.
 *
 * @throws Error if it unpacks to more than `most` bytes, or is not gzip.
 */
export function gunzipWithin(bytes: Uint8Array, most: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: most });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
    throw new Error(`it is larger than ${most / 1024 / 1024} MiB when it is unpacked`, { cause: error });
  }
}
