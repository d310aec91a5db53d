import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import type { ComposeCandidate } from '../../../config/compose/choice/choice.ts';
import { references, type VariableUse } from './variables.ts';

export type Loose = Record<string, unknown>;
export type Path = readonly (string | number)[];

/** A compose file without merging or interpolation; anchors and merge keys are resolved. */
export interface ComposeDocument extends ComposeCandidate {
  readonly data: Loose;
  readonly lines: number;
  /** Line of a key or of an item, also of one from an anchor; undefined if it is missing. */
  lineOf(path: Path): number | undefined;
  /** Compose's `!reset` or `!override` before a value. */
  tagOf(path: Path): string | undefined;
  /** All `${…}` in it. */
  variables(): readonly (VariableUse & { readonly line: number })[];
}

/** Aliases multiply; a compose file of fifty services that share their settings stays far below. */
const maxAliases = 2_000;
/** Aliases within aliases; deeper ones are circular. */
const maxHops = 50;

/** @returns undefined if the text is not a readable compose file. */
export function readDocument(path: string, text: string): ComposeDocument | undefined {
  const counter = new LineCounter();
  let document: Document.Parsed;
  let data: unknown;
  try {
    // Compose's own tags are unknown to the parser: it reads the value without them, and keeps them on the node.
    document = parseDocument(text, {
      lineCounter: counter,
      merge: true,
      logLevel: 'silent',
      uniqueKeys: false,
    });
    if (document.errors.length > 0) return undefined;
    data = document.toJS({ maxAliasCount: maxAliases });
  } catch {
    return undefined;
  }
  if (!isLoose(data) || !('services' in data || 'include' in data)) return undefined;
  const services = isLoose(data['services']) ? data['services'] : {};
  const lineAt = (offset: number | undefined) => counter.linePos(offset ?? 0).line;
  return {
    path,
    data,
    lines: text.split('\n').length,
    services: Object.fromEntries(
      Object.entries(services).map(([name, value]) => [name, isLoose(value) ? value : {}]),
    ),
    lineOf(wanted) {
      const node = locate(document, wanted);
      return node === undefined ? undefined : lineAt(node.offset);
    },
    tagOf(wanted) {
      const value = locate(document, wanted)?.value as { tag?: unknown } | null | undefined;
      return typeof value?.tag === 'string' && /^!(?:reset|override)$/.test(value.tag)
        ? value.tag
        : undefined;
    },
    variables() {
      const found: (VariableUse & { line: number })[] = [];
      visit(document, {
        Scalar(key, node) {
          if (key === 'key' || typeof node.value !== 'string') return;
          for (const use of references(node.value)) found.push({ ...use, line: lineAt(node.range?.[0]) });
        },
      });
      return found;
    },
  };
}

export function isLoose(value: unknown): value is Loose {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

interface Located {
  readonly offset: number | undefined;
  readonly value: unknown;
}

function locate(document: Document, path: Path): Located | undefined {
  let here: Located = { offset: document.contents?.range?.[0], value: document.contents };
  for (const part of path) {
    const next = child(document, here.value, part, 0);
    if (next === undefined) return undefined;
    here = next;
  }
  return here;
}

function child(document: Document, node: unknown, part: string | number, hops: number): Located | undefined {
  if (hops > maxHops) return undefined;
  if (isAlias(node)) return child(document, node.resolve(document), part, hops + 1);
  if (isSeq(node)) {
    const item = typeof part === 'number' ? node.items[part] : undefined;
    return item === undefined ? undefined : { offset: offsetOf(item), value: item };
  }
  if (!isMap(node)) return undefined;
  const pairs = node.items.filter((item): item is Pair => isPair(item));
  const own = pairs.find(({ key }) => isScalar(key) && String(key.value) === String(part));
  if (own !== undefined) return { offset: offsetOf(own.key), value: own.value };
  const merged = pairs.filter(({ key }) => isMergeKey(key)).map(({ value }) => value);
  for (const value of merged.flatMap((item) => (isSeq(item) ? item.items : [item]))) {
    const found = child(document, value, part, hops + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The parser gives the key of a merge a symbol as its value. */
function isMergeKey(key: unknown): boolean {
  return isScalar(key) && (key.value === '<<' || typeof key.value === 'symbol');
}

function offsetOf(node: unknown): number | undefined {
  return (node as { range?: readonly number[] } | null)?.range?.[0];
}
