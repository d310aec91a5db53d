import type { Config } from '../model.ts';

/**
 * Images of an app with `registry: none`: built where Sluice runs and transferred to the hosts over SSH. They are named
 * below `localhost`, so that an engine which lacks one contacts no public registry.
 */

/** Below which the images of such an app are named: `localhost/bookreader`. */
export function carriedRegistry(app: string): string {
  // App names allow runs and ends of - and _ that image names do not.
  return `localhost/${app.replace(/[_-]+/g, '-').replace(/-$/, '')}`;
}

/** Whether the app has no registry: `registry: none` in sluice.yml. */
export function isCarried(config: Pick<Config, 'app' | 'registry'>): boolean {
  return config.registry === carriedRegistry(config.app);
}

/**
 * The name of an image by its content. It is the digest of the image's configuration, which is the same in every engine:
 * that of its manifest is not, for an engine with the older image store keeps no manifest.
 *
 * @param config `sha256:…`
 */
export function carriedReference(repository: string, config: string): string {
  return `${repository}:${config.replace(':', '-')}`;
}

/** `sha256:…` of the image's configuration; undefined for any other reference. */
export function carriedDigest(reference: string): string | undefined {
  const hex = /^localhost\/[^:@]+:sha256-([0-9a-f]{64})$/.exec(reference)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}
