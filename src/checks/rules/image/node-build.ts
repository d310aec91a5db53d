import { posix } from 'node:path';
import { type Beside, outputOf } from './build-output.ts';
import { type StageCommand, withoutAssignments } from './stage-commands.ts';

/** The output of a package manager's command, as absolute paths of the image. */
interface Made {
  /** The tool that writes them; undefined for several or none. */
  readonly tool: string | undefined;
  readonly paths: readonly string[];
}

const maxDepth = 5;
/** Commands without output files. */
const quiet =
  /^(?:echo|true|rm|rimraf|del-cli|eslint|prettier|stylelint|biome|oxlint|husky|next\s+lint|vitest|jest|sleep|exit)(?:\s|$)/;
/** Scripts that npm, yarn and pnpm run with an install. */
const lifecycle = ['preinstall', 'install', 'postinstall', 'prepare'];
const quietInstall =
  /^(?:(?:is-ci|echo)\b.*|(?:husky(?:\s+install)?|patch-package|simple-git-hooks|lefthook\s+install|(?:nuxt|nuxi)\s+prepare|svelte-kit\s+sync|true)(?:\s*\|\|\s*true)?)$/;

/** Whether a command starts a script of package.json, or the build of a front end. */
export function isNodeBuild({ text }: StageCommand): boolean {
  return /^(?:npm|pnpm|yarn|bun)\s+(?!ci\b|i\b|install\b|add\b|config\b|cache\b|prune\b|set\b|fetch\b)|^(?:npx|bunx)\s|^(?:vite|react-scripts|next|nuxt|nuxi|astro|gatsby|vue-cli-service|parcel|ng|webpack|tsc|vue-tsc)\s/.test(
    text,
  );
}

/**
 * @param beside the files of a folder of the image; undefined if they are unknown.
 * @returns undefined if the command may write anywhere.
 */
export function nodeBuild(
  { text, folder, variables }: StageCommand,
  beside: (folder: string) => Beside | undefined,
): Made | undefined {
  const files = folder === undefined ? undefined : beside(folder);
  if (folder === undefined || files === undefined) return undefined;
  const outputs = outputsOf(text, files, new Map(variables), 0);
  if (outputs === undefined) return undefined;
  const tools = new Set(outputs.filter(({ paths }) => paths.length > 0).map(({ tool }) => tool));
  return {
    tool: tools.size === 1 ? [...tools][0] : undefined,
    paths: outputs.flatMap(({ paths }) => paths).map((path) => posix.resolve('/', folder, path)),
  };
}

/** Whether an install runs no script of the package that could write files. */
export function installsQuietly(files: Beside | undefined): boolean {
  const scripts = files === undefined ? undefined : scriptsIn(files);
  if (scripts === undefined) return false;
  return lifecycle.every((name) => {
    const script = scripts[name];
    return script === undefined || quietInstall.test(script.trim());
  });
}

interface Output {
  readonly tool: string;
  readonly paths: readonly string[];
}

function outputsOf(
  command: string,
  files: Beside,
  variables: Map<string, string | undefined>,
  depth: number,
): Output[] | undefined {
  const bare = withoutAssignments(command, variables);
  if (bare === '' || quiet.test(bare)) return [];
  const [, name, args = ''] =
    /^(?:npm\s+run(?:-script)?|pnpm(?:\s+run)?|yarn(?:\s+run)?|bun\s+run)\s+(?:(?:-s|--silent)\s+)?([\w:.-]+)(\s.*)?$/.exec(
      bare,
    ) ?? [];
  const scripts = scriptsIn(files);
  if (name === undefined || scripts === undefined || scripts[name] === undefined) {
    const output = outputOf(bare, files, variables);
    return output === undefined ? undefined : [output];
  }
  // A script of another package, or of all of them.
  if (depth >= maxDepth || /\s(?:-w|--workspaces?|--filter|-F|-C|--prefix|--cwd|-r)\b/.test(args))
    return undefined;
  const script = `${scripts[name]}${args.replace(/^\s+--(?=\s)/, '')}`;
  const all = [scripts[`pre${name}`], script, scripts[`post${name}`]].filter((text) => text !== undefined);
  const parts = all.flatMap((text) => text.split(/&&|;/)).map((part) => part.trim());
  if (parts.some((part) => /[|&`]|\$\(/.test(part))) return undefined;
  const found = parts.map((part) => outputsOf(part, files, variables, depth + 1));
  return found.includes(undefined) ? undefined : found.flatMap((outputs) => outputs ?? []);
}

function scriptsIn(files: Beside): Readonly<Record<string, string>> | undefined {
  try {
    const text = files.read('package.json');
    if (text === undefined) return undefined;
    const { scripts } = JSON.parse(text) as { scripts?: Record<string, unknown> };
    return Object.fromEntries(
      Object.entries(scripts ?? {}).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    );
  } catch {
    return undefined;
  }
}
