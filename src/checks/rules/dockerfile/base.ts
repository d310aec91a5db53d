import { posix } from 'node:path';
import { tryParseImage } from '../../../config/images/reference.ts';
import { floatingIn } from '../compose/images.ts';
import { copied, type ImageBuild, placeOf, withoutTag } from '../image/build.ts';
import type { Rule } from '../rule.ts';

export const floatingBase: Rule<ImageBuild> = {
  id: 'dockerfile/floating-base',
  severity: 'medium',
  level: 'fail',
  title: 'A base image has a version tag.',
  why: 'latest, and an image without a tag, change every few weeks. Two builds of one commit produce different images, and a new major version arrives with a hotfix.',
  fix: 'Set a version (python:3.13-slim), or a digest that a bot updates.',
  source: {
    name: 'Docker: pin base image versions',
    url: 'https://docs.docker.com/build/building/best-practices/#pin-base-image-versions',
  },
  example: {
    file: 'Dockerfile',
    bad: 'FROM python\nUSER 10001\n',
    good: 'FROM python:3.13-slim\nUSER 10001\n',
  },
  check: (image) =>
    image.stages.flatMap((stage) => {
      if (stage.base !== undefined || stage.image === undefined || stage.image === 'scratch') return [];
      const fault = floatingIn(stage.image);
      if (fault === undefined || isGiven(stage.image, image)) return [];
      const message = `The base image ${stage.written} ${fault.message}`;
      const place = { file: image.path, line: stage.line };
      // The team's own image, set by a build argument.
      const isArgument = stage.written.includes('$') && !isOfficial(stage.image);
      if (isArgument)
        return { ...place, message: `${message}, unless the build sets another one.`, ...asNote };
      return { ...fault, ...place, message: `${message}.` };
    }),
};

const asNote = { severity: 'low', level: 'note' } as const;

function isOfficial(image: string): boolean {
  return tryParseImage(image)?.repository.startsWith('library/') === true;
}

/** A name that the build resolves: another service's image, an additional context, a target of a bake file. */
function isGiven(name: string, { contexts, siblings, repo }: ImageBuild): boolean {
  if (contexts.includes(name) || siblings.has(withoutTag(name))) return true;
  if (/[/:@]/.test(name)) return false;
  const bakes = repo.files.filter((file) =>
    /^docker-bake(?:\.override)?\.(?:hcl|json)$/.test(posix.basename(file)),
  );
  return bakes.some((file) => (repo.read(file) ?? '').split(/["\s]/).includes(name));
}

export const addRemote: Rule<ImageBuild> = {
  id: 'dockerfile/add-remote',
  severity: 'medium',
  level: 'fail',
  title: 'Files that ADD downloads are verified.',
  why: 'Anyone who can change the file at that address can put a program into the image unnoticed.',
  fix: 'Add --checksum=sha256:… (for a git repository: a commit), or download it with curl and verify it in the same RUN.',
  source: {
    name: 'Docker: ADD --checksum',
    url: 'https://docs.docker.com/reference/dockerfile/#add---checksum',
  },
  example: {
    file: 'Dockerfile',
    bad: 'FROM alpine:3.22\nADD https://example.com/tool.tar.gz /opt/\nUSER 10001\n',
    good: `FROM alpine:3.22
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d \\
    https://example.com/tool.tar.gz /opt/
USER 10001
`,
  },
  check: (image) =>
    image.stages
      .flatMap(({ instructions }) => instructions)
      .filter(({ keyword, flags }) => keyword === 'ADD' && !flags.some(({ name }) => name === 'checksum'))
      .flatMap((instruction) => {
        const remote = copied(instruction).sources.filter((source) =>
          /^(?:https?|git|ssh):\/\/|^git@/.test(source),
        );
        const loose = remote.filter((source) => !/[#@?&=][0-9a-f]{40}(?:$|[:&])/.test(source));
        if (loose.length === 0) return [];
        return {
          ...placeOf(instruction, image),
          message: 'ADD downloads a file without verifying it.',
        };
      }),
};
