import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
} from 'yaml';
import { type Place, UserError } from '../../kernel/errors.ts';
import { isShowable } from '../secrets/secret-names.ts';

export type Path = readonly (string | number)[];

/** A YAML file that was read, with the places of its parts. */
export interface YamlFile {
  readonly data: unknown;
  /** Place of the value at a path, or of its nearest parent that exists. */
  place(path: Path): Place;
  /** Place of the key itself. */
  placeOfKey(path: Path, key: string): Place;
  /** All scalars and keys with their paths, each once even if it is used through aliases. */
  scalars(): Iterable<{ readonly path: Path; readonly text: string; readonly isKey: boolean }>;
}

/** The part of a document at a path; inherited keys such as `constructor` do not count. */
export function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => {
    const isThere = value !== null && typeof value === 'object' && Object.hasOwn(value, key);
    return isThere ? (value as Readonly<Record<string | number, unknown>>)[key] : undefined;
  }, data);
}

/** Aliases multiply: 100 resolved ones are far more than a config needs, and far less than a bomb. */
const maxAliases = 100;
const maxDepth = 32;

/**
 * Reads one YAML 1.2 document; anchors, aliases and merge keys are resolved.
 *
 * @returns the file, or the errors that keep it from being one. They never repeat the file's text.
 */
export function readYaml(text: string, file: string): YamlFile | readonly UserError[] {
  const lines = new LineCounter();
  const at = (offset: number | undefined): Place => {
    const { line, col } = lines.linePos(offset ?? 0);
    return line === 0 ? { file } : { file, line, column: col };
  };
  const broken = (message: string, hint: string, offset?: number) => [
    new UserError({ code: 'config.yaml', message, hint, at: at(offset) }),
  ];

  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      merge: true,
      strict: true,
      logLevel: 'error',
    });
  } catch {
    // The parser recurses: only nesting of thousands of levels brings it down.
    return broken('The YAML is nested too deeply', 'A config needs five levels at most.');
  }
  if (document.errors.length > 0) {
    // After the first one most are echoes of it; those on other lines may be separate mistakes.
    const onePerLine = new Map(document.errors.toReversed().map((error) => [at(error.pos[0]).line, error]));
    return [...onePerLine.values()]
      .toReversed()
      .slice(0, 10)
      .map((error) => {
        const { what, hint } = faultOf(error.code);
        const twin = error.code === 'DUPLICATE_KEY' ? twinOf(document.contents, error.pos[0]) : undefined;
        const name = twin !== undefined && isShowable(twin.name) ? ` "${twin.name}"` : '';
        const message = twin === undefined ? what : `${what}${name} (first on line ${at(twin.first).line})`;
        return new UserError({ code: 'config.yaml', message, hint, at: at(error.pos[0]) });
      });
  }
  const root = document.contents as Node | null;
  const depth = deepest(root, document, 0);
  if (depth === 'unknown') return broken(faultOf('BAD_ALIAS').what, faultOf('BAD_ALIAS').hint);
  if (depth === 'cycle')
    return broken('An alias (*name) is inside its own anchor (&name)', 'Write the part out instead.');
  if (depth > maxDepth) return broken('The YAML is nested too deeply', 'A config needs five levels at most.');
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: maxAliases });
  } catch {
    return broken(
      'The anchors and aliases of the YAML expand without limit',
      'Write out the repeated parts.',
    );
  }
  return {
    data,
    place: (path) => at(nodeAt(root, document, path)?.range?.[0] ?? root?.range?.[0]),
    placeOfKey: (path, key) =>
      at(keyAt(root, document, path, key)?.range?.[0] ?? nodeAt(root, document, path)?.range?.[0]),
    scalars: () => scalarsOf(root, []),
  };
}

const quote = 'Put the text in quotes.';
const faults: Readonly<Record<string, { what: string; hint: string }>> = {
  TAB_AS_INDENT: {
    what: 'A tab is used to indent',
    hint: 'YAML allows only spaces: set your editor to spaces.',
  },
  DUPLICATE_KEY: { what: 'Duplicate key', hint: 'Keep one of the two.' },
  BAD_INDENT: {
    what: 'The indentation does not match the lines above',
    hint: 'Keys of one map begin in the same column.',
  },
  MULTIPLE_DOCS: { what: 'The file has more than one document (---)', hint: 'Keep one.' },
  BAD_ALIAS: {
    what: 'An alias (*name) has no anchor (&name) above it',
    hint: `Define the anchor first. ${quote}`,
  },
  MISSING_CHAR: {
    what: 'A quote, a bracket, a comma or a colon is missing',
    hint: 'Check this line and the one above it.',
  },
  BAD_SCALAR_START: {
    what: 'A text starts with a character that has a special meaning in YAML',
    hint: quote,
  },
  BAD_DQ_ESCAPE: {
    what: 'Unknown escape after a backslash in double quotes',
    hint: "Use single quotes: '…'.",
  },
  BLOCK_AS_IMPLICIT_KEY: {
    what: 'A map starts on a line that already has a value',
    hint: `Is there a ": " inside a text? ${quote}`,
  },
  MULTILINE_IMPLICIT_KEY: {
    what: 'A key spans several lines',
    hint: 'Is a colon missing, or a quote not closed?',
  },
  TAG_RESOLVE_FAILED: { what: 'Unknown tag (!name)', hint: `Remove it. ${quote}` },
  UNEXPECTED_TOKEN: {
    what: 'Unexpected token',
    hint: 'Check for an unclosed quote or bracket above.',
  },
  BLOCK_IN_FLOW: {
    what: 'An indented block is inside [ ] or { }',
    hint: 'Is the closing bracket missing?',
  },
  RESOURCE_EXHAUSTION: { what: 'The YAML is nested too deeply', hint: 'A config needs five levels at most.' },
};
const faultOf = (code: string) => faults[code] ?? unknownFault;
const unknownFault = {
  what: 'This is not valid YAML',
  hint: `Check this line and the one above it. ${quote}`,
};

interface Twin {
  readonly name: string;
  /** Offset of the same key above. */
  readonly first: number;
}

/** The key at an offset, and the same one above it in the same map. */
function twinOf(node: unknown, offset: number): Twin | undefined {
  if (!isCollection(node)) return undefined;
  const items = node.items as readonly unknown[];
  const pairs = isMap(node) ? node.items : [];
  const second = pairs.find(({ key }) => isScalar(key) && key.range?.[0] === offset);
  if (second !== undefined) {
    const name = String((second.key as Scalar).value);
    const first = pairs.find(({ key }) => isScalar(key) && String(key.value) === name)?.key;
    const start = isScalar(first) ? first.range?.[0] : undefined;
    return start === undefined ? undefined : { name, first: start };
  }
  for (const item of items) {
    const twin = twinOf(isPair(item) ? item.value : item, offset);
    if (twin !== undefined) return twin;
  }
  return undefined;
}

/** Levels of nesting. An alias within its own anchor would have no end, one without an anchor has nothing. */
function deepest(node: unknown, document: Document, level: number): number | 'cycle' | 'unknown' {
  if (level > maxDepth) return level;
  if (isAlias(node)) {
    const source = node.resolve(document);
    if (source === undefined) return 'unknown';
    const [from = 0, , to = 0] = source.range ?? [];
    const here = node.range?.[0] ?? -1;
    return here >= from && here < to ? 'cycle' : level;
  }
  if (!isCollection(node)) return level;
  let most = level;
  for (const item of node.items) {
    for (const part of isPair(item) ? [item.key, item.value] : [item]) {
      const depth = deepest(part, document, level + 1);
      if (typeof depth === 'string') return depth;
      most = Math.max(most, depth);
    }
  }
  return most;
}

/** The node at a path; where the path leaves the document (a default, a merged key) its last node that exists. */
function nodeAt(root: Node | null, document: Document, path: Path): Node | undefined {
  let node: Node | undefined = root ?? undefined;
  for (const part of path) {
    const whole: unknown = isAlias(node) ? node.resolve(document) : node;
    let next: unknown;
    if (isMap(whole)) next = pairOf(whole, part)?.value ?? pairOf(whole, part)?.key;
    else if (isSeq(whole)) next = whole.items[Number(part)];
    if (!isNode(next)) break;
    node = next;
  }
  return node;
}

function keyAt(root: Node | null, document: Document, path: Path, key: string): Node | undefined {
  const node = nodeAt(root, document, path);
  const map: unknown = isAlias(node) ? node.resolve(document) : node;
  const found = isMap(map) ? pairOf(map, key)?.key : undefined;
  return isNode(found) ? found : undefined;
}

function pairOf(map: { items: readonly { key: unknown; value: unknown }[] }, key: string | number) {
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key));
}

function* scalarsOf(node: unknown, path: Path): Generator<{ path: Path; text: string; isKey: boolean }> {
  if (isScalar(node)) {
    if (typeof node.value === 'string') yield { path, text: node.value, isKey: false };
  } else if (isMap(node)) {
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : '?';
      yield { path: [...path, name], text: name, isKey: true };
      yield* scalarsOf(value, [...path, name]);
    }
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) yield* scalarsOf(item, [...path, index]);
  }
}
