import { assignmentsOf, type Instruction } from '../../config/dockerfile/parse.ts';
import { chainOf, type ImageBuild } from './image-build.ts';
import type { Hit, Rule } from './rule.ts';
import { looksSecret, namesSecret, secretShape } from './secret-names.ts';

export const secretInImage: Rule<ImageBuild> = {
  id: 'dockerfile/secret-in-image',
  severity: 'high',
  level: 'fail',
  title: 'No ARG and no ENV holds a secret.',
  why: 'Both stay readable for everybody who can pull the image: docker history and docker inspect print them, also those of a build argument that no later stage uses.',
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
    const shape = value === undefined ? undefined : secretShape(value);
    const place = { file: image.path, line, endLine, subject: name };
    if (shape !== undefined) return [{ ...place, message: `${keyword} ${name} holds ${shape}.` }];
    if (!namesSecret(name)) return [];
    if (keyword === 'ARG' && (value === undefined || value === '')) {
      return [{ ...place, message: `The build argument ${name} stays in the history of the image.` }];
    }
    if (value === undefined || value === '') return [];
    const isReference = /^\$\{?\w+\}?$/.test(value);
    if (isReference && keyword === 'ENV') {
      return [{ ...place, message: `ENV ${name} writes the build argument's value into the image.` }];
    }
    if (!looksSecret(value)) return [];
    // What a build stage makes up for a build is no secret, and no part of the image.
    if (!isFinal && /dummy|fake|build|placeholder|unused|not-?a?-?secret/i.test(value)) return [];
    return [
      { ...place, message: `${keyword} ${name} gives a secret a value that everybody with the image knows.` },
    ];
  });
}
