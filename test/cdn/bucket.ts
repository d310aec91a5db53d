import type { ObjectStore } from '../../src/cdn/store.ts';
import { openStore } from '../../src/cdn/stores/open.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createLog } from '../../src/kernel/log.ts';
import { createMask } from '../../src/kernel/mask.ts';
import { type Contents, entryOf } from './pages.ts';
import { environmentOf, type S3Server } from './server.ts';

/** A bucket of a real server, made and opened. */
export async function openBucket(server: S3Server, bucket: string, prefix = ''): Promise<ObjectStore> {
  await server.makeBucket(bucket);
  const { endpoint, region } = server;
  const mask = createMask();
  const log = createLog({
    mode: 'plain',
    verbose: false,
    colour: false,
    clock: systemClock,
    mask,
    write: () => {},
  });
  return openStore(
    { bucket, prefix, endpoint, region, style: 'path', role: undefined },
    { env: environmentOf(server), mask, clock: systemClock, signal: new AbortController().signal, log },
  );
}

/** Puts files there with the headers of a publication; nothing else of one. */
export async function putAll(store: ObjectStore, contents: Contents): Promise<void> {
  for (const [path, content] of Object.entries(contents)) {
    await store.put(path, { bytes: Buffer.from(content) }, entryOf(path, content).headers);
  }
}
