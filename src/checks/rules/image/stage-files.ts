import { posix } from 'node:path';
import type { Instruction, Stage } from '../../../config/dockerfile/parse.ts';
import { expand } from '../../../config/dockerfile/variables.ts';
import { chainOf, contextFiles, copied, type ImageBuild } from './build.ts';

/** Files that COPY and ADD put into a stage. */
export interface StageFiles {
  /** Files of the context, by their path in the image. */
  readonly files: ReadonlyMap<string, string>;
  /** Paths with unknown content: from other stages and images, from the network, by variables. */
  readonly open: readonly string[];
  /** Folders that a whole folder of the context is copied to, including untracked files. */
  readonly folders: readonly string[];
}

/** @returns absolute paths of the image, and files relative to the context's folder. */
export function stageFiles(stage: Stage, image: ImageBuild): StageFiles {
  const files = new Map<string, string>();
  const open: string[] = [];
  const folders: string[] = [];
  for (const instruction of chainOf(stage).flatMap(({ instructions }) => instructions)) {
    if (instruction.keyword !== 'COPY' && instruction.keyword !== 'ADD') continue;
    const { sources, to } = copied(instruction);
    const destination = expand(to, instruction.variables);
    const place = destination === undefined ? '/' : absolute(instruction, destination);
    const has = (flag: string) => instruction.flags.some(({ name }) => name === flag);
    const expanded = sources.map((source) => expand(source, instruction.variables));
    const isElsewhere = has('from') || has('parents') || instruction.heredocs.length > 0;
    if (destination === undefined || isElsewhere) {
      open.push(place);
      continue;
    }
    const isFolder = /(?:^|\/)\.{0,2}$/.test(destination) || sources.length > 1;
    for (const source of expanded) {
      const found = source === undefined ? [] : matching(source, image);
      // A source outside of the repository is made before the build: a file, or a folder with unknown content.
      const isFile = source !== undefined && /[^/*?]\.[\w-]+$/.test(source);
      if (found.length === 0)
        open.push(isFolder && isFile ? posix.join(place, posix.basename(source)) : place);
      for (const { file, below } of found) {
        if (below !== undefined) folders.push(place);
        const name = below ?? posix.basename(file);
        files.set(below !== undefined || isFolder ? posix.join(place, name) : place, file);
      }
    }
  }
  return { files, open, folders: [...new Set(folders)] };
}

function absolute({ workdir = '/' }: Instruction, path: string): string {
  return posix.resolve('/', workdir, path);
}

interface Match {
  readonly file: string;
  /** Its path below the copied folder; undefined if the file itself is named. */
  readonly below: string | undefined;
}

/** Files of the context that match a source: a file, a folder, or a pattern with `*` and `?`. */
function matching(source: string, image: ImageBuild): Match[] {
  if (/:\/\/|^git@|[[\\]/.test(source)) return [];
  const all = contextFiles(image);
  const path = posix.normalize(source.replace(/^\/+/, '')).replace(/\/$/, '');
  if (path === '.' || path === '') return all.map((file) => ({ file, below: file }));
  const escaped = path.replaceAll(/[$().+^{|}\]]/g, '\\$&');
  const pattern = escaped.replaceAll('*', '[^/]*').replaceAll('?', '[^/]');
  const expression = new RegExp(`^${pattern}(?:/(.+))?$`);
  return all.flatMap((file): Match[] => {
    const match = expression.exec(file);
    return match === null ? [] : [{ file, below: match[1] }];
  });
}
