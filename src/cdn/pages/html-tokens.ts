/** A start tag, as a browser that runs scripts reads it. */
export interface StartTag {
  /** In lower case. */
  readonly name: string;
  /** Names in lower case, entities decoded; of duplicates the first counts. */
  readonly attributes: ReadonlyMap<string, string>;
  /** The content of `script` and `style`; '' for others. */
  readonly text: string;
  /** Offsets of the tag and of its text. */
  readonly at: number;
  readonly textAt: number;
  /** Within a `template`: not loaded until a script uses it. */
  readonly inert: boolean;
}

/** Elements whose content is always text (HTML standard, 13.2.5; noscript where scripts run). */
const textual = new Set([
  'script',
  'style',
  'textarea',
  'title',
  'xmp',
  'iframe',
  'noembed',
  'noframes',
  'noscript',
]);

/**
 * Every start tag of an HTML page. Never fails: malformed tags are read as browsers do, or ignored. Unlike the
 * standard, scripts with `<!--` and `<script` end at the first `</script>`.
 */
export function* startTagsOf(html: string): Generator<StartTag> {
  let templates = 0;
  let at = html.indexOf('<');
  while (at >= 0) {
    let next = at + 1;
    if (isLetter(html, next)) {
      const nameEnd = endOfName(html, next);
      const name = html.slice(next, nameEnd).toLowerCase();
      const { attributes, end } = readAttributes(html, nameEnd);
      const close = textual.has(name) ? textEnd(html, name, end) : end;
      const text = name === 'script' || name === 'style' ? html.slice(end, close) : '';
      yield { name, attributes, text, at, textAt: end, inert: templates > 0 };
      // A declarative shadow root is part of the page.
      if (name === 'template' && (templates > 0 || !attributes.has('shadowrootmode'))) templates++;
      if (name === 'plaintext') return;
      next = close;
    } else if (html[next] === '/' && isLetter(html, next + 1)) {
      const nameEnd = endOfName(html, next + 1);
      if (templates > 0 && html.slice(next + 1, nameEnd).toLowerCase() === 'template') templates--;
      next = readAttributes(html, nameEnd).end;
    } else if (html.startsWith('!--', next)) next = commentEnd(html, at);
    else if (/[!?/]/.test(html[next] ?? '')) next = after(html, '>', at);
    at = html.indexOf('<', next);
  }
}

function isLetter(html: string, at: number): boolean {
  const lower = html.charCodeAt(at) | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function endOfName(html: string, from: number): number {
  let end = from;
  while (end < html.length && !isNameEnd(html.charCodeAt(end))) end++;
  return end;
}

/** Blanks, `/` and `>`. */
function isNameEnd(code: number): boolean {
  return code === 0x3e || code === 0x2f || code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** The offset after the next `text`, or the end. */
function after(html: string, text: string, from: number): number {
  const found = html.indexOf(text, from);
  return found < 0 ? html.length : found + text.length;
}

/** `<!-->` and `<!--->` are whole comments; `--!>` ends one, too. */
function commentEnd(html: string, at: number): number {
  const short = /^<!---?>/.exec(html.slice(at, at + 6))?.[0];
  if (short !== undefined) return at + short.length;
  const ends = /--!?>/g;
  ends.lastIndex = at + 4;
  return ends.exec(html) === null ? html.length : ends.lastIndex;
}

/** The offset of the end tag of a textual element. */
function textEnd(html: string, name: string, from: number): number {
  const ends = new RegExp(`</${name}(?=[\\s/>])`, 'gi');
  ends.lastIndex = from;
  return ends.exec(html)?.index ?? html.length;
}

const none: ReadonlyMap<string, string> = new Map();
const attribute =
  /[\s/]*(?:(>)|([^\s/>][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)|(?=>)))?)/y;

interface Attributes {
  readonly attributes: ReadonlyMap<string, string>;
  readonly end: number;
}

/** @param from after the name of the tag. @returns `end`: after its `>`. */
function readAttributes(html: string, from: number): Attributes {
  if (html[from] === '>') return { attributes: none, end: from + 1 };
  const attributes = new Map<string, string>();
  attribute.lastIndex = from;
  for (;;) {
    const found = attribute.exec(html);
    // If the page ends within the tag or within an unclosed value, browsers drop the tag.
    if (found === null) return { attributes: none, end: html.length };
    const [, close, name = '', ...values] = found;
    if (close !== undefined) return { attributes, end: attribute.lastIndex };
    const key = name.toLowerCase();
    const value = values.find((text) => text !== undefined) ?? '';
    if (!attributes.has(key)) attributes.set(key, decodeEntities(value));
  }
}

/** Entities that appear in URLs; most of the other 2,231 name letters. */
const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  sol: '/',
  bsol: '\\',
  colon: ':',
  semi: ';',
  comma: ',',
  period: '.',
  lowbar: '_',
  num: '#',
  quest: '?',
  equals: '=',
  percnt: '%',
  plus: '+',
  lpar: '(',
  rpar: ')',
  excl: '!',
  commat: '@',
  dollar: '$',
  Tab: '\t',
  NewLine: '\n',
};

/**
 * Decodes the entities of an attribute. `&copy=1` stays: a name without `;` before `=` or a letter is not an
 * entity.
 */
function decodeEntities(value: string): string {
  if (!value.includes('&')) return value;
  return value.replace(
    /&(?:#x([0-9a-f]{1,6});?|#(\d{1,7});?|(amp|lt|gt|quot)(?![a-z0-9=;])|([a-z]+);)/gi,
    (whole, hex?: string, decimal?: string, bare?: string, name?: string) => {
      if (hex !== undefined) return characterOf(Number.parseInt(hex, 16));
      if (decimal !== undefined) return characterOf(Number.parseInt(decimal, 10));
      const key = bare?.toLowerCase() ?? name ?? '';
      return Object.hasOwn(named, key) ? (named[key] ?? whole) : whole;
    },
  );
}

function characterOf(code: number): string {
  const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return String.fromCodePoint(isCharacter ? code : 0xfffd);
}
