import { purposeOf } from './names.ts';
import type { ComposeCandidate } from './overlay.ts';

/**
 * The development image that a compose file without a purpose in its name builds: `dockerfile: dev.Dockerfile`,
 * `target: devcontainer`.
 *
 * @param files later ones over earlier ones.
 * @returns a sentence without its stop; undefined: nothing shows that an image is for development.
 */
export function developmentBuild(files: readonly ComposeCandidate[]): string | undefined {
  const builds = new Map<string, Readonly<Record<string, unknown>>>();
  for (const { services } of files)
    for (const [name, { build }] of Object.entries(services)) {
      const above = typeof build === 'string' ? { context: build } : build;
      if (above !== null && typeof above === 'object') builds.set(name, { ...builds.get(name), ...above });
    }
  for (const [name, { dockerfile, target }] of builds) {
    if (isDevelopment(target)) return `${name} builds the stage ${target}, which is named for development`;
    // A stage of another name may be the one for production.
    if (target === undefined && isDevelopment(dockerfile))
      return `${name} builds ${dockerfile}, which is named for development`;
  }
  return undefined;
}

function isDevelopment(name: unknown): name is string {
  return typeof name === 'string' && !name.includes('$') && purposeOf(name) === 'development';
}
