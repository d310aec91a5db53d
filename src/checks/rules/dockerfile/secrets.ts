import { assignmentsOf, type Instruction } from '../../../config/dockerfile/parse.ts';
import { chainOf, type ImageBuild } from '../image/build.ts';
import type { Hit, Rule } from '../rule.ts';
import { isDummy, looksSecret, namesSecret, secretShape, urlShape } from '../secret-names.ts';

export const secretInImage: Rule<ImageBuild> = {
  id: 'dockerfile/secret-in-image',
  severity: 'high',
  level: 'fail',
  title: 'No ARG and no ENV holds a secret.',
  why: 'Both stay readable for everybody who can pull the image: docker history and docker inspect print them, also those of a build argument that no later stage uses. What a discarded stage holds stays in the cache of the builder and is a note; so is an argument of such a stage that a compose file passes.',
  fix: 'Give the build its secret by RUN --mount=type=secret,id=…, and the program its own by environment: when it starts.',
  source: {
    name: 'Docker: SecretsUsedInArgOrEnv',
    url: 'https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/',
  },
  example: {
    file: 'Dockerfile',
    bad: `FROM node:24-slim AS build
ARG NPM_TOKEN
RUN echo "//registry.npmjs.org/:_authToken=$NPM_TOKEN" > .npmrc
`,
    good: `FROM node:24-slim AS build
RUN --mount=type=secret,id=npm_token,env=NPM_TOKEN \\
    --mount=type=cache,target=/root/.npm npm ci
`,
  },
  check: (image) => {
    const final = new Set(image.targets.flatMap(chainOf));
    return image.stages.flatMap((stage) =>
      stage.instructions.flatMap((instruction) => hitsIn(instruction, image, final.has(stage))),
    );
  },
};

function hitsIn(instruction: Instruction, image: ImageBuild, isFinal: boolean): Hit[] {
  const { keyword, line, endLine } = instruction;
  if (keyword !== 'ARG' && keyword !== 'ENV') return [];
  return assignmentsOf(instruction).flatMap(([name, value]): Hit[] => {
    const fault = faultOf(keyword, name, value, { isFinal, isPassed: image.args.has(name) });
    return fault === undefined ? [] : [{ file: image.path, line, endLine, subject: name, ...fault }];
  });
}

type Fault = Pick<Hit, 'message' | 'severity' | 'level' | 'fix'>;

const note = { severity: 'low', level: 'note' } as const;

/** A stage that is only copied from leaves its ARG and ENV in the cache of the builder, and not in the image. */
function faultOf(
  keyword: string,
  name: string,
  value: string | undefined,
  { isFinal, isPassed }: { readonly isFinal: boolean; readonly isPassed: boolean },
): Fault | undefined {
  const shape = value === undefined ? undefined : secretShape(value);
  // In the file itself everybody has it, whatever becomes of the stage.
  if (shape !== undefined && (isFinal || shape !== urlShape))
    return { message: `${keyword} ${name} holds ${shape}.` };
  if (shape !== undefined) return { ...note, message: `${keyword} ${name} holds ${shape}, ${discarded}.` };
  if (!namesSecret(name)) return undefined;
  if (value === undefined || value === '') {
    if (keyword !== 'ARG') return undefined;
    // One that no build is known to pass has nothing to leave in a cache.
    if (!isFinal && !isPassed) return undefined;
    return isFinal
      ? { message: `The build argument ${name} stays in the history of the image.` }
      : {
          ...note,
          message: `The build argument ${name} stays in the builder’s cache and in the provenance of the image, although its stage is no part of it.`,
        };
  }
  if (/^\$\{?\w+\}?$/.test(value)) {
    if (keyword !== 'ENV' || !isFinal) return undefined;
    return { message: `ENV ${name} writes the build argument's value into the image.` };
  }
  if (!looksSecret(value)) return undefined;
  if (isDummy(value)) {
    if (!isFinal || keyword === 'ARG') return undefined;
    return {
      ...note,
      message: `ENV ${name} has a placeholder in the image: without another value the app starts with it.`,
    };
  }
  const known = `${keyword} ${name} gives a secret a value that everybody`;
  return isFinal
    ? { message: `${known} with the image knows.` }
    : { ...note, message: `${known} with the repository knows, ${discarded}.` };
}

const discarded = 'in a stage that is no part of the image';
