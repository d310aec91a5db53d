import type { ObjectStore } from '../../../../src/cdn/store.ts';
import { openAt } from '../open.ts';
import { type Contents, entryOf } from '../pages.ts';
import type { S3Server } from './server.ts';

/** A bucket of a real server, made and opened. */
export async function openBucket(server: S3Server, bucket: string, prefix = ''): Promise<ObjectStore> {
  await server.makeBucket(bucket);
  return await openAt(server, { bucket, prefix });
}

/** Puts files there with the headers of a publication; nothing else of one. */
export async function putAll(store: ObjectStore, contents: Contents): Promise<void> {
  for (const [path, content] of Object.entries(contents)) {
    await store.put(path, { bytes: Buffer.from(content) }, entryOf(path, content).headers);
  }
}
