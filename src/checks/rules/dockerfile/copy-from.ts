import { posix } from 'node:path';
import { expand, type Instruction, type Stage } from '../../../config/dockerfile/parse.ts';
import { suggest } from '../../../config/sluice-yml/suggest.ts';
import { copied, type ImageBuild, placeOf, stageCalled } from '../image/build.ts';
import { contentsOf, type StageContents } from '../image/stage-contents.ts';
import type { Hit, Rule } from '../rule.ts';

const reference = 'https://docs.docker.com/reference/dockerfile/#copy---from';

export const copyFromMissing: Rule<ImageBuild> = {
  id: 'dockerfile/copy-from-missing',
  severity: 'high',
  level: 'fail',
  title: 'COPY --from copies a folder that the other stage creates.',
  why: 'Vite writes to dist, Create React App to build, and paths of COPY --from are relative to the root, not to the WORKDIR. A wrong path fails the build after minutes or, if the folder happens to exist, ships old files. Sluice reads the output folder from the command of the build, its flags and its configuration. If any of these is computed, the rule reports nothing.',
  fix: 'Use the output folder of that stage’s build, as an absolute path.',
  source: { name: 'Docker: COPY --from', url: reference },
  example: {
    file: 'Dockerfile',
    beside: {
      'package.json': '{ "scripts": { "build": "vite build" } }\n',
      'package-lock.json': '{}\n',
      '.dockerignore': 'node_modules\ndist\n',
    },
    bad: `FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY . .
RUN npm run build

FROM nginx:1.29
COPY --from=build /app/build /usr/share/nginx/html
`,
    good: `FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY . .
RUN npm run build

FROM nginx:1.29
COPY --from=build /app/dist /usr/share/nginx/html
`,
  },
  check: (image) =>
    image.stages.flatMap((stage) =>
      stage.instructions.flatMap((instruction) => {
        const from = instruction.flags.find(({ name }) => name === 'from')?.value;
        if (instruction.keyword !== 'COPY' || from === undefined) return [];
        const source = stageCalled(from, stage, image.dockerfile);
        const contents = source === undefined ? undefined : contentsOf(source, image);
        return contents === undefined ? [] : missing(instruction, contents, image);
      }),
    ),
};

function missing(instruction: Instruction, contents: StageContents, image: ImageBuild): Hit[] {
  return copied(instruction).sources.flatMap((source) => {
    const path = expand(source, instruction.variables);
    if (path === undefined || /[*?[]/.test(path)) return [];
    const hit = judge(posix.resolve('/', path), source, contents);
    if (hit === undefined) return [];
    return { ...placeOf(instruction, image), ...hit };
  });
}

/** A fault if no command of the stage can create the path; a note if only an unknown command could. */
function judge(path: string, source: string, contents: StageContents): Omit<Hit, 'file'> | undefined {
  const { stage, output } = contents;
  const answer = contents.has(path);
  if (answer === 'yes') return undefined;
  const workdir = stage.instructions.at(-1)?.workdir ?? '/';
  const isRelative = !/^[/$]/.test(source) && workdir !== '/' && !`${path}/`.startsWith(`${workdir}/`);
  const rule = ` Paths of COPY --from are relative to the root, not to its WORKDIR ${workdir}.`;
  if (answer === 'maybe') {
    if (!isRelative) return undefined;
    const message = `The stage ${stageName(stage)} does not seem to create ${path}.${rule}`;
    return { severity: 'low', level: 'note', message };
  }
  const [made] = output?.paths ?? [];
  if (output !== undefined && made !== undefined && outputNames.has(posix.basename(path))) {
    return {
      message: `The stage ${stageName(stage)} creates ${made} (${output.tool}), not ${path}.`,
      fix: `Use COPY --from=${stageName(stage)} ${made} ….`,
    };
  }
  return { message: `The stage ${stageName(stage)} does not create ${path}.${isRelative ? rule : ''}` };
}

/** Usual output folders: a COPY of one expects that a build has created it. */
const outputNames = new Set(['dist', 'build', 'out', 'public', '.next', '.output', 'www', '_site']);

function stageName({ name, index }: Stage): string {
  return name ?? String(index);
}

export const unknownStage: Rule<ImageBuild> = {
  id: 'dockerfile/unknown-stage',
  severity: 'high',
  level: 'fail',
  title: 'COPY --from names an earlier stage.',
  why: 'Docker pulls any other name as an image: the build fails or, worse, copies from a stranger’s image of that name.',
  fix: 'Name an earlier stage (FROM … AS name), or an image with its tag.',
  source: { name: 'Docker: COPY --from', url: reference },
  example: {
    file: 'Dockerfile',
    bad: `FROM golang:1.26 AS build
RUN go build -o /server example.com/server

FROM gcr.io/distroless/static:nonroot
COPY --from=builder /server /server
`,
    good: `FROM golang:1.26 AS build
RUN --mount=type=cache,target=/root/.cache/go-build go build -o /server example.com/server

FROM gcr.io/distroless/static:nonroot
COPY --from=build /server /server
`,
  },
  check: (image) =>
    image.stages.flatMap((stage) =>
      stage.instructions.flatMap((instruction) => {
        const from = instruction.flags.find(({ name }) => name === 'from')?.value;
        if (instruction.keyword !== 'COPY' || from === undefined) return [];
        const message = faultOf(from, stage, image);
        return message === undefined ? [] : { ...placeOf(instruction, image), message };
      }),
    ),
};

/** A bare word close to a stage's name is a typo; a name in the form of an image is an image. */
function faultOf(from: string, stage: Stage, image: ImageBuild): string | undefined {
  const { stages } = image.dockerfile;
  if (
    /\$/.test(from) ||
    image.contexts.includes(from) ||
    stageCalled(from, stage, image.dockerfile) !== undefined
  )
    return undefined;
  if (/^\d+$/.test(from)) return `There is no earlier stage ${from}; stages count from 0.`;
  if (stages.some(({ name }) => name === from.toLowerCase()))
    return `The stage ${from} is defined later than this one.`;
  if (/[/:@.]/.test(from)) return undefined;
  const names = stages.slice(0, stage.index).flatMap(({ name }) => name ?? []);
  const alike = names.find((name) => name.startsWith(from) || from.startsWith(name)) ?? suggest(from, names);
  return alike === undefined ? undefined : `There is no stage ${from}; did you mean ${alike}?`;
}
