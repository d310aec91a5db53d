import type { NodeProject } from './node.ts';

type Scripts = Pick<NodeProject, 'scripts'>;

/** How a script of package.json starts a program. */
interface ScriptCommand {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The arguments that a script passes to a program: `CI=1 eslint src --max-warnings 0` → `src --max-warnings 0`. Scripts
 * that do more than start it (pipes, `&&`, quotes, variables) are not understood.
 *
 * @param names scripts, the first that fits wins.
 */
export function scriptCommand(
  { scripts }: Scripts,
  program: string,
  names: readonly string[],
): ScriptCommand | undefined {
  for (const name of names) {
    const script = scripts[name];
    if (script === undefined || /[&|;<>$`"'\\(){}*?!~#\n]/.test(script)) continue;
    const words = script.trim().split(/\s+/);
    const env = leadingVariables(words);
    if (words[0] === 'npx') words.shift();
    if (words[0] === program) return { args: words.slice(1), env };
    // `node --experimental-vm-modules node_modules/jest/bin/jest.js`: the way to have jest run ES modules.
    const path = words.findIndex(
      (word) => word.startsWith(`node_modules/${program}/`) || word === `node_modules/.bin/${program}`,
    );
    const flags = words.slice(1, Math.max(path, 0));
    if (words[0] === 'node' && path > 0 && flags.every((word) => word.startsWith('--'))) {
      return { args: words.slice(path + 1), env: { ...env, NODE_OPTIONS: flags.join(' ') } };
    }
  }
  return undefined;
}

/** Takes `NAME=value` from the front of a command, with or without cross-env before it. */
function leadingVariables(words: string[]): Record<string, string> {
  const env: Record<string, string> = {};
  if (words[0] === 'cross-env') words.shift();
  for (
    let match = /^(\w+)=(.*)$/.exec(words[0] ?? '');
    match !== null;
    match = /^(\w+)=(.*)$/.exec(words[0] ?? '')
  ) {
    env[match[1] ?? ''] = match[2] ?? '';
    words.shift();
  }
  return env;
}

/**
 * The arguments without those that Sluice sets itself.
 *
 * @param dropped options with the number of words that follow them: `--format` has one.
 */
export function withoutOptions(
  words: readonly string[],
  dropped: Readonly<Record<string, 0 | 1>>,
): readonly string[] {
  const kept: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const following = dropped[word.replace(/=[\s\S]*$/, '')];
    if (following === undefined) kept.push(word);
    else if (!word.includes('=')) index += following;
  }
  return kept;
}

/** Whether any script starts the program in some way. */
export function scriptsUse({ scripts }: Scripts, program: RegExp): boolean {
  return Object.values(scripts).some((script) => program.test(script));
}

/** Whether a script checks nothing: npm writes such a test into every new package.json. */
export function isPlaceholder(script: string): boolean {
  return (
    /no test specified/i.test(script) || /^\s*(?:$|(?:echo|true|exit 0|:)(?![^\s;]))[^&|]*$/.test(script)
  );
}

/** Whether a script runs the script of that name in the packages of its workspace. */
export function isDelegating(script: string): boolean {
  return /\b(?:turbo|nx|lerna|rush|wireit)\b|--workspaces?\b|\s-ws\b|\bworkspaces (?:foreach|run)\b|\bpnpm\b.{0,300}\s(?:-r|--recursive|--filter)\b/.test(
    script,
  );
}
