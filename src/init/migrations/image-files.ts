import { basename, dirname, posix } from 'node:path';
import { type DockerfileImage, type ImageCopy, readDockerfile } from '../../config/dockerfile/image.ts';
import { parseDockerfile, type Stage } from '../../config/dockerfile/parse.ts';
import type { ImageRun } from './model.ts';

/** The locations of the build context’s files in the image of a Dockerfile. */
export interface ImageFiles {
  readonly image: DockerfileImage;
  /**
   * Absolute path in the image of a file of the context.
   *
   * @returns undefined if no COPY adds it; `unknown` if a variable hides the target of that COPY.
   */
  at(path: string): string | undefined;
  /** The file of the context that an absolute path of the image was copied from. */
  sourceOf(path: string): string | undefined;
  readonly runs: readonly ImageRun[];
  readonly packageRuns: readonly ImageRun[];
  /** COPY lines of the final stage from other stages and images. */
  readonly copies: readonly ImageCopy[];
}

/** Instead of a path: the file is in the image, and a variable hides where. */
export const unknown = 'unknown';

/**
 * @param args values for ARG, over the defaults of the Dockerfile.
 * @param files of the context, relative to it.
 */
export function imageFiles(
  text: string,
  files: readonly string[],
  target: string | undefined,
  args: Readonly<Record<string, string>>,
): ImageFiles {
  const { stages } = parseDockerfile(text, args);
  const opened = new Map<string | undefined, DockerfileImage>();
  const open = (name: string | undefined) => {
    const known = opened.get(name) ?? readDockerfile(text, { target: name, args });
    opened.set(name, known);
    return known;
  };
  const image = open(target);
  const final = stageOf(stages, target) ?? stages.at(-1);
  const isStage = (from: string | undefined) => from !== undefined && stageOf(stages, from) !== undefined;
  const at = (path: string, where: DockerfileImage, depth: number): string | undefined => {
    // The last one counts: it overwrites earlier ones.
    for (const copy of where.copies.toReversed()) {
      const stage =
        copy.from === undefined || depth >= stages.length ? undefined : stageOf(stages, copy.from);
      if (copy.from !== undefined && stage === undefined) continue;
      const inside = stage === undefined ? undefined : open(copy.from);
      const place = inside === undefined ? path : at(path, inside, depth + 1);
      // A stage that gets no sources here has them from its base image: a build in two Dockerfiles.
      if (place === undefined && inside?.copies.every(({ from }) => from !== undefined) === true) {
        const found = likely(path, copy);
        if (found !== undefined) return found;
      }
      if (place === undefined || place === unknown) continue;
      const found = copied(place, copy);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const runsOf = (isWanted: (copy: ImageCopy) => boolean): ImageRun[] => {
    const seen = new Set<Stage>();
    const visit = (stage: Stage | undefined): ImageRun[] => {
      if (stage === undefined || seen.has(stage)) return [];
      seen.add(stage);
      const own = stage.instructions
        .filter(({ keyword }) => keyword === 'RUN')
        .map(({ text: line, heredocs, variables }) => ({
          text: [line, ...heredocs.map((heredoc) => heredoc.text)].join('\n'),
          variables,
        }));
      const others = open(stage.name ?? String(stage.index)).copies.filter(
        (copy) => isStage(copy.from) && isWanted(copy),
      );
      const before = others.flatMap(({ from }) => visit(stageOf(stages, from ?? '')));
      return [...before, ...visit(stage.base), ...own];
    };
    return visit(final);
  };
  let bySource: Map<string, string> | undefined;
  return {
    image,
    at: (path) => at(path, image, 0),
    sourceOf: (path) => {
      bySource ??= new Map(files.map((file) => [at(file, image, 0) ?? '', file]));
      return bySource.get(path);
    },
    runs: runsOf(() => true),
    packageRuns: runsOf(bringsPackages),
    copies: image.copies.filter(({ from }) => from !== undefined),
  };
}

function stageOf(stages: readonly Stage[], name: string | undefined): Stage | undefined {
  if (name === undefined) return undefined;
  return (
    stages.find((stage) => stage.name === name.toLowerCase()) ??
    (/^\d+$/.test(name) ? stages[Number(name)] : undefined)
  );
}

/** The packages of an app are in node_modules, or in the folder of the app itself. */
function bringsPackages({ sources }: ImageCopy): boolean {
  return sources.some(
    (source) =>
      /(?:^|\/)node_modules(?:\/|$)|^\/?(?:[\w-]+(?:\/[\w-]+){0,2}\/?)?$|^\.\/?$/.test(source) &&
      !/\.next|\.output|\bdist\b|\bbuild\b/.test(source),
  );
}

/** Where COPY puts a path: folders by their contents, single files by their name in a folder. */
function copied(path: string, { sources, target }: ImageCopy): string | undefined {
  const plain = path.replace(/^\/+/, '');
  for (const source of sources) {
    const own = posix.normalize(source).replace(/^(?:\.?\/)+|(?<!\/)\/+$/g, '');
    const matched = own === '' || own === '.' ? '' : prefixOf(plain, own);
    if (matched === undefined) continue;
    if (target === undefined) return unknown;
    if (matched === plain && plain !== '') {
      const isFolder = target.endsWith('/') || sources.length > 1 || /[*?[]/.test(own);
      return isFolder ? posix.join(target, basename(plain)) : target;
    }
    return posix.join(target, matched === '' ? plain : plain.slice(matched.length + 1));
  }
  return undefined;
}

/** Where COPY puts a path of which only the end of the source is known: `/opt/app/server` brings `server/main.js`. */
function likely(path: string, { from, sources, target }: ImageCopy): string | undefined {
  for (const source of sources) {
    const parts = posix
      .normalize(source)
      .split('/')
      .filter((part) => part !== '');
    for (const [index] of parts.entries()) {
      const found = copied(path, { from, sources: [parts.slice(index).join('/')], target });
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** The beginning of a path that a source of COPY names; its wildcards stay within one part of a path. */
function prefixOf(path: string, source: string): string | undefined {
  if (path === source || path.startsWith(`${source}/`)) return source;
  if (!/[*?[]/.test(source)) return undefined;
  const pattern = source
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  try {
    return new RegExp(`^${pattern}(?=/|$)`).exec(path)?.[0];
  } catch {
    return undefined;
  }
}

/** The folder in the image for a folder of the repository, by a file below it. */
export function homeIn(file: string, at: string, home: string): string {
  const rest = home === '' ? file : file.slice(home.length + 1);
  return at.endsWith(`/${rest}`) ? at.slice(0, -rest.length - 1) || '/' : dirname(at);
}
