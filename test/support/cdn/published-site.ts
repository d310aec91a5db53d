import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PublicationReport } from '../../../src/cdn/model.ts';
import { publishSite, rollbackSite } from '../../../src/operations/cdn/publish.ts';
import { type EdgeCache, startEdgeCache } from './edge-cache.ts';
import { writeFrontEnd } from './front-end.ts';
import { startCloudFront } from './invalidators/fake-cloudfront.ts';
import { contextOf } from './operations.ts';
import { environmentOf, type S3Server } from './stores/server.ts';

/** A site from its folder to its visitors: a real store, an edge that keeps what it gets, and CloudFront's API. */
export interface PublishedSite extends AsyncDisposable {
  readonly edge: EdgeCache;
  /** Builds a front end of that name and publishes it. */
  publish(release: string): Promise<PublicationReport>;
  rollback(to?: string): Promise<PublicationReport>;
}

/** @param settings lines of `cdn:` beside those that must be there. */
export async function startPublishedSite(
  server: S3Server,
  bucket: string,
  settings: readonly string[] = [],
): Promise<PublishedSite> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-site-'));
  await server.makeBucket(bucket);
  const edge = await startEdgeCache({ origin: { ...server, bucket }, folders: true });
  const distribution = 'E2EXAMPLE';
  const cloudfront = await startCloudFront({
    distributions: [distribution],
    account: server,
    onInvalidate: (paths) => edge.purge(paths),
  });
  const config = join(folder, 'sluice.yml');
  const lines = [
    'dist: dist',
    `store: s3://${bucket}`,
    `endpoint: ${server.endpoint}`,
    `url: ${edge.url}`,
    `cloudfront: ${distribution}`,
    'verify: { for: 5s }',
    ...settings,
  ];
  await writeFile(config, `app: shop\ncdn:\n${lines.map((line) => `  ${line}\n`).join('')}`);
  const context = contextOf(config, {
    ...environmentOf(server),
    AWS_ENDPOINT_URL_CLOUDFRONT: cloudfront.url,
  });
  const request = { target: undefined, dist: undefined, allowRemovals: false, repair: false, verify: true };
  return {
    edge,
    publish: async (release) => {
      await writeFrontEnd(join(folder, 'dist'), release);
      return publishSite(context, { ...request, name: release });
    },
    rollback: (to) => rollbackSite(context, { target: undefined, to, verify: true }),
    [Symbol.asyncDispose]: async () => {
      await edge.close();
      await cloudfront[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
