import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';
import {
  familiarImage,
  formatImage,
  type ImageReference,
  tryParseImage,
} from '../../config/images/reference.ts';
import type { BuildTarget } from '../model.ts';
import type { Dockerfile } from './dockerfile.ts';
import { expand, type Scope, splitWords, type Variable } from './expand.ts';
import { type Stage, type Stages, stagesOf } from './stages.ts';

/** An image that the build takes files from. */
export interface ImageUse {
  /** In full, with a tag or a digest: `docker.io/library/node:22-slim`. */
  readonly reference: string;
  /** undefined: the builder's own. */
  readonly platform: string | undefined;
  /**
   * Whether a named context may stand in for it. In `FROM nginx AS nginx` it would stand in for the whole stage: BuildKit
   * asks for contexts by the names of stages, too.
   */
  readonly isReplaceable: boolean;
}

/** Frontends that read Dockerfiles as Sluice does. */
const frontends: readonly string[] = ['docker/dockerfile', 'docker/dockerfile-upstream'];

type Sight = Pick<BuildTarget, 'target' | 'args' | 'contexts'>;

/**
 * Every image that can change what is built for one platform: bases of the stages that the target stage needs, what
 * COPY and RUN take from images, and the frontend of `# syntax=`.
 *
 * ONBUILD triggers within a base are not seen; its digest covers their text, and triggers.ts checks them before a build.
 *
 * @throws Unresolvable for names that are not known, and for inputs that no digest covers.
 */
export function imagesOf(dockerfile: Dockerfile, target: Sight, platform: string | undefined): ImageUse[] {
  const frontend = frontendUses(target.args['BUILDKIT_SYNTAX'] ?? dockerfile.syntax);
  const onFault = (fault: Unresolvable) => {
    throw fault;
  };
  return [...frontend, ...namesIn(dockerfile, target, platform, onFault).map(useOf)];
}

/** The same, without images that are not known. */
export function knownImagesOf(
  dockerfile: Dockerfile,
  target: Sight,
  platform: string | undefined,
): ImageUse[] {
  const names = namesIn(dockerfile, target, platform, () => {});
  return names.filter(({ name }) => tryParseImage(name) !== undefined).map(useOf);
}

interface Named {
  readonly name: string;
  readonly platform: string | undefined;
  readonly stageNames: ReadonlySet<string>;
}

function useOf({ name, platform, stageNames }: Named): ImageUse {
  const image = parsed(name);
  return { reference: formatImage(image), platform, isReplaceable: !stageNames.has(familiarImage(image)) };
}

/** Names of images as FROM, COPY and RUN have them, variables expanded; no stages and no named contexts. */
function namesIn(
  dockerfile: Dockerfile,
  target: Sight,
  platform: string | undefined,
  onFault: (fault: Unresolvable) => void,
): Named[] {
  const { args, stages } = stagesOf(dockerfile);
  const { escapeToken } = dockerfile;
  const scope = globalScope(args, target.args, platform, escapeToken);
  const contexts = new Set(Object.keys(target.contexts).map(fullName));
  const stageNames = new Set(stages.flatMap(({ name }) => name ?? []));
  const found: Named[] = [];
  const take = (name: string, of: string | undefined) => {
    if (name !== 'scratch' && !contexts.has(fullName(name))) found.push({ name, platform: of, stageNames });
  };
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Unresolvable)) throw error;
      onFault(error);
    }
  };

  const pending = [targetStage(stages, target.target)];
  const seen = new Set<Stage>();
  for (let stage = pending.pop(); stage !== undefined; stage = pending.pop()) {
    const here = stage;
    if (seen.has(here)) continue;
    seen.add(here);
    // A context of a stage's name stands in for all of the stage.
    if (here.name !== undefined && contexts.has(fullName(here.name))) continue;
    if (here.obstacle !== undefined) onFault(new Unresolvable(here.obstacle));

    attempt(() => {
      const base = expand(here.base, scope, escapeToken);
      const earlier = stages.slice(0, stages.indexOf(here)).findLast(({ name }) => name === base);
      if (earlier !== undefined) pending.push(earlier);
      else take(base, platformOf(here, scope, escapeToken, platform));
    });
    for (const { name, mayBeNumber } of here.sources) {
      const from = mayBeNumber && /^\d+$/.test(name) ? stages[Number(name)] : findStage(stages, name);
      if (from !== undefined) pending.push(from);
      else take(name, platform);
    }
  }
  return found;
}

/** @throws Unresolvable for a frontend whose language is not known here. */
function frontendUses(syntax: string | undefined): ImageUse[] {
  if (syntax === undefined || syntax === '') return [];
  const image = tryParseImage(syntax);
  if (image?.registry !== 'docker.io' || !frontends.includes(image.repository)) {
    throw new Unresolvable(
      `the Dockerfile is for the frontend ${syntax}, which may interpret it differently`,
    );
  }
  return [{ reference: formatImage(tagged(image)), platform: undefined, isReplaceable: false }];
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

/** @throws Unresolvable if it is not an image reference. */
function parsed(name: string): ImageReference {
  const image = tryParseImage(name);
  if (image === undefined) throw new Unresolvable(`"${name}" in the Dockerfile is not an image reference`);
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
  const reference = formatImage(parsed(value.replace(/^docker-image:\/\//, '')));
  return { reference, platform, isReplaceable: false };
}

const ofBuilder = { kind: 'unknown', why: 'is known to the builder only' } as const;
const ofPlatform = {
  kind: 'unknown',
  why: 'depends on the builder, because the build does not set a full platform',
} as const;

/**
 * The variables that FROM may use: the platform's own, and each ARG before the first FROM with its build argument or
 * else its default.
 *
 * @param lines arguments of those ARG instructions.
 */
function globalScope(
  lines: readonly string[],
  args: Readonly<Record<string, string>>,
  platform: string | undefined,
  escapeToken: string,
): Scope {
  const scope = new Map<string, Variable>(platformVariables(platform));
  for (const word of lines.flatMap((line) => splitWords(line, escapeToken))) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    if (Object.hasOwn(args, name)) scope.set(name, { kind: 'value', value: args[name] ?? '' });
    else if (equals >= 0) scope.set(name, defaultOf(word.slice(equals + 1), scope, escapeToken));
    // Without a value BuildKit 0.13 empties the platform's variables, and later ones keep them.
    else
      scope.set(
        name,
        scope.has(name) ? { kind: 'unknown', why: 'is declared again by an ARG' } : { kind: 'declared' },
      );
  }
  return scope;
}

/** An unknown default matters only if FROM uses it. */
function defaultOf(text: string, scope: Scope, escapeToken: string): Variable {
  try {
    return { kind: 'value', value: expand(text, scope, escapeToken) };
  } catch (error) {
    if (!(error instanceof Unresolvable)) throw error;
    return { kind: 'unknown', why: `has an unknown default: ${error.message}` };
  }
}

/** As BuildKit spells them; `linux/arm64/v8` or `linux/x86_64` would become something else in the variables. */
const plainPlatform = /^[a-z]+\/(?:amd64|arm64|386|ppc64le|s390x|riscv64|arm\/v[5-7])$/;

/** https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope */
function platformVariables(platform: string | undefined): [string, Variable][] {
  const builders = ['BUILDPLATFORM', 'BUILDOS', 'BUILDARCH', 'BUILDVARIANT', 'TARGETSTAGE'];
  const [os, architecture, variant] = platform?.split('/') ?? [];
  const targets = {
    TARGETPLATFORM: platform,
    TARGETOS: os,
    TARGETARCH: architecture,
    TARGETVARIANT: variant,
  };
  const isKnown = platform !== undefined && plainPlatform.test(platform);
  return [
    ...builders.map((name): [string, Variable] => [name, ofBuilder]),
    ...Object.entries(targets).map(([name, value = '']): [string, Variable] => [
      name,
      isKnown ? { kind: 'value', value } : ofPlatform,
    ]),
  ];
}
