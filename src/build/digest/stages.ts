import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';
import { type Dockerfile, type Instruction, listOf, parseInstruction } from './dockerfile.ts';

/** One FROM with the sources that its instructions use besides the context. */
export interface Stage {
  /** Lower case; undefined if it has none. */
  readonly name: string | undefined;
  /** As written, variables not expanded. */
  readonly base: string;
  readonly platform: string | undefined;
  /** Stages, named contexts and images that its COPY and RUN take files from. */
  readonly sources: readonly StageSource[];
  /** Why its inputs cannot be known; it matters only if the stage is built. */
  readonly obstacle: string | undefined;
}

export interface StageSource {
  readonly name: string;
  /** COPY takes the number of a stage, too. */
  readonly mayBeNumber: boolean;
}

export interface Stages {
  /** Arguments of the ARG instructions before the first FROM. */
  readonly args: readonly string[];
  readonly stages: readonly Stage[];
}

const plainFlags: Readonly<Record<string, RegExp>> = {
  FROM: /^--platform=/,
  COPY: /^--(?:chown=|chmod=|link$|link=|parents$|parents=|exclude=|from=)/,
  ADD: /^--(?:chown=|chmod=|link$|link=|exclude=|keep-git-dir$|keep-git-dir=|checksum=|unpack$|unpack=)/,
  RUN: /^--(?:mount=|network=|security=|device$|device=)/,
  HEALTHCHECK: /^--/,
};

/** @throws Unresolvable for instructions that cannot be read reliably. */
export function stagesOf({ instructions }: Dockerfile): Stages {
  const first = instructions.findIndex(({ keyword }) => keyword === 'FROM');
  const before = instructions.slice(0, first < 0 ? undefined : first);
  const stray = before.find(({ keyword }) => keyword !== 'ARG');
  if (first < 0 || stray !== undefined) throw new Unresolvable('the Dockerfile does not begin with FROM');
  const stages: Stage[] = [];
  let position = first;
  while (position < instructions.length) {
    const next = instructions.findIndex(({ keyword }, index) => index > position && keyword === 'FROM');
    const end = next < 0 ? instructions.length : next;
    stages.push(stageOf(instructions.slice(position, end)));
    position = end;
  }
  return { args: before.map(({ rest }) => rest), stages };
}

function stageOf([from, ...instructions]: readonly Instruction[]): Stage {
  const words = from?.rest.split(/[\t\v\f\r ]+/) ?? [];
  const [base = '', as, name] = words;
  if (from === undefined || !(words.length === 1 || (words.length === 3 && as?.toLowerCase() === 'as'))) {
    throw new Unresolvable(`"FROM ${from?.rest ?? ''}" cannot be parsed`);
  }
  const inputs = [from, ...instructions].map(inputsOf);
  return {
    name: name?.toLowerCase(),
    base,
    platform: flagValues(from, 'platform')[0],
    sources: inputs.flatMap(({ sources }) => sources),
    obstacle: inputs.find(({ obstacle }) => obstacle !== undefined)?.obstacle,
  };
}

export interface Inputs {
  readonly sources: readonly StageSource[];
  readonly obstacle: string | undefined;
}

/** The sources that one instruction uses besides the context. */
export function inputsOf(instruction: Instruction): Inputs {
  const { keyword, flags, rest } = instruction;
  // The sources of a trigger, for when another stage builds on this one.
  if (keyword === 'ONBUILD') return inputsOf(parseInstruction(rest));
  const odd = flags.find((flag) => plainFlags[keyword]?.test(flag) !== true);
  if (odd !== undefined) return { sources: [], obstacle: `${keyword} has the unknown flag ${odd}` };
  const named =
    keyword === 'COPY'
      ? flagValues(instruction, 'from')
      : flagValues(instruction, 'mount').flatMap(mountSources);
  const variable = named.find((name) => name.includes('$') || name.includes('"'));
  return {
    sources: named.filter((name) => name !== '').map((name) => ({ name, mayBeNumber: keyword === 'COPY' })),
    obstacle:
      keyword === 'ADD'
        ? addObstacle(instruction)
        : variable && `${keyword} takes files from "${variable}", which is not a plain name`,
  };
}

/** The `from` of a `type=bind,from=…,target=…`; whole if quotes make it a different list. */
function mountSources(mount: string): string[] {
  if (mount.includes('"')) return [mount];
  return mount
    .split(',')
    .filter((field) => /^from=/i.test(field))
    .map((field) => field.slice('from='.length));
}

/** ADD fetches arguments that look like a URL or a git repository; only a checksum fixes their content. */
function addObstacle(instruction: Instruction): string | undefined {
  const [checksum = ''] = flagValues(instruction, 'checksum');
  if (/^(?:sha256:[0-9a-f]{64}|[0-9a-f]{40})$/.test(checksum)) return undefined;
  const remote = listOf(instruction)
    .slice(0, -1)
    .find((source) => !isLocal(source));
  if (remote === undefined) return undefined;
  return remote.includes('$')
    ? `ADD "${remote}" may be a URL; COPY takes files only`
    : `ADD fetches ${withoutPassword(remote)} without a checksum`;
}

/** BuildKit takes `a/b.git` for https://a/b.git, too, unless it begins with a dot. */
function isLocal(source: string): boolean {
  if (/^\.\.?\//.test(source)) return true;
  if (/:\/\/|^[^/@]*@[^/]*:|\.git\/?(?:[#?]|$)/.test(source)) return false;
  // A variable is allowed where it cannot form a scheme or a repository's name.
  return !source.includes('$') || /^[^$:@/]*\/.*\.[A-Za-z0-9]+$/.test(source);
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}

function flagValues({ flags }: Instruction, name: string): string[] {
  const start = `--${name}=`;
  return flags.filter((flag) => flag.startsWith(start)).map((flag) => flag.slice(start.length));
}
