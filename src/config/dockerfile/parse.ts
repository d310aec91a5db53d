import { posix } from 'node:path';
import { DockerfileParser, type Instruction as Parsed } from 'dockerfile-ast';

/** One instruction of a Dockerfile; lines count from 1. */
export interface Instruction {
  readonly keyword: string;
  readonly line: number;
  readonly endLine: number;
  /** `--mount=type=cache` → `mount`, `type=cache`. */
  readonly flags: readonly { readonly name: string; readonly value: string }[];
  /** The text after keyword and flags, continued lines joined, without the bodies of heredocs. */
  readonly text: string;
  /** The exec form, `["a", "b"]`. */
  readonly list: readonly string[] | undefined;
  readonly heredocs: readonly { readonly name: string; readonly text: string }[];
  /** Working directory it runs in; undefined where a variable hides it. */
  readonly workdir: string | undefined;
  /** ARG and ENV that are known there, by name. */
  readonly variables: ReadonlyMap<string, string | undefined>;
}

export interface Stage {
  readonly index: number;
  /** Lower case, as Docker compares it. */
  readonly name: string | undefined;
  readonly line: number;
  /** The base image with variables replaced; undefined if one has no value here. */
  readonly image: string | undefined;
  /** The same as it is written. */
  readonly written: string;
  /** The stage of this file it is based on. */
  readonly base: Stage | undefined;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  readonly stages: readonly Stage[];
  /** Lines of the file. */
  readonly lines: number;
}

/**
 * Reads a Dockerfile: stages, instructions with their lines, and what ARG, ENV and WORKDIR make of them.
 *
 * @param args values for ARG, over the defaults of the file.
 */
export function parseDockerfile(text: string, args: Readonly<Record<string, string>> = {}): Dockerfile {
  const clean = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  const lines = clean.split('\n');
  const reader = createReader(args);
  const file = DockerfileParser.parse(clean);
  for (const parsed of file.getInstructions()) reader.take(parsed, lines, file.getEscapeCharacter());
  return { stages: reader.stages, lines: lines.length };
}

type OpenStage = { -readonly [Key in keyof Stage]: Stage[Key] } & { instructions: Instruction[] };

function createReader(args: Readonly<Record<string, string>>) {
  const stages: OpenStage[] = [];
  const global = new Map<string, string | undefined>();
  const ends = new Map<Stage, { workdir: string | undefined; variables: Map<string, string | undefined> }>();
  let workdir: string | undefined = '/';
  let variables = new Map<string, string | undefined>();

  const open = (line: number, text: string) => {
    const [, written = '', name] = /^(\S+)(?:\s+as\s+(\S+))?/i.exec(text) ?? [];
    const base = stages.find((stage) => stage.name !== undefined && stage.name === written.toLowerCase());
    const image = base === undefined ? expand(written, global) : undefined;
    const before = base === undefined ? undefined : ends.get(base);
    workdir = before === undefined ? startOf(image) : before.workdir;
    variables = new Map(before?.variables ?? []);
    const lower = name?.toLowerCase();
    const stage = { index: stages.length, name: lower, line, image, written, base, instructions: [] };
    stages.push(stage);
    ends.set(stage, { workdir, variables });
  };

  const declare = (keyword: string, text: string, scope: Map<string, string | undefined>) => {
    for (const [name, value] of assignments(keyword, text)) {
      const given = keyword === 'ARG' && Object.hasOwn(args, name) ? args[name] : undefined;
      const inherited =
        keyword === 'ARG' && value === undefined && scope !== global ? global.get(name) : undefined;
      scope.set(name, given ?? (value === undefined ? inherited : expand(value, scope)));
    }
  };

  return {
    stages,
    take(parsed: Parsed, lines: readonly string[], escapeChar: string): void {
      const keyword = parsed.getKeyword();
      const range = parsed.getRange();
      const heredocs = heredocsOf(parsed, lines);
      const text = textOf(parsed, lines, escapeChar, heredocs[0]?.line);
      const stage = stages.at(-1);
      if (keyword === 'FROM') open(range.start.line + 1, text);
      else if (stage === undefined) {
        if (keyword === 'ARG') declare(keyword, text, global);
      } else {
        if (keyword === 'WORKDIR') workdir = moved(workdir, expand(text.trim(), variables));
        if (keyword === 'ARG' || keyword === 'ENV') declare(keyword, text, variables);
        const end = { workdir, variables: new Map(variables) };
        ends.set(stage, end);
        stage.instructions.push({
          keyword,
          line: range.start.line + 1,
          endLine: range.end.line + 1,
          flags: flagsOf(parsed),
          text,
          list: listOf(text),
          heredocs,
          workdir,
          variables: end.variables,
        });
      }
    },
  };
}

function flagsOf(parsed: Parsed): Instruction['flags'] {
  if (!('getFlags' in parsed)) return [];
  const flags = (parsed as Parsed & { getFlags(): readonly unknown[] }).getFlags();
  return flags.map((flag) => {
    const [, name = '', value = ''] = /^--([^=]*)=?(.*)$/s.exec(String(flag)) ?? [];
    return { name: name.toLowerCase(), value };
  });
}

type WithHeredocs = { getHeredocs(): readonly { getName(): string; getContentRange(): Span | null }[] };
type Span = {
  readonly start: { readonly line: number };
  readonly end: { readonly line: number; readonly character: number };
};

function heredocsOf(
  parsed: Parsed,
  lines: readonly string[],
): (Instruction['heredocs'][number] & { line: number })[] {
  if (!('getHeredocs' in parsed) || !/^(?:RUN|COPY|ADD)$/.test(parsed.getKeyword())) return [];
  return (parsed as unknown as WithHeredocs).getHeredocs().map((heredoc) => {
    const range = heredoc.getContentRange();
    const text = range === null ? '' : lines.slice(range.start.line, range.end.line + 1).join('\n');
    return { name: heredoc.getName(), text, line: range?.start.line ?? parsed.getRange().end.line };
  });
}

/** Its lines as one, without keyword, flags, and comments between continued lines. */
function textOf(
  parsed: Parsed,
  lines: readonly string[],
  escapeChar: string,
  heredoc: number | undefined,
): string {
  const { start, end } = parsed.getRange();
  const own = lines.slice(start.line, heredoc ?? end.line + 1);
  const kept = own.filter((line, index) => index === 0 || !/^\s*(?:#|$)/.test(line));
  const joined = kept
    .map((line) => (line.trimEnd().endsWith(escapeChar) ? line.trimEnd().slice(0, -1) : line))
    .join(' ');
  const text = joined.replace(/^\s*\S+\s*/, '');
  return ('getFlags' in parsed ? text.replace(/^(?:--\S+\s+)+/, '') : text).trim();
}

/** The exec form of an instruction, `["a", "b"]`; undefined for a line of the shell. */
export function listOf(text: string): readonly string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.map(String) : undefined;
  } catch {
    // Docker also treats invalid JSON as the shell form.
    return undefined;
  }
}

/** `A=1 B="two words"`; the old form `ENV A two words`. */
function assignments(keyword: string, text: string): (readonly [string, string | undefined])[] {
  if (keyword === 'ENV' && /^\s*\w+\s+[^=]/.test(text) && !/^\s*\w+=/.test(text)) {
    const [, name = '', value = ''] = /^\s*(\w+)\s+(.*)$/s.exec(text) ?? [];
    return [[name, value.trim()]];
  }
  const found = text.matchAll(
    /(?<!\w)([A-Za-z_]\w*)(?:=("(?:\\.|[^"\\])*"|'[^']*'|(?:\\.|[^\s\\])*))?(?:\s+|$)/g,
  );
  return [...found].map(([, name = '', value]) => [name, value?.replace(/^(["'])(.*)\1$/s, '$2')]);
}

/** Names and values that an ARG or ENV gives, as they are written. */
export function assignmentsOf({ keyword, text }: Instruction): (readonly [string, string | undefined])[] {
  return assignments(keyword, text);
}

/** Initial folder of images that set a WORKDIR. */
function startOf(image: string | undefined): string {
  const name = imageNameOf(image);
  if (name === 'golang') return '/go';
  if (name === 'php') return '/var/www/html';
  return name === 'composer' ? '/app' : '/';
}

/** Last part of an image's name, without tag: `docker.io/library/node:22` → `node`. */
export function imageNameOf(image: string | undefined): string {
  return image?.split('@')[0]?.split('/').at(-1)?.split(':')[0]?.toLowerCase() ?? '';
}

function moved(from: string | undefined, to: string | undefined): string | undefined {
  const path = to?.replace(/^(["'])(.*)\1$/s, '$2');
  if (path === undefined || path === '') return path === '' ? from : undefined;
  if (path.startsWith('/')) return posix.normalize(path);
  return from === undefined ? undefined : posix.join(from, path);
}

/**
 * Puts ARG and ENV into a text: `$X`, `${X}`, `${X:-default}`, `${X:+other}`.
 *
 * @returns undefined where a variable has no value that could be known here.
 */
export function expand(text: string, variables: ReadonlyMap<string, string | undefined>): string | undefined {
  let isKnown = true;
  const result = text.replace(
    /\\\$|\$(?:(\w+)|\{(\w+)(?:(:?[-+?])([^{}]*))?\})/g,
    (whole, plain?: string, braced?: string, operator?: string, operand = '') => {
      const name = plain ?? braced;
      if (name === undefined) return whole.slice(1);
      const value = variables.get(name);
      if (operator?.endsWith('+')) return value === undefined || value === '' ? '' : operand;
      if (value !== undefined && (value !== '' || operator !== ':-')) return value;
      if (operator?.endsWith('-')) return operand;
      isKnown = false;
      return '';
    },
  );
  return isKnown ? result : undefined;
}
