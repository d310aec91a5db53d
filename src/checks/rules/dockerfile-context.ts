import { inFolder } from '../repo.ts';
import { chainOf, copied, type ImageBuild } from './image-build.ts';
import type { Rule } from './rule.ts';

export const missingDockerignore: Rule<ImageBuild> = {
  id: 'dockerfile/missing-dockerignore',
  severity: 'medium',
  level: 'fail',
  title: 'A context that is copied whole has a .dockerignore.',
  why: 'COPY . takes everything: .git, node_modules of the machine it is built on, and the .env with the secrets, which then lie in the image for everybody who can pull it. Each of them also changes the layer when nothing of the app has changed.',
  fix: 'Write a .dockerignore beside the context: .git, .env*, node_modules, .venv, or * and the few !exceptions that the image needs.',
  source: {
    name: 'Docker: .dockerignore files',
    url: 'https://docs.docker.com/build/concepts/context/#dockerignore-files',
  },
  example: {
    file: 'Dockerfile',
    beside: { 'requirements.txt': '', 'app.py': '' },
    bad: 'FROM python:3.13-slim\nCOPY . /app\nUSER 10001\n',
    good: 'FROM python:3.13-slim\nCOPY app.py /app/\nUSER 10001\n',
  },
  check: (image) => {
    if (isIgnoring(image)) return [];
    const final = new Set(image.targets.flatMap(chainOf));
    const copies = image.stages.flatMap((stage) =>
      stage.instructions
        .filter(
          ({ keyword, flags }) =>
            (keyword === 'COPY' || keyword === 'ADD') && !flags.some(({ name }) => name === 'from'),
        )
        .filter((instruction) =>
          copied(instruction).sources.some((source) => /^\.?\/?$|^\.\/\.$|^\*$/.test(source)),
        )
        .map((instruction) => ({ instruction, isFinal: final.has(stage) })),
    );
    // One is enough to say it; the one that reaches the image weighs most.
    const worst = copies.find(({ isFinal }) => isFinal) ?? copies[0];
    if (worst === undefined) return [];
    const { line, endLine } = worst.instruction;
    const where = worst.isFinal ? 'into the image' : 'into the build';
    return [
      {
        file: image.path,
        line,
        endLine,
        ...(worst.isFinal ? {} : ({ severity: 'low', level: 'note' } as const)),
        message: `There is no .dockerignore in ${image.context === '' ? 'the top folder' : image.context}, so .git, .env and node_modules go ${where}.`,
      },
    ];
  },
};

function isIgnoring({ repo, context, path }: ImageBuild): boolean {
  const texts = [`${path}.dockerignore`, inFolder(context, '.dockerignore')].map((file) => repo.read(file));
  return texts.some((text) => text !== undefined && /^\s*[^#\s]/m.test(text));
}
