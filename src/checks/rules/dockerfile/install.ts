import { chainOf, contextFiles, type ImageBuild, placeOf } from '../image/build.ts';
import { commandsOf, hasCacheMount, installsOf } from '../image/installs.ts';
import type { Rule } from '../rule.ts';

export const cacheMount: Rule<ImageBuild> = {
  id: 'dockerfile/cache-mount',
  severity: 'low',
  level: 'note',
  title: 'Package managers keep their downloads in a cache mount.',
  why: 'If one package of fifty changes, Docker rebuilds the whole layer. With a cache mount the other forty-nine come from the builder’s disk. The mount is not part of the image, so --no-cache-dir saves nothing.',
  fix: 'Use RUN --mount=type=cache,target=… for the command, without --no-cache-dir.',
  source: {
    name: 'Docker: use cache mounts',
    url: 'https://docs.docker.com/build/cache/optimize/#use-cache-mounts',
  },
  example: {
    file: 'Dockerfile',
    bad: `FROM python:3.13-slim
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
USER 10001
`,
    good: `FROM python:3.13-slim
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
USER 10001
`,
  },
  check: (image) =>
    image.stages
      .flatMap(({ instructions }) => instructions)
      .flatMap((instruction) => {
        const install = installsOf(instruction).find(
          ({ kind, cache }) => cache !== undefined && (kind === 'dependencies' || kind === 'build'),
        );
        if (install === undefined || hasCacheMount(instruction)) return [];
        return {
          ...placeOf(instruction, image),
          message: `${install.manager} downloads all packages again when one of them changes.`,
          fix: `Use RUN --mount=type=cache,target=${install.cache} for the command.`,
        };
      }),
};

export const npmInstall: Rule<ImageBuild> = {
  id: 'dockerfile/npm-install',
  severity: 'medium',
  level: 'fail',
  title: 'Images are built with npm ci, not with npm install.',
  why: 'npm install can install other versions than those in package-lock.json, and changes the file. Two builds of one commit are then two different apps. npm ci installs the locked versions or fails.',
  fix: 'Copy package-lock.json with package.json and run npm ci.',
  source: { name: 'npm: npm ci', url: 'https://docs.npmjs.com/cli/commands/npm-ci' },
  example: {
    file: 'Dockerfile',
    beside: { 'package.json': '{}\n', 'package-lock.json': '{}\n' },
    bad: `FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm install
`,
    good: `FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
`,
  },
  check: (image) =>
    image.stages
      .flatMap(({ instructions }) => instructions)
      .flatMap((instruction) => {
        const installs = installsOf(instruction).filter(
          ({ manager, kind, command }) =>
            manager === 'npm' && kind === 'dependencies' && !/\b(?:ci|clean-install)\b/.test(command),
        );
        if (installs.length === 0) return [];
        const hasLock = contextFiles(image).some((file) =>
          /(?:^|\/)(?:package-lock|npm-shrinkwrap)\.json$/.test(file),
        );
        return {
          ...placeOf(instruction, image),
          message: hasLock
            ? 'npm install can deviate from package-lock.json.'
            : 'npm install installs the newest versions, because there is no package-lock.json.',
          ...(hasLock
            ? {}
            : {
                fix: 'Create package-lock.json with npm install --package-lock-only, commit it, and run npm ci.',
              }),
        };
      }),
};

export const aptClean: Rule<ImageBuild> = {
  id: 'dockerfile/apt-clean',
  severity: 'low',
  level: 'note',
  title: 'apt-get installs no recommended packages and leaves no package lists in the image.',
  why: 'The package lists (20 to 50 MB) stay in the layer that downloaded them, and recommended packages can double the size of the install. Each host pulls both with each release.',
  fix: 'Use apt-get update && apt-get install -y --no-install-recommends … && rm -rf /var/lib/apt/lists/* in one RUN.',
  source: {
    name: 'Docker: best practices for apt-get',
    url: 'https://docs.docker.com/build/building/best-practices/#apt-get',
  },
  example: {
    file: 'Dockerfile',
    bad: `FROM debian:13-slim
RUN apt-get update && apt-get install -y libpq5
USER 10001
`,
    good: `FROM debian:13-slim
RUN apt-get update \\
 && apt-get install -y --no-install-recommends libpq5 \\
 && rm -rf /var/lib/apt/lists/*
USER 10001
`,
  },
  check: (image) =>
    // Stages that are only copied from do not add it to the image.
    [...new Set(image.targets.flatMap(chainOf))]
      .flatMap(({ instructions }) => instructions)
      .flatMap((instruction) => {
        const commands = commandsOf(instruction);
        const install = installsOf(instruction).find(
          ({ manager, command }) => manager === 'apt-get' && /\binstall\b/.test(command),
        );
        if (install === undefined) return [];
        const cleans =
          hasCacheMount(instruction) ||
          commands.some((command) =>
            /rm\s+-(?=\w*[rR])\w+\s.{0,300}\/var\/lib\/apt(?:\/lists)?\b/.test(command),
          );
        const isLean = /--no-install-recommends|APT::Install-Recommends/.test(install.command);
        if (cleans && isLean) return [];
        const faults = [
          ...(cleans ? [] : ['leaves its package lists in the image']),
          ...(isLean ? [] : ['adds recommended packages']),
        ];
        return {
          ...placeOf(instruction, image),
          message: `apt-get ${faults.join(' and ')}.`,
        };
      }),
};
