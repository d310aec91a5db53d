import { formsOf, plainOf, shortest } from './forms.ts';
import { type View, viewsOf } from './views.ts';

/** Replaces secret values wherever text leaves the process: log lines, summaries, journals, notifications. */
export interface Mask {
  /**
   * Registers a secret: its value and its lines are masked in every spelling (in URLs, JSON, HTML, shells, base64, hex).
   * Values under 6 characters are ignored, because they occur in ordinary text.
   */
  add(value: string): void;
  /** Public texts: none of them is mistaken for the rest of a secret that was cut. */
  keep(texts: Iterable<string>): void;
  scrub(text: string): string;
  /** All texts within data; the names of known fields are kept. */
  scrubData<T>(data: T): T;
  /** The registered values and their lines, for `::add-mask::`: the runner itself adds encoded forms. */
  values(): readonly string[];
}

/** How often escapes are resolved: a JSON text within another one, a URL within HTML. */
const depth = 2;
/** A remainder of this length, at a cut of the text, is masked like the whole. */
const shortestPart = 8;

/** A longer value is masked by its lines, or searched in pieces. */
const longestCut = 1024;

type Range = readonly [from: number, to: number];

/** @param onAdd gets each value that is one line, and each line of the others, once. */
export function createMask(onAdd?: (value: string) => void): Mask {
  const plain = new Set<string>();
  const index = createIndex();

  function add(value: string): void {
    if (value.length < shortest || plain.has(value)) return;
    for (const form of plainOf(value)) {
      if (plain.has(form)) continue;
      plain.add(form);
      if (!/[\r\n]/.test(form)) onAdd?.(form);
    }
    for (const form of formsOf(value)) index.add(form);
    index.addWhole(plainOf(value));
  }

  function keep(texts: Iterable<string>): void {
    for (const text of texts) index.kept.add(text);
  }

  function scrub(text: string): string {
    if (plain.size === 0 || text.length < shortest) return text;
    const found = [...index.find(text), ...index.findParts(text)];
    collect(text, depth, (range) => found.push(range));
    return replaced(text, found);
  }

  function collect(text: string, left: number, onFound: (range: Range) => void): void {
    if (left === 0) return;
    for (const view of viewsOf(text)) {
      const back = backTo(view, onFound);
      for (const range of index.find(view.text)) back(range);
      collect(view.text, left - 1, back);
    }
  }

  function scrubData<T>(data: T): T {
    return data === undefined ? data : (scrubbed(data, scrub) as T);
  }

  return { add, keep, scrub, scrubData, values: () => [...plain] };
}

/** A range of a view as one of the text it was made of: with all of an escape of which it has a part. */
function backTo({ at, isSubset }: View, onFound: (range: Range) => void): (range: Range) => void {
  return ([from, to]) => {
    // Keep colors after it: they belong to the rest of the line.
    if (isSubset && to > from) {
      onFound([at[from] ?? 0, (at[to - 1] ?? 0) + 1]);
      return;
    }
    let end = to;
    // Two halves of one character have one escape.
    while (end < at.length - 1 && at[end] === at[to - 1]) end++;
    onFound([at[from] ?? 0, at[end] ?? 0]);
  };
}

function replaced(text: string, found: Range[]): string {
  if (found.length === 0) return text;
  found.sort(([a], [b]) => a - b);
  const parts: string[] = [];
  let done = 0;
  let open: Range | undefined;
  const close = () => {
    if (open === undefined) return;
    parts.push(text.slice(done, open[0]), '***');
    done = open[1];
  };
  for (const range of found) {
    // Overlapping secrets are masked as one.
    if (open !== undefined && range[0] < open[1]) open = [open[0], Math.max(open[1], range[1])];
    else {
      close();
      open = range;
    }
  }
  close();
  return parts.join('') + text.slice(done);
}

/** Finds any of many texts at any place, in one pass over the text. */
function createIndex() {
  const byStart = new Map<string, string[]>();
  /** Pairs of characters that begin any form, so that most places need no lookup in the map. */
  const begins = new Uint8Array(0x10000);
  const pair = (text: string, at: number) => ((text.charCodeAt(at) * 31) ^ text.charCodeAt(at + 1)) & 0xffff;
  const known = new Set<string>();
  const kept = new Set<string>();
  let whole = '\0';

  function add(form: string): void {
    if (known.has(form)) return;
    known.add(form);
    begins[pair(form, 0)] = 1;
    const start = form.slice(0, shortest);
    const same = byStart.get(start);
    if (same === undefined) byStart.set(start, [form]);
    // The longest first: the others are part of it.
    else same.splice(same.findIndex(({ length }) => length < form.length) >>> 0, 0, form);
  }

  function find(text: string): Range[] {
    const found: Range[] = [];
    for (let at = 0; at <= text.length - shortest; at++) {
      if (begins[pair(text, at)] === 0) continue;
      const form = byStart
        .get(text.slice(at, at + shortest))
        ?.find((candidate) => text.startsWith(candidate, at));
      if (form !== undefined) found.push([at, at + form.length]);
    }
    return found;
  }

  /**
   * The rest of a secret at a cut of the text: its end at the beginning of the text, its beginning at the end. Addresses are
   * exempt: `postgres://` reveals nothing, and their passwords are registered separately.
   */
  function addWhole(values: readonly string[]): void {
    for (const value of values)
      if (value.length <= longestCut && !value.includes('://')) whole += `${value}\0`;
  }

  function findParts(text: string): Range[] {
    const found: Range[] = [];
    const [start] = /^…?/.exec(text) ?? [''];
    const head = text.slice(start.length, start.length + shortestPart);
    if (head.length === shortestPart && !head.includes('\0')) {
      for (let at = whole.indexOf(head); at >= 0; at = whole.indexOf(head, at + 1)) {
        const rest = whole.slice(at, whole.indexOf('\0', at));
        if (text.startsWith(rest, start.length) && !kept.has(rest))
          found.push([0, start.length + rest.length]);
      }
    }
    const end = text.length - (text.endsWith('…') ? 1 : 0);
    const tail = text.slice(Math.max(0, end - shortestPart), end);
    if (tail.length === shortestPart && !tail.includes('\0')) {
      for (let at = whole.indexOf(tail); at >= 0; at = whole.indexOf(tail, at + 1)) {
        const from = whole.lastIndexOf('\0', at) + 1;
        const length = at + shortestPart - from;
        const part = whole.slice(from, from + length);
        if (text.startsWith(part, end - length) && !kept.has(part)) found.push([end - length, end]);
      }
    }
    return found;
  }

  return { add, kept, find, addWhole, findParts };
}

/** Names of Sluice's own fields, and of similar ones in foreign data. */
const fieldName = /^[A-Za-z$][A-Za-z$_-]{0,23}$|^(?:errors5xx|p95Ms|sha256)$/;

function scrubbed(data: unknown, scrub: (text: string) => string): unknown {
  if (typeof data === 'string') return scrub(data);
  if (Array.isArray(data)) return data.map((value) => scrubbed(value, scrub));
  if (data instanceof Map)
    return new Map([...data].map(([key, value]) => [scrubbed(key, scrub), scrubbed(value, scrub)]));
  if (typeof data !== 'object' || data === null) return data;
  if (![Object.prototype, null].includes(Object.getPrototypeOf(data))) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      fieldName.test(key) ? key : scrub(key),
      scrubbed(value, scrub),
    ]),
  );
}
