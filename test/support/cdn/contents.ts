import type { ObjectStore } from '../../../src/cdn/store.ts';
import { openAt } from './open.ts';
import type { S3Address } from './stores/server.ts';

/** A test's own look into a bucket, below the same prefix or at its top. */
export function lookInto(server: S3Address, bucket: string, prefix = ''): Promise<ObjectStore> {
  return openAt(server, { bucket, prefix });
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
