import { UserError } from '../../kernel/errors.ts';

/** An image reference, taken apart as Docker does. */
export interface ImageReference {
  /** `docker.io` if none is given; with its port if it has one. */
  readonly registry: string;
  /** Path within the registry: `library/postgres`, `acme/bookreader/backend`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string | undefined;
}

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const registryPattern =
  /^(?:(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])(?:\.(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]))*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** @returns undefined if the text is not an image reference. */
export function tryParseImage(text: string): ImageReference | undefined {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !digestPattern.test(digest)) return undefined;
  const named = at < 0 ? text : text.slice(0, at);

  // A colon behind the last slash begins a tag; before it, it is a registry's port.
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagPattern.test(tag)) return undefined;
  const name = hasTag ? named.slice(0, colon) : named;
  if (name.length > 255) return undefined;

  const { registry, repository } = splitRegistry(name);
  if (!registryPattern.test(registry) || !repositoryPattern.test(repository)) return undefined;
  return { registry, repository, tag, digest };
}

/**
 * @param where what names the image, for the message: `services.backend.image`.
 * @throws UserError `compose.image`; the text is not repeated, for it may hold credentials.
 */
export function parseImage(text: string, where: string): ImageReference {
  const reference = tryParseImage(text);
  if (reference !== undefined) return reference;
  throw new UserError({
    code: 'compose.image',
    message: `${where}: ${imageFault(text)}`,
    hint: 'Write the image as [registry[:port]/]name[:tag][@sha256:…], for example ghcr.io/acme/app:v1.2.3.',
  });
}

function imageFault(text: string): string {
  if (text === '') return 'the image is empty; check that its variable is set';
  if (/^[a-z]+:\/\//i.test(text)) return 'an image reference must not start with https://';
  if (/\s/.test(text)) return 'the image reference contains a space';
  if (/[:@]$/.test(text))
    return 'the image reference ends before its tag or digest; check that its variable is set';
  const digest = /@([\s\S]*)$/.exec(text)?.[1];
  if (digest !== undefined && !digestPattern.test(digest))
    return 'the digest is not sha256: and 64 hexadecimal digits';
  const slash = text.lastIndexOf('/') + 1;
  const [last = ''] = text.slice(slash).split(/[:@]/);
  const name = splitRegistry(text.slice(0, slash) + last).repository;
  if (name !== name.toLowerCase()) return 'an image name must be lowercase';
  return 'this is not a valid image reference';
}

function splitRegistry(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  // Docker's rule: only a first part that looks like a host name is a registry.
  if (first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase()) {
    const repository = name.slice(slash + 1);
    const isHub = first === 'docker.io' || first === 'index.docker.io';
    if (!isHub) return { registry: first, repository };
    return {
      registry: 'docker.io',
      repository: repository.includes('/') ? repository : `library/${repository}`,
    };
  }
  return { registry: 'docker.io', repository: slash < 0 ? `library/${name}` : name };
}

/** Registry and repository in full: `docker.io/library/postgres`. */
export function imageName({ registry, repository }: ImageReference): string {
  return `${registry}/${repository}`;
}

/** The reference in full, with tag and digest as far as it has them. */
export function formatImage(reference: ImageReference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${imageName(reference)}${tag}${digest}`;
}

/**
 * The reference as Docker's commands shorten it, `node:22` for `docker.io/library/node:22`, and without `:latest`.
 * BuildKit looks up a named context only by this form: `docker.io/library/node:22` as the name of one replaces nothing
 * (moby/buildkit, frontend/dockerui/namedcontext.go; tried with buildx 0.13 and engine 26).
 */
export function familiarImage(reference: ImageReference): string {
  const { tag, digest, registry, repository } = reference;
  const isHub = registry === 'docker.io';
  const name = isHub ? repository.replace(/^library\//, '') : `${registry}/${repository}`;
  const shownTag = tag === undefined || (tag === 'latest' && digest === undefined) ? '' : `:${tag}`;
  return `${name}${shownTag}${digest === undefined ? '' : `@${digest}`}`;
}
