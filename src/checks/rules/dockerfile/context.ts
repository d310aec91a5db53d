import { inFolder } from '../../repo.ts';
import { chainOf, contextFiles, copied, type ImageBuild } from '../image/build.ts';
import type { Rule } from '../rule.ts';

export const missingDockerignore: Rule<ImageBuild> = {
  id: 'dockerfile/missing-dockerignore',
  severity: 'medium',
  level: 'fail',
  title: 'A context that is copied as a whole has a .dockerignore.',
  why: 'COPY . includes everything: .git, node_modules of the build machine, and the .env with its secrets, which anyone who can pull the image can then read. Each of them also invalidates the layer when the app has not changed.',
  fix: 'Add a .dockerignore to the context: .git, .env*, node_modules, .venv, or * and the few !exceptions that the image needs.',
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
    const unwanted = unwantedIn(image);
    if (unwanted.length === 0) return [];
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
    // One finding is enough: preferably the copy that reaches the image.
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
        message: `${image.context === '' ? 'The top folder' : image.context} has no .dockerignore, so ${listed(unwanted)} ${unwanted.length === 1 ? 'goes' : 'go'} ${where}.`,
      },
    ];
  },
};

/** Usual unwanted files of the context, as far as its other files suggest that they can exist. */
function unwantedIn(image: ImageBuild): string[] {
  const files = contextFiles(image);
  const has = (pattern: RegExp) => files.some((file) => pattern.test(file));
  const isTop = image.context === '';
  return [
    // Only the top folder of a repository has one.
    ...(isTop ? ['.git'] : []),
    ...(isTop || has(/(?:^|\/)\.?env(?:\.[^/]*)?$|\.env$/) ? ['.env'] : []),
    ...(has(/(?:^|\/)package\.json$/) ? ['node_modules'] : []),
    ...(has(/(?:^|\/)(?:pyproject\.toml|Pipfile|setup\.py|requirements[\w.-]*\.txt)$/) ? ['.venv'] : []),
    ...(has(/\.[cf]sproj$/) ? ['bin', 'obj'] : []),
    ...(has(/(?:^|\/)(?:Cargo\.toml|pom\.xml)$/) ? ['target'] : []),
    ...(has(/(?:^|\/)mix\.exs$/) ? ['_build', 'deps'] : []),
  ];
}

function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}

function isIgnoring({ repo, context, path }: ImageBuild): boolean {
  const texts = [`${path}.dockerignore`, inFolder(context, '.dockerignore')].map((file) => repo.read(file));
  return texts.some((text) => text !== undefined && /^[ \t]*[^#\s]/m.test(text));
}
