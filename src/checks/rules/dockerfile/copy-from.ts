import { posix } from 'node:path';
import { expand, type Instruction, type Stage } from '../../../config/dockerfile/parse.ts';
import { suggest } from '../../../config/sluice-yml/suggest.ts';
import { copied, type ImageBuild, stageCalled } from '../image/build.ts';
import { contentsOf, type StageContents } from '../image/stage-contents.ts';
import type { Hit, Rule } from '../rule.ts';

const reference = 'https://docs.docker.com/reference/dockerfile/#copy---from';

export const copyFromMissing: Rule<ImageBuild> = {
  id: 'dockerfile/copy-from-missing',
  severity: 'high',
  level: 'fail',
  title: 'COPY --from takes a folder that the other stage makes.',
  why: 'Vite writes to dist, Create React App to build, and paths of COPY --from begin at the root and not at the WORKDIR. A wrong one fails the build after minutes, or, where the folder happens to be there, ships old files. Sluice reads where the build writes to: its command, its flags and its configuration. If any of these is computed, the rule says nothing.',
  fix: 'Name the folder that the build of that stage writes, from the root of its file system.',
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
    return { file: image.path, line: instruction.line, endLine: instruction.endLine, ...hit };
  });
}

/** A fault where nothing in the stage can make the path; a note where something unknown could, against all appearance. */
function judge(path: string, source: string, contents: StageContents): Omit<Hit, 'file'> | undefined {
  const { stage, output } = contents;
  const answer = contents.has(path);
  if (answer === 'yes') return undefined;
  const workdir = stage.instructions.at(-1)?.workdir ?? '/';
  const isRelative = !/^[/$]/.test(source) && workdir !== '/' && !`${path}/`.startsWith(`${workdir}/`);
  const rule = ` Paths of COPY --from begin at the root, and not at its WORKDIR ${workdir}.`;
  if (answer === 'maybe') {
    if (!isRelative) return undefined;
    const message = `The stage ${stageName(stage)} does not seem to make ${path}.${rule}`;
    return { severity: 'low', level: 'note', message };
  }
  const [made] = output?.paths ?? [];
  if (output !== undefined && made !== undefined && outputNames.has(posix.basename(path))) {
    return {
      message: `The stage ${stageName(stage)} makes ${made} (${output.tool}), and not ${path}.`,
      fix: `Write COPY --from=${stageName(stage)} ${made} ….`,
    };
  }
  return { message: `Nothing in the stage ${stageName(stage)} makes ${path}.${isRelative ? rule : ''}` };
}

/** Folders that builds write to; whoever copies one expects a build to have made it. */
const outputNames = new Set(['dist', 'build', 'out', 'public', '.next', '.output', 'www', '_site']);

function stageName({ name, index }: Stage): string {
  return name ?? String(index);
}

export const unknownStage: Rule<ImageBuild> = {
  id: 'dockerfile/unknown-stage',
  severity: 'high',
  level: 'fail',
  title: 'COPY --from names a stage that stands above it.',
  why: 'A name that is no stage is taken for an image and pulled: the build fails, or, worse, copies from an image of a stranger that happens to have that name.',
  fix: 'Name a stage above (FROM … AS name), or an image with its tag.',
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
        return message === undefined
          ? []
          : { file: image.path, line: instruction.line, endLine: instruction.endLine, message };
      }),
    ),
};

/** An image is meant by what looks like one; a bare word that is close to a stage's name is that stage, misspelt. */
function faultOf(from: string, stage: Stage, image: ImageBuild): string | undefined {
  const { stages } = image.dockerfile;
  if (
    /\$/.test(from) ||
    image.contexts.includes(from) ||
    stageCalled(from, stage, image.dockerfile) !== undefined
  )
    return undefined;
  if (/^\d+$/.test(from)) return `There is no stage ${from} above; stages count from 0.`;
  if (stages.some(({ name }) => name === from.toLowerCase()))
    return `The stage ${from} does not stand above this one.`;
  if (/[/:@.]/.test(from)) return undefined;
  const names = stages.slice(0, stage.index).flatMap(({ name }) => name ?? []);
  const alike = names.find((name) => name.startsWith(from) || from.startsWith(name)) ?? suggest(from, names);
  return alike === undefined ? undefined : `There is no stage ${from}; did you mean ${alike}?`;
}
