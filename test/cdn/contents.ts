import type { ObjectStore } from '../../src/cdn/store.ts';
import { openStore } from '../../src/cdn/stores/open.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createLog } from '../../src/kernel/log.ts';
import { createMask } from '../../src/kernel/mask.ts';
import { environmentOf, type S3Address } from './server.ts';

/** A test's own look into a bucket, below the same prefix or at its top. */
export async function lookInto(server: S3Address, bucket: string, prefix = ''): Promise<ObjectStore> {
  const mask = createMask();
  const log = createLog({
    mode: 'plain',
    verbose: false,
    colour: false,
    clock: systemClock,
    mask,
    write: () => {},
  });
  return await openStore(
    { bucket, prefix, endpoint: server.endpoint, region: server.region, style: 'path', role: undefined },
    { env: environmentOf(server), mask, clock: systemClock, signal: new AbortController().signal, log },
  );
}

/** Every object below the prefix but Sluice's own, as text. */
export async function contentsOf(store: ObjectStore): Promise<Record<string, string>> {
  const paths: string[] = [];
  for await (const page of store.list('')) paths.push(...page.map(({ key }) => key));
  const seen = paths.filter((path) => !path.startsWith('.sluice/')).sort();
  const texts = await Promise.all(
    seen.map(async (path) => {
      const found = await store.get(path);
      return [
        path,
        found === undefined || found === 'unchanged' ? '' : Buffer.from(found.bytes).toString(),
      ] as const;
    }),
  );
  return Object.fromEntries(texts);
}
