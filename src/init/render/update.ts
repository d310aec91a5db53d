import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';
import type { Config } from '../../config/model.ts';
import { UserError } from '../../kernel/errors.ts';
import type { Guess } from '../guess/guess.ts';
import type { TargetGuess } from '../guess/targets.ts';
import { type ConfigBlock, configBlocks, oneTarget } from './config.ts';
import { list, scalar, sectionOf, splitEntries } from './yaml.ts';

/** A part of the text and its replacement. */
type Edit = readonly [start: number, end: number, text: string];

/**
 * The existing sluice.yml with the sections that it lacks and with the targets that the user asked for. All else stays to
 * the letter.
 *
 * @param asked the file as it was read, undefined for one with faults; and whether the user named compose files.
 * @throws UserError `usage.argument` for a new server of a target whose text cannot be changed.
 */
export function updateConfig(
  presentText: string,
  guess: Guess,
  asked: { readonly present: Config | undefined; readonly hasCompose: boolean },
): string {
  const text = presentText.replaceAll('\r\n', '\n');
  const root = mapOf(parseDocument(text, { merge: true }).contents);
  // A whole file in braces has no place for a section.
  if (root?.flow === true) return text;
  const edits: Edit[] = [];
  const compose = root === undefined ? undefined : pairOf(root, 'compose');
  if (compose !== undefined && asked.hasCompose && isOther(asked.present?.compose, guess.compose.value))
    edits.push(replacement(text, compose, ` ${list(guess.compose.value)}`));
  const targets = root === undefined ? undefined : pairOf(root, 'targets');
  if (targets !== undefined && asked.present !== undefined)
    edits.push(...targetEdits(text, targets, guess, asked.present));
  const known = new Set(root?.items.map(nameOf));
  const missing = configBlocks(guess).filter((block) => !known.has(block.key) && isToAdd(block, text));
  return withBlocks(edited(text, edits), missing);
}

function isOther(one: readonly string[] | undefined, other: readonly string[]): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}

/** Keys, and the draft of a `cdn:` that a note points to; other comments are for a new file. */
function isToAdd({ key, lines }: ConfigBlock, text: string): boolean {
  if (lines.some((line) => line.startsWith(`${key}:`))) return true;
  return key === 'cdn' && !/^#\s*cdn:/m.test(text);
}

/** With the blocks above `targets:` and its comments, `cdn` and those of a file without targets at the end. */
function withBlocks(text: string, blocks: readonly ConfigBlock[]): string {
  if (blocks.length === 0) return text;
  const section = sectionOf(text, 'targets');
  const at = section === undefined ? text.length : text.indexOf(section);
  const isLast = ({ key }: ConfigBlock) => at === text.length || key === 'cdn' || key === 'targets';
  const textOf = ({ lines }: ConfigBlock) => lines.join('\n');
  const above = blocks.filter((block) => !isLast(block)).map((block) => `${textOf(block)}\n\n`);
  const below = blocks.filter(isLast).map((block) => `\n${textOf(block)}\n`);
  const rest = text.slice(at);
  if (above.length > 0 && at > 0 && !text.slice(0, at).endsWith('\n\n')) above.unshift('\n');
  const end = below.length > 0 ? `${(text.slice(0, at) + above.join('') + rest).trimEnd()}\n` : undefined;
  return end === undefined ? text.slice(0, at) + above.join('') + rest : end + below.join('');
}

function targetEdits(text: string, pair: Pair, guess: Guess, present: Config): Edit[] {
  const map = mapOf(pair.value);
  const fresh = guess.targets.filter(({ name }) => !Object.hasOwn(present.targets, name));
  const moved = guess.targets.filter(({ name, host }) => {
    const old = Object.hasOwn(present.targets, name) ? present.targets[name]?.hosts[0]?.name : host;
    return old !== host;
  });
  const gone = Object.keys(present.targets).filter(
    (name) => !guess.targets.some((target) => target.name === name),
  );
  if (fresh.length + moved.length + gone.length === 0) return [];
  const entries = splitEntries(sectionOf(text, 'targets') ?? '');
  const hosts = moved.map((target) => hostEdits(text, map, target));
  const cuts = gone.map((name) => cutOf(text, entries.get(name)));
  const isBlock = map !== undefined && map.flow !== true && map.items.length > gone.length;
  const edits = [...hosts, ...cuts];
  if (!isBlock || edits.some((edit) => edit === undefined)) {
    const unclear = moved.find(({ section }) => section === undefined);
    if (unclear !== undefined) {
      throw new UserError({
        code: 'usage.argument',
        message: `Cannot set the server of target ${unclear.name} in the existing sluice.yml`,
        hint: `Edit targets.${unclear.name}.hosts in sluice.yml.`,
      });
    }
    // In braces or behind an anchor: the section is rendered from its values.
    const lines = guess.targets.flatMap((target) => oneTarget(target, guess));
    return [replacement(text, pair, `\n${lines.join('\n')}`)];
  }
  const section = sectionOf(text, 'targets') ?? '';
  const end = text.indexOf(section) + section.length;
  const indent = ' '.repeat(columnOf(text, map.items[0]));
  const lines = fresh.flatMap((target) => oneTarget(target, guess)).map((line) => indent + line.slice(2));
  const added: Edit[] = lines.length === 0 ? [] : [[end, end, `\n${lines.join('\n')}`]];
  return [...edits.flatMap((edit) => edit ?? []), ...added];
}

/** The new address of the first host, and without the comment that asks for it; undefined where it is not in the text. */
function hostEdits(text: string, map: YAMLMap | undefined, { name, host }: TargetGuess): Edit[] | undefined {
  const target = map === undefined ? undefined : mapOf(pairOf(map, name)?.value);
  const hosts = target === undefined ? undefined : pairOf(target, 'hosts')?.value;
  const first = isSeq(hosts) ? hosts.items[0] : undefined;
  const address = isMap(first) ? pairOf(first, 'host')?.value : first;
  if (!isScalar(address) || !address.range) return undefined;
  const [start, end] = address.range;
  const before = text.slice(0, start);
  const above = /\n[ \t]*# CHANGE THIS: [^\n]*(?=\n[^\n]*$)/.exec(before);
  const comment: Edit[] = above === null ? [] : [[above.index, above.index + above[0].length, '']];
  return [...comment, [start, end, scalar(host)]];
}

function cutOf(text: string, entry: string | undefined): Edit[] | undefined {
  const at = entry === undefined ? -1 : text.indexOf(`\n${entry}`);
  return entry === undefined || at < 0 ? undefined : [[at, at + entry.length + 1, '']];
}

/** Replaces the value of a key; the line ends and comments after it stay. */
function replacement(text: string, { key, value }: Pair, fresh: string): Edit {
  const [, keyEnd] = (key as Node).range ?? [0, 0];
  const start = text.indexOf(':', keyEnd) + 1;
  const end = Math.max(start, (value as Node | null)?.range?.[1] ?? start);
  const old = text.slice(start, end);
  return [start, start + old.trimEnd().length, fresh];
}

function edited(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort(([a], [b]) => b - a)
    .reduce((result, [start, end, fresh]) => result.slice(0, start) + fresh + result.slice(end), text);
}

function columnOf(text: string, pair: Pair | undefined): number {
  const [start] = (pair?.key as Node | undefined)?.range ?? [2];
  return start - (text.lastIndexOf('\n', start - 1) + 1);
}

function mapOf(node: unknown): YAMLMap | undefined {
  return isMap(node) && !isAlias(node) ? node : undefined;
}

function pairOf(map: YAMLMap, name: string): Pair | undefined {
  return map.items.find((pair) => nameOf(pair) === name);
}

function nameOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : '';
}
