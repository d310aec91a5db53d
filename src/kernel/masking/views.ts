import { hidden } from '../foreign.ts';

/** A text with one kind of escapes resolved, and where in the text before it each of its characters came from. */
export interface View {
  readonly text: string;
  /** By character of `text`; one more entry than characters: the end. */
  readonly at: Uint32Array;
  /** Whether each character is one of the text before it, and some of those are left out. */
  readonly isSubset: boolean;
}

type Piece = readonly [decoded: string, starts: readonly number[]];

/**
 * The readings of a text: percent-escapes, backslash escapes (JSON, shells, YAML, programming languages) and entities
 * (HTML, XML) resolved, colors and invisible characters removed. Resolving finds every spelling of a secret, including
 * needless escapes (`%61`) and mixtures; a list of spellings is always incomplete.
 */
export function viewsOf(text: string): View[] {
  return escapes.flatMap(({ sign, pattern, decode }) => {
    if (sign !== undefined && !text.includes(sign)) return [];
    const view = resolved(text, pattern, decode);
    return view === undefined ? [] : [{ ...view, isSubset: sign === undefined }];
  });
}

const escapes: readonly {
  /** Their common beginnings. */
  readonly sign?: string;
  readonly pattern: RegExp;
  /** undefined: the match is not an escape. */
  readonly decode: (match: string) => Piece | undefined;
}[] = [
  { sign: '%', pattern: /(?:%[0-9a-f]{2})+/gi, decode: percent },
  {
    sign: '\\',
    pattern: /\\(?:u[0-9a-f]{4}|u\{[0-9a-f]{1,6}\}|U[0-9a-f]{8}|x[0-9a-f]{2}|[0-3][0-7]{2}|[\s\S])/gi,
    decode: backslash,
  },
  { sign: '&', pattern: /&(?:#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,7});/gi, decode: entity },
  { pattern: hidden, decode: () => ['', []] },
];

function resolved(
  text: string,
  pattern: RegExp,
  decode: (match: string) => Piece | undefined,
): Omit<View, 'isSubset'> | undefined {
  const at = new Uint32Array(text.length + 1);
  const parts: string[] = [];
  let [from, to] = [0, 0];
  const copy = (end: number) => {
    if (end > from) parts.push(text.slice(from, end));
    while (from < end) at[to++] = from++;
  };
  for (const match of text.matchAll(pattern)) {
    const piece = decode(match[0]);
    if (piece === undefined) continue;
    const [decoded, starts] = piece;
    copy(match.index);
    parts.push(decoded);
    for (const start of starts) at[to++] = match.index + start;
    from = match.index + match[0].length;
  }
  if (from === 0) return undefined;
  copy(text.length);
  at[to] = text.length;
  return { text: parts.join(''), at: at.subarray(0, to + 1) };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function percent(run: string): Piece {
  const bytes = Buffer.from(run.replaceAll('%', ''), 'hex');
  try {
    const text = utf8.decode(bytes);
    const starts: number[] = [];
    let byte = 0;
    for (const character of text) {
      for (let unit = 0; unit < character.length; unit++) starts.push(3 * byte);
      byte += Buffer.byteLength(character);
    }
    return [text, starts];
  } catch {
    // Bytes of another encoding, or part of a character: treat each byte as a character.
    return [bytes.toString('latin1'), Array.from(bytes, (_, index) => 3 * index)];
  }
}

const controls: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\u0007',
  e: '\u001b',
};

function backslash(written: string): Piece | undefined {
  const sign = written[1] ?? '';
  const digits = /^[uUx]/.test(sign) ? written.slice(2).replace(/[{}]/g, '') : '';
  if (digits !== '') return point(Number.parseInt(digits, 16));
  if (written.length === 4) return point(Number.parseInt(written.slice(1), 8));
  return [controls[sign] ?? sign, [0]];
}

/** The names that HTML has for ASCII: libraries write all of them (`he`, Python's codepoint2name, Go writes none). */
const named: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...[
      'amp &',
      'lt <',
      'gt >',
      'quot "',
      "apos '",
      'excl !',
      'num #',
      'dollar $',
      'percnt %',
      'lpar (',
      'rpar )',
    ],
    ...[
      'ast *',
      'midast *',
      'plus +',
      'comma ,',
      'period .',
      'sol /',
      'colon :',
      'semi ;',
      'equals =',
      'quest ?',
    ],
    ...[
      'commat @',
      'lsqb [',
      'lbrack [',
      'bsol \\',
      'rsqb ]',
      'rbrack ]',
      'hat ^',
      'lowbar _',
      'grave `',
      'lcub {',
    ],
    ...['lbrace {', 'verbar |', 'vert |', 'rcub }', 'rbrace }', 'nbsp \u00a0', 'newline \n', 'tab \t'],
  ].map((pair) => [pair.slice(0, pair.indexOf(' ')), pair.slice(pair.indexOf(' ') + 1)]),
);

function entity(reference: string): Piece | undefined {
  const name = reference.slice(1, -1).toLowerCase();
  if (name.startsWith('#x')) return point(Number.parseInt(name.slice(2), 16));
  if (name.startsWith('#')) return point(Number.parseInt(name.slice(1), 10));
  const character = Object.hasOwn(named, name) ? named[name] : undefined;
  return character === undefined ? undefined : [character, [0]];
}

function point(code: number): Piece | undefined {
  if (!(code <= 0x10ffff)) return undefined;
  const text = String.fromCodePoint(code);
  return [text, Array.from({ length: text.length }, () => 0)];
}
