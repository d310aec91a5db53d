import { type ImageReference, tryParseImage } from '../../config/images/reference.ts';
import type { ComposeModel } from '../../config/model.ts';
import { enumerate } from '../render/terminal.ts';
import { isStandIn } from '../stand-ins/stand-ins.ts';
import type { Seen } from '../study/repository.ts';

/** A value and its source, as the end of a comment. */
export interface Explained<T> {
  readonly value: T;
  readonly why: string;
}

/** A service that is built, with the place that its `image:` names; undefined for a name without a path (`web`). */
interface Built {
  readonly service: string;
  readonly image: ImageReference | undefined;
  /** `docker.io/acme`; undefined where an unknown variable is part of it. */
  readonly registry: string | undefined;
}

/**
 * The registry of the existing sluice.yml, else the one that `image:` of the built services names; without one, the registry that this repository’s own token can
 * push to.
 *
 * `acme/web` is on Docker Hub, by Docker’s own rule and also if the repository is github.com/acme/web: that is where
 * `sluice build` pushes it and servers pull it from. Proposing ghcr.io beside it would name two places for one image.
 */
export function guessRegistry(
  seen: Pick<Seen, 'git'> & Partial<Pick<Seen, 'present'>>,
  model: ComposeModel | undefined,
): Explained<string | undefined> {
  const { registry: present } = seen.present ?? {};
  if (present !== undefined) return { value: present, why: 'set in sluice.yml' };
  const named = builtOf(model).filter(({ image }) => image !== undefined);
  const [first] = named;
  if (first !== undefined && named.every(({ registry }) => registry === first.registry)) {
    const names = enumerate(named.map(({ service }) => service));
    if (first.registry !== undefined) return { value: first.registry, why: `from \`image:\` of ${names}` };
    if (named.length === builtOf(model).length)
      return { value: undefined, why: `variables in \`image:\` of ${names} set it` };
  }
  const { remote } = seen.git;
  const own = remote?.host === 'github.com' ? `ghcr.io/${remote.path.toLowerCase()}` : undefined;
  if (own !== undefined && tryParseImage(`${own}/service`) !== undefined) {
    return { value: own, why: 'GitHub’s registry for this repository' };
  }
  const why =
    remote === undefined
      ? 'there is no git remote to derive it from'
      : `the remote is ${remote.host}, and only GitHub’s registry can be derived from a remote`;
  return { value: undefined, why };
}

/** Registries that images are pushed to and that take a user and a password: all but ghcr.io, which takes GITHUB_TOKEN. */
export function loginsNeeded(
  model: ComposeModel | undefined,
  registry: string | undefined,
): readonly string[] {
  const below = registry === undefined ? undefined : tryParseImage(`${registry}/any`)?.registry;
  const hosts = builtOf(model).flatMap(({ image }) => image?.registry ?? below ?? []);
  return [...new Set(hosts)]
    .filter((host) => !isStandIn(host))
    .filter((host) => host !== 'ghcr.io' && !/^(?:localhost|127\.)/.test(host))
    .sort();
}

export function registryNotes(
  model: ComposeModel | undefined,
  registry: string | undefined,
  remote: Seen['git']['remote'],
): string[] {
  const onHub = builtOf(model).filter(({ image }) => image?.registry === 'docker.io');
  const isGitHub = remote?.host === 'github.com';
  const notes: string[] = [];
  if (onHub.length > 0 && isGitHub) {
    const [{ service = '', image } = {}] = onHub;
    notes.push(
      `Images of ${enumerate(onHub.map((built) => built.service))} are pushed to Docker Hub, from \`image:\` (${image?.repository}). For GitHub’s registry, use \`image: ghcr.io/${remote.path.toLowerCase()}/${service.toLowerCase()}\`.`,
    );
  }
  const logins = loginsNeeded(model, registry);
  if (logins.length > 1) {
    notes.push(
      `Images are pushed to ${enumerate(logins)}, but REGISTRY_PASSWORD is for one of them. Log in to the others with docker/login-action before the build, and on the servers.`,
    );
  }
  if (logins.some((host) => /\.dkr\.ecr\..{0,100}amazonaws\.com$/.test(host))) {
    notes.push(
      'Amazon ECR passwords expire after 12 hours. Log in with aws-actions/amazon-ecr-login before the build, and install amazon-ecr-credential-helper on the servers.',
    );
  }
  return notes;
}

function builtOf(model: ComposeModel | undefined): Built[] {
  return Object.entries(model?.services ?? {}).flatMap(([service, { build, image }]): Built[] => {
    if (build === undefined) return [];
    const parsed = image === undefined ? undefined : tryParseImage(image);
    // A name without a path is put below `registry:`.
    const isPlain = parsed?.registry === 'docker.io' && parsed.repository.startsWith('library/');
    if (parsed === undefined || isPlain) return [{ service, image: undefined, registry: undefined }];
    const path = [parsed.registry, ...parsed.repository.split('/').slice(0, -1)];
    const isKnown = !path.some(isStandIn);
    return [{ service, image: parsed, registry: isKnown ? path.join('/') : undefined }];
  });
}
