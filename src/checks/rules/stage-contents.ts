import { posix } from 'node:path';
import type { Instruction, Stage } from '../../config/dockerfile/parse.ts';
import { expand } from '../../config/dockerfile/variables.ts';
import { chainOf, contextFiles, copied, type ImageBuild } from './image-build.ts';
import { commandsOf, installOf, scriptOf } from './installs.ts';

/** Images whose contents are known well enough: besides the folders of every system they have these. */
const known: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    [
      'node',
      'python',
      'debian',
      'ubuntu',
      'alpine',
      'rust',
      'ruby',
      'buildpack-deps',
      'busybox',
      'nginx',
      'bun',
    ].map((name) => [name, []]),
  ),
  golang: ['go'],
  maven: [],
  gradle: [],
  'eclipse-temurin': [],
  scratch: [],
};
const system = new Set(
  'bin boot dev docker-entrypoint.d docker-entrypoint.sh entrypoint.sh etc home lib lib32 lib64 libx32 media mnt opt proc root run sbin srv sys tmp usr var'.split(
    ' ',
  ),
);

/** What a stage's files could be made of. */
export interface StageContents {
  readonly stage: Stage;
  /** Commands of all its RUNs, with the folder each runs in. */
  readonly commands: readonly { readonly command: string; readonly workdir: string | undefined }[];
  /** Whether `path` may be there: something names it, brings it, or could make it. */
  mayHave(path: string): boolean;
}

/** @returns undefined where too little is known: a base image of one's own, a folder that hangs on a variable. */
export function contentsOf(stage: Stage, image: ImageBuild): StageContents | undefined {
  const chain = chainOf(stage);
  const base = chain[0]?.image?.replace(/^(?:docker\.io\/|index\.docker\.io\/)?(?:library\/|oven\/)?/, '');
  const name = base?.split('@')[0]?.split(':')[0] ?? '';
  if (!Object.hasOwn(known, name)) return undefined;
  const instructions = chain.flatMap((each) => each.instructions);
  if (instructions.some(({ workdir, keyword }) => workdir === undefined || keyword === 'ONBUILD'))
    return undefined;
  const commands = instructions.flatMap((each) =>
    commandsOf(each).map((command) => ({ command, workdir: each.workdir })),
  );
  const paths = instructions.flatMap((each) => pathsIn(each, image));
  const isClosed = commands.every(({ command }) => isUnderstood(command));
  return {
    stage,
    commands,
    mayHave(path) {
      const first = path.split('/')[1] ?? '';
      if (system.has(first) || (known[name] ?? []).includes(first) || path === '/') return true;
      if (paths.some((each) => touches(each, path))) return true;
      // A command that is not understood may make anything below the folders it works in.
      const open = commands.filter(({ command }) => !isUnderstood(command));
      return (
        !isClosed &&
        open.some(
          ({ workdir = '/' }) => workdir === '/' || path.startsWith(`${workdir}/`) || path === workdir,
        )
      );
    },
  };
}

function touches(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}

/** Commands that make nothing but what they name or what their manager always makes. */
function isUnderstood(command: string): boolean {
  const install = installOf(command);
  if (install !== undefined)
    return install.kind !== 'build' || (install.manager === 'go' && /\s-o[= ]/.test(command));
  return /^(?:mkdir|chmod|chown|rm|cp|mv|ln|touch|echo|true|set|cd|useradd|groupadd|adduser|addgroup|apt-get|corepack|export)\b/.test(
    command,
  );
}

/** Absolute paths that an instruction makes, or has a part of. */
function pathsIn(instruction: Instruction, image: ImageBuild): string[] {
  const { keyword, workdir = '/' } = instruction;
  const absolute = (path: string) => posix.resolve('/', workdir, path);
  if (keyword === 'COPY' || keyword === 'ADD') return copiedPaths(instruction, image, absolute);
  if (keyword === 'VOLUME') return (instruction.text.match(/\/[\w./-]+/g) ?? []).map(absolute);
  if (keyword !== 'RUN') return [];
  const script = expand(scriptOf(instruction), instruction.variables) ?? scriptOf(instruction);
  const named = (script.match(/(?<![\w.:/-])\/[\w.@+-]+(?:\/[\w.@+-]+)*/g) ?? []).map(absolute);
  const made = commandsOf(instruction).flatMap((command) => madeBy(command).map(absolute));
  return [...named, ...made];
}

function copiedPaths(
  instruction: Instruction,
  image: ImageBuild,
  absolute: (path: string) => string,
): string[] {
  const { sources, to } = copied(instruction);
  const destination = expand(to, instruction.variables);
  // It may land anywhere.
  if (destination === undefined) return ['/'];
  const folder = absolute(destination);
  const isOther = instruction.flags.some(({ name }) => name === 'from') || instruction.heredocs.length > 0;
  if (isOther || (folder !== '/' && sources.some((source) => /[*?$[]|:\/\//.test(source)))) return [folder];
  const files = contextFiles(image);
  return sources.flatMap((source) => {
    const path = posix.normalize(source.replace(/^\/+/, '')).replace(/\/$/, '');
    if (path === '.' || path === '') return files.map((file) => posix.join(folder, file));
    const below = files.filter((file) => file.startsWith(`${path}/`));
    if (below.length > 0) return below.map((file) => posix.join(folder, file.slice(path.length + 1)));
    return to.endsWith('/') || sources.length > 1 || /^\.{1,2}$/.test(to)
      ? [posix.join(folder, posix.basename(path))]
      : [folder];
  });
}

/** Relative paths that commands make without a word of them, or name as their output. */
function madeBy(command: string): string[] {
  const manager = installOf(command)?.manager ?? '';
  const always = /^(?:npm|yarn|pnpm|bun)$/.test(manager)
    ? ['node_modules']
    : /^(?:uv|poetry|pdm|pipenv)$/.test(manager)
      ? ['.venv']
      : manager === 'composer'
        ? ['vendor']
        : [];
  const output = /\s-o[= ]["']?([\w./-]+)/.exec(command)?.[1];
  const arguments_ = /^(?:mkdir|cp|mv|touch|ln)\b/.test(command) ? command.split(/\s+/).slice(1) : [];
  return [
    ...always,
    ...(output === undefined ? [] : [output]),
    ...arguments_.filter((word) => /^[\w.]/.test(word)),
  ];
}
