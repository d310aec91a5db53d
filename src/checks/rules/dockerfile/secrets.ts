import { assignmentsOf, type Instruction } from '../../../config/dockerfile/parse.ts';
import { chainOf, type ImageBuild } from '../image/build.ts';
import type { Hit, Rule } from '../rule.ts';
import { isDummy, looksSecret, namesSecret, secretShape, urlShape } from '../secret-names.ts';

export const secretInImage: Rule<ImageBuild> = {
  id: 'dockerfile/secret-in-image',
  severity: 'high',
  level: 'fail',
  title: 'ARG and ENV contain no secrets.',
  why: 'Anyone who can pull the image can read both: docker history and docker inspect print them, including build arguments that no later stage uses. Secrets of a discarded stage stay in the builder’s cache and are a note. An argument of such a stage that a compose file passes is a note, too.',
  fix: 'Pass build secrets with RUN --mount=type=secret,id=…, and secrets of the program through environment: at start.',
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

/** ARG and ENV of a stage that is only copied from stay in the builder's cache, not in the image. */
function faultOf(
  keyword: string,
  name: string,
  value: string | undefined,
  { isFinal, isPassed }: { readonly isFinal: boolean; readonly isPassed: boolean },
): Fault | undefined {
  const shape = value === undefined ? undefined : secretShape(value);
  // A literal secret is public in the Dockerfile itself, for any stage.
  if (shape !== undefined && (isFinal || shape !== urlShape))
    return { message: `${keyword} ${name} holds ${shape}.` };
  if (shape !== undefined) return { ...note, message: `${keyword} ${name} holds ${shape}, ${discarded}.` };
  if (!namesSecret(name)) return undefined;
  if (value === undefined || value === '') {
    if (keyword !== 'ARG') return undefined;
    // An argument that no known build passes leaves no value in a cache.
    if (!isFinal && !isPassed) return undefined;
    return isFinal
      ? { message: `The value of the build argument ${name} stays in the history of the image.` }
      : {
          ...note,
          message: `The value of the build argument ${name} stays in the builder’s cache and in the provenance of the image, although its stage is not part of it.`,
        };
  }
  if (/^\$\{?\w+\}?$/.test(value)) {
    if (keyword !== 'ENV' || !isFinal) return undefined;
    return { message: `ENV ${name} writes the value of a build argument into the image.` };
  }
  if (!looksSecret(value)) return undefined;
  if (isDummy(value)) {
    if (!isFinal || keyword === 'ARG') return undefined;
    return {
      ...note,
      message: `ENV ${name} has a placeholder in the image, which the app uses if the variable is not set.`,
    };
  }
  const known = `${keyword} ${name} sets a secret to a value that everyone`;
  return isFinal
    ? { message: `${known} with the image knows.` }
    : { ...note, message: `${known} with the repository knows, ${discarded}.` };
}

const discarded = 'in a stage that is not part of the image';
