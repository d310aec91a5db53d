import { createHash } from 'node:crypto';
import type { GitRef } from './ref.ts';
import { compareStable, formatVersion, isStable, parseVersion, type Version } from './version.ts';

/**
 * Tags of the images of one build, as a person expects them from the git ref: v1.2.3 → `1.2.3`, and `1.2`, `1` and
 * `latest` as far as no newer stable version has them; a branch → its name; a pull request → `pr-12`; and the commit.
 *
 * @param published versions that exist already, by git or by the registry; other names are ignored.
 */
export function tagsOf(ref: GitRef, published: readonly string[]): string[] {
  const commit = ref.sha === undefined || ref.dirty ? [] : [`sha-${ref.sha.slice(0, 12)}`];
  switch (ref.kind) {
    case 'tag': {
      const version = parseVersion(ref.name);
      return version === undefined
        ? [tagName(ref.name), ...commit]
        : [...versionTags(version, published), ...commit];
    }
    case 'branch':
      return [branchTag(ref.name), ...commit];
    // If it is merged, its commit becomes the branch's, whose build tags it.
    case 'queue':
      return ['queue'];
    // The commit of a pull request is a merge that exists nowhere else.
    case 'pull':
      return [`pr-${ref.name}`];
    case 'none':
      return commit.length > 0 && ref.foreign === undefined ? commit : ['local'];
  }
}

/** Whether the other published versions matter for this ref: asking the registry for them costs a request. */
export function needsPublished(ref: GitRef): boolean {
  const version = ref.kind === 'tag' ? parseVersion(ref.name) : undefined;
  return version !== undefined && isStable(version);
}

function versionTags(version: Version, published: readonly string[]): string[] {
  const own = formatVersion(version);
  if (!isStable(version)) return [own];
  const others = published
    .map(parseVersion)
    .filter((candidate) => candidate !== undefined && isStable(candidate));
  const newestOf = (within: (other: Version) => boolean) =>
    others.every((other) => other === undefined || !within(other) || compareStable(other, version) <= 0);
  const { major, minor } = version;
  return [
    own,
    ...(newestOf((other) => other.major === major && other.minor === minor) ? [`${major}.${minor}`] : []),
    // 0.x promises nothing from one minor version to the next.
    ...(major > 0 && newestOf((other) => other.major === major) ? [`${major}`] : []),
    ...(newestOf(() => true) ? ['latest'] : []),
  ];
}

const longest = 128;

/** Tags with a fixed meaning, which a branch of the same name must not replace. */
const reserved = /^(?:latest|v?\d+(?:\.\d+)*(?:[-+].*)?|(?:tree|cache|build|sha|pr)-.*|queue)$/;

/** A branch as a tag: `feature/X y` → `feature-X-y`, `latest` → `branch-latest`. */
function branchTag(name: string): string {
  const tag = tagName(name);
  return reserved.test(tag) ? tagName(`branch-${name}`) : tag;
}

/** A name as a tag; a name that is cut, or that has no allowed character, gets a hash. */
export function tagName(name: string): string {
  const plain = name.replace(/[^\w.-]+/g, '-').replace(/^[.-]+/, '');
  if (plain !== '' && plain.length <= longest) return plain;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${plain.slice(0, longest - 9)}${plain === '' ? 'ref' : ''}-${hash}`;
}

/** OCI labels (opencontainers/image-spec, annotations.md). No time: the image of a tree must not depend on it. */
export function ociLabels(ref: GitRef, title: string): Record<string, string> {
  const version = ref.kind === 'tag' ? parseVersion(ref.name) : undefined;
  return {
    'org.opencontainers.image.title': title,
    ...(ref.url === undefined ? {} : { 'org.opencontainers.image.source': ref.url }),
    ...(ref.sha === undefined || ref.dirty ? {} : { 'org.opencontainers.image.revision': ref.sha }),
    ...(version === undefined ? {} : { 'org.opencontainers.image.version': formatVersion(version) }),
  };
}
