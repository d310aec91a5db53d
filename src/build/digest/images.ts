import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';
import { formatImage, type ImageReference, tryParseImage } from '../../config/image.ts';
import type { BuildTarget } from '../model.ts';
import type { Dockerfile } from './dockerfile.ts';
import { expand, type Scope } from './expand.ts';
import { type Stage, type Stages, stagesOf } from './stages.ts';
import { globalScope } from './variables.ts';

/** An image that the build takes files from. */
export interface ImageUse {
  /** In full, with a tag or a digest: `docker.io/library/node:22-slim`. */
  readonly reference: string;
  /** undefined: the builder's own. */
  readonly platform: string | undefined;
}

/** Images that read Dockerfiles as we do; what another one makes of the file, only it knows. */
const frontends: readonly string[] = ['docker/dockerfile', 'docker/dockerfile-upstream'];

/**
 * Every image that can change what is built for one platform: bases of the stages that the target stage needs, what
 * COPY and RUN take from images, and the frontend of `# syntax=`.
 *
 * ONBUILD triggers within a base are not seen; its digest covers their text, and ../triggers.ts looks at them before a build.
 *
 * @throws Unresolvable for names that can't be told, and for inputs that no digest covers.
 */
export function imagesOf(
  dockerfile: Dockerfile,
  target: Pick<BuildTarget, 'target' | 'args' | 'contexts'>,
  platform: string | undefined,
): ImageUse[] {
  const { args, stages } = stagesOf(dockerfile);
  const scope = globalScope(args, target.args, platform, dockerfile.escapeToken);
  const contexts = new Set(Object.keys(target.contexts).map(fullName));
  const uses = frontendUses(target.args['BUILDKIT_SYNTAX'] ?? dockerfile.syntax);
  const takeImage = (name: string, of: string | undefined) => {
    if (name === 'scratch' || contexts.has(fullName(name))) return;
    uses.push({ reference: formatImage(parsed(name)), platform: of });
  };

  const pending = [targetStage(stages, target.target)];
  const seen = new Set<Stage>();
  for (let stage = pending.pop(); stage !== undefined; stage = pending.pop()) {
    if (seen.has(stage)) continue;
    seen.add(stage);
    // A context of a stage's name stands in for all of the stage.
    if (stage.name !== undefined && contexts.has(fullName(stage.name))) continue;
    if (stage.obstacle !== undefined) throw new Unresolvable(stage.obstacle);

    const base = expand(stage.base, scope, dockerfile.escapeToken);
    const earlier = stages.slice(0, stages.indexOf(stage)).findLast(({ name }) => name === base);
    if (earlier !== undefined) pending.push(earlier);
    else takeImage(base, platformOf(stage, scope, dockerfile.escapeToken, platform));

    for (const { name, mayBeNumber } of stage.sources) {
      const from = mayBeNumber && /^\d+$/.test(name) ? stages[Number(name)] : findStage(stages, name);
      if (from !== undefined) pending.push(from);
      else takeImage(name, platform);
    }
  }
  return uses;
}

/** @throws Unresolvable for a frontend whose language is not known here. */
function frontendUses(syntax: string | undefined): ImageUse[] {
  if (syntax === undefined || syntax === '') return [];
  const image = tryParseImage(syntax);
  if (image?.registry !== 'docker.io' || !frontends.includes(image.repository)) {
    throw new Unresolvable(`the Dockerfile is for the frontend ${syntax}, which may read it in its own way`);
  }
  return [{ reference: formatImage(tagged(image)), platform: undefined }];
}

function targetStage(stages: Stages['stages'], name: string | undefined): Stage {
  const stage = name === undefined || name === '' ? stages.at(-1) : findStage(stages, name);
  if (stage === undefined) throw new Unresolvable(`the Dockerfile has no stage "${name}"`);
  return stage;
}

/** The last one of the name counts, in any case of letters. */
function findStage(stages: Stages['stages'], name: string): Stage | undefined {
  return stages.findLast((stage) => stage.name === name.toLowerCase());
}

/** The platform of a stage's base image. */
function platformOf(stage: Stage, scope: Scope, escapeToken: string, platform: string | undefined) {
  if (stage.platform === undefined) return platform;
  const variable = /^\$(?:\{(\w+)\}|(\w+))$/.exec(stage.platform);
  const name = variable?.[1] ?? variable?.[2] ?? '';
  // These two need no value: whichever it is, it is the builder's own.
  const isBuilders = name === 'BUILDPLATFORM' || (name === 'TARGETPLATFORM' && platform === undefined);
  if (isBuilders && scope.get(name)?.kind === 'unknown') return undefined;
  return expand(stage.platform, scope, escapeToken);
}

/** @throws Unresolvable if it is no image reference. */
function parsed(name: string): ImageReference {
  const image = tryParseImage(name);
  if (image === undefined) throw new Unresolvable(`"${name}" in the Dockerfile is no image reference`);
  return tagged(image);
}

function tagged(image: ImageReference): ImageReference {
  return image.tag === undefined && image.digest === undefined ? { ...image, tag: 'latest' } : image;
}

/** Contexts and images meet by their full names: `node` is `docker.io/library/node:latest`. */
function fullName(name: string): string {
  const image = tryParseImage(name);
  return image === undefined ? name : formatImage(tagged(image));
}

/** The image of a `docker-image://…` context. */
export function imageOfContext(value: string, platform: string | undefined): ImageUse {
  return { reference: formatImage(parsed(value.replace(/^docker-image:\/\//, ''))), platform };
}
