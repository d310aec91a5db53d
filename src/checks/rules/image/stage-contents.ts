import { posix } from 'node:path';
import { expand, type Instruction, type Stage } from '../../../config/dockerfile/parse.ts';
import { inFolder } from '../../repo.ts';
import { chainOf, contextFiles, copied, type ImageBuild, instructionsOf } from './build.ts';
import type { Beside } from './build-output.ts';
import { type Install, installOf, scriptOf } from './installs.ts';
import { installsQuietly, isNodeBuild, nodeBuild } from './node-build.ts';
import { type StageCommand, stageCommands } from './stage-commands.ts';

/** Images with known contents: besides the usual system folders they have these. */
const known: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    'node python debian ubuntu alpine rust ruby buildpack-deps busybox nginx bun maven gradle eclipse-temurin scratch'
      .split(' ')
      .map((name) => [name, []]),
  ),
  golang: ['go'],
};
const system = new Set(
  'bin boot dev docker-entrypoint.d docker-entrypoint.sh entrypoint.sh etc home lib lib32 lib64 libx32 media mnt opt proc root run sbin srv sys tmp usr var'.split(
    ' ',
  ),
);

/** The possible files of a stage. */
export interface StageContents {
  readonly stage: Stage;
  /** The output of its only front-end build. */
  readonly output: { readonly tool: string; readonly paths: readonly string[] } | undefined;
  /** Whether `path` exists: `yes`: a command names or copies it; `maybe`: a command could create it. */
  has(path: string): 'yes' | 'maybe' | 'no';
}

/** Where a command writes: to paths, anywhere below its folder, or anywhere. */
type Reach = { readonly paths: readonly string[]; readonly below?: string } | 'anywhere';

/** @returns undefined if too little is known: a custom base image, a working folder from a variable. */
export function contentsOf(stage: Stage, image: ImageBuild): StageContents | undefined {
  const chain = chainOf(stage);
  const base = chain[0]?.image?.replace(/^(?:docker\.io\/|index\.docker\.io\/)?(?:library\/|oven\/)?/, '');
  const name = base?.split('@')[0]?.split(':')[0] ?? '';
  if (!Object.hasOwn(known, name)) return undefined;
  const instructions = chain.flatMap((item) => item.instructions);
  if (instructions.some(({ workdir, keyword }) => workdir === undefined || keyword === 'ONBUILD'))
    return undefined;
  const { files, open, folders } = stageFiles(stage, image);
  const beside = besideIn(files, open, image);
  const commands = instructions.flatMap(stageCommands);
  const builds = commands.filter(isNodeBuild).map((command) => nodeBuild(command, beside));
  const reaches = commands.map((command) => reachOf(command, beside));
  const paths = [
    ...[...files.keys(), ...open, ...instructions.flatMap(namedIn)],
    ...reaches.flatMap((reach) => (reach === 'anywhere' ? [] : reach.paths)),
  ];
  const [build] = builds;
  return {
    stage,
    output:
      builds.length === 1 && build?.tool !== undefined ? { tool: build.tool, paths: build.paths } : undefined,
    has(path) {
      const first = path.split('/')[1] ?? '';
      if (system.has(first) || (known[name] ?? []).includes(first) || path === '/') return 'yes';
      if (paths.some((known) => touches(known, path))) return 'yes';
      if (instructions.some(({ workdir = '/' }) => isBelow(workdir, path))) return 'yes';
      const isReached = reaches.some(
        (reach) => reach === 'anywhere' || (reach.below !== undefined && isBelow(path, reach.below)),
      );
      // A folder that is copied as a whole may include files that a pipeline made before the build.
      const isBrought = builds.length === 0 && folders.some((folder) => isBelow(path, folder));
      return isReached || isBrought || /\/node_modules(?:\/|$)/.test(path) ? 'maybe' : 'no';
    },
  };
}

function touches(one: string, other: string): boolean {
  return one === other || isBelow(one, other) || isBelow(other, one);
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** The files of a folder of the image; undefined if unknown ones may be copied there. */
function besideIn(
  files: ReadonlyMap<string, string>,
  open: readonly string[],
  { repo, context }: ImageBuild,
): (folder: string) => Beside | undefined {
  return (folder) => {
    if (open.some((place) => isBelow(folder, place))) return undefined;
    const own = [...files.keys()].filter((path) => posix.dirname(path) === folder);
    return {
      names: own.map((path) => posix.basename(path)),
      read(path) {
        const file = files.get(posix.join(folder, path));
        return file === undefined ? undefined : repo.read(inFolder(context, file));
      },
    };
  };
}

/** Commands that write only to the paths they name. */
const plain =
  /^(?:mkdir|chmod|chown|rm|cp|mv|ln|touch|echo|printf|true|set|cat|ls|test|\[|fi|done|else|esac|useradd|groupadd|usermod|adduser|addgroup|apt-get|apt|apk|corepack|export|unset|umask)(?:\s|$)/;
const quietNode = /^(?:npm|pnpm|yarn|bun)\s+(?:config|cache|prune|set|pm)\b/;

function reachOf(command: StageCommand, beside: (folder: string) => Beside | undefined): Reach {
  const { text, folder } = command;
  const words = wordsIn(command);
  if (quietNode.test(text) || plain.test(text)) return folder === undefined ? 'anywhere' : { paths: words };
  const install = installOf(text);
  if (folder !== undefined && install !== undefined) return reachOfInstall(install, command, words, beside);
  if (!isNodeBuild(command)) return 'anywhere';
  return nodeBuild(command, beside) ?? 'anywhere';
}

function reachOfInstall(
  { manager, kind }: Install,
  { text, folder = '/', variables }: StageCommand,
  words: readonly string[],
  beside: (folder: string) => Beside | undefined,
): Reach {
  const own = (...names: string[]) => ({
    paths: [...words, ...names.map((name) => posix.resolve('/', folder, name))],
  });
  if (/^(?:npm|yarn|pnpm|bun)$/.test(manager)) {
    if (kind === 'tool') return own('node_modules', 'package.json');
    return installsQuietly(beside(folder)) ? own('node_modules', '.pnp.cjs', '.yarn') : 'anywhere';
  }
  if (/^(?:uv|poetry|pdm|pipenv)$/.test(manager)) return own('.venv', 'build');
  if (manager === 'pip') return own('build');
  if (manager === 'go') {
    const places = ['GOBIN', 'GOPATH'].flatMap((name) => variables.get(name) ?? []);
    if (kind !== 'build' || /\sinstall\b/.test(text)) return own(...places, '/go');
    return /\s-o[= ]/.test(text) ? own() : { ...own(), below: folder };
  }
  if (manager === 'cargo') {
    const target = variables.get('CARGO_TARGET_DIR');
    return { ...own(...(target === undefined ? [] : [target])), below: folder };
  }
  if (kind === 'system') return own();
  return 'anywhere';
}

/** Paths among the words of a command, including those of options: `--root /out`, `--target=deps`, `>dist/x`. */
function wordsIn({ text, folder = '/' }: StageCommand): string[] {
  return text
    .split(/[\s"'=<>(){},]+/)
    .filter((word) => /^[\w./@+-]+$/.test(word) && !word.startsWith('-'))
    .map((word) => posix.resolve('/', folder, word));
}

/** Absolute paths that an instruction names for any purpose: a variable may be the output of a tool. */
function namedIn(instruction: Instruction): string[] {
  const { keyword, text, variables } = instruction;
  if (keyword === 'VOLUME') return text.match(/\/[\w./-]+/g) ?? [];
  if (keyword === 'ARG' || keyword === 'ENV')
    return [...variables.values()].flatMap((value) =>
      value?.startsWith('/') ? [posix.normalize(value)] : [],
    );
  if (keyword !== 'RUN') return [];
  return (scriptOf(instruction).match(/(?<![\w.:/-])\/[\w.@+-]+(?:\/[\w.@+-]+)*/g) ?? []).map((path) =>
    posix.normalize(path),
  );
}

/** Files that COPY and ADD put into a stage. */
interface StageFiles {
  /** Files of the context, by their path in the image. */
  readonly files: ReadonlyMap<string, string>;
  /** Paths with unknown content: from other stages and images, from the network, by variables. */
  readonly open: readonly string[];
  /** Folders that a whole folder of the context is copied to, including untracked files. */
  readonly folders: readonly string[];
}

/** @returns absolute paths of the image, and files relative to the context's folder. */
function stageFiles(stage: Stage, image: ImageBuild): StageFiles {
  const files = new Map<string, string>();
  const open: string[] = [];
  const folders: string[] = [];
  for (const instruction of instructionsOf(stage)) {
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
