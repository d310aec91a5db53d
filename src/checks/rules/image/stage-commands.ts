import { posix } from 'node:path';
import { expand, type Instruction } from '../../../config/dockerfile/parse.ts';
import { scriptOf } from './installs.ts';

/** A simple command of a RUN. */
export interface StageCommand {
  /** Without leading assignments, with known variables expanded. */
  readonly text: string;
  /** Its working folder; undefined after `cd` with an unknown variable or `cd -`. */
  readonly folder: string | undefined;
  /** Its variables: ARG and ENV, leading assignments, and exports of the script. */
  readonly variables: ReadonlyMap<string, string | undefined>;
}

const keyword = /^(?:(?:if|then|elif|else|do|while|until|!|time|exec|command|sudo|env|\{)\s+)+/;

/** The commands of a RUN in their order: `cd`, subshells and exports are followed. */
export function stageCommands(instruction: Instruction): StageCommand[] {
  if (instruction.keyword !== 'RUN') return [];
  const found: StageCommand[] = [];
  const outer: (string | undefined)[] = [];
  const variables = new Map(instruction.variables);
  let folder = instruction.workdir;
  for (const part of scriptOf(instruction).split(/&&|\|\||[;|\n]/)) {
    let text = part.trim().replace(keyword, '');
    for (; text.startsWith('('); text = text.slice(1).trim().replace(keyword, '')) outer.push(folder);
    const closing = /(?<!\))(?<!\$\([^()]*)\)+$|(?<=\$\([^()]*\))\)+$/.exec(text)?.[0].length ?? 0;
    const command = closing === 0 ? text : text.slice(0, -closing).trim();
    if (command !== '' && !command.startsWith('#')) {
      const own = new Map(variables);
      const bare = withoutAssignments(command, own);
      if (bare === '') for (const [name, value] of own) variables.set(name, value);
      const target = /^(?:cd|pushd)\s+(\S+)$/.exec(bare)?.[1];
      if (target !== undefined) folder = entered(folder, expand(target, own));
      else if (bare !== '') found.push({ text: expand(bare, own) ?? bare, folder, variables: own });
      const exported = /^export\s+(.*)$/s.exec(bare)?.[1];
      if (exported !== undefined) withoutAssignments(`${exported} `, variables);
    }
    for (let count = 0; count < closing && outer.length > 0; count++) folder = outer.pop();
  }
  return found;
}

/** Takes `NAME=value` from the front of a command into `variables`. */
export function withoutAssignments(command: string, variables: Map<string, string | undefined>): string {
  let rest = command.replace(/^cross-env\s+/, '');
  for (;;) {
    const match = /^([A-Za-z_]\w*)=("[^"]*"|'[^']*'|[^\s"']*)(?:\s+|$)/.exec(rest);
    if (match === null) return rest;
    const [whole, name = '', value = ''] = match;
    variables.set(name, expand(value.replace(/^(["'])(.*)\1$/s, '$2'), variables));
    rest = rest.slice(whole.length).replace(/^cross-env\s+/, '');
  }
}

function entered(folder: string | undefined, target: string | undefined): string | undefined {
  const path = target?.replace(/^(["'])(.*)\1$/, '$2');
  if (path === undefined || !/^[\w./@-]+$/.test(path) || path === '-') return undefined;
  if (path.startsWith('/')) return posix.normalize(path);
  return folder === undefined ? undefined : posix.join(folder, path);
}
