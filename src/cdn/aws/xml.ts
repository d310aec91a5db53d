/**
 * Reads and writes the XML of S3 and similar APIs: flat, without relevant attributes. A page of a listing has a
 * thousand objects, and a general parser takes ten times as long.
 */

/** The raw content of every element of that name; the elements must not be nested. */
export function elements(xml: string, name: string): string[] {
  const found: string[] = [];
  const close = `</${name}>`;
  let at = 0;
  for (;;) {
    const open = openingTag(xml, name, at);
    if (open === undefined) return found;
    if (open.empty) {
      found.push('');
      at = open.end;
      continue;
    }
    const end = xml.indexOf(close, open.end);
    if (end === -1) return found;
    found.push(xml.slice(open.end, end));
    at = end + close.length;
  }
}

/** The text of the first element of that name. */
export function text(xml: string, name: string): string | undefined {
  const open = openingTag(xml, name, 0);
  if (open === undefined) return undefined;
  if (open.empty) return '';
  const end = xml.indexOf(`</${name}>`, open.end);
  return end === -1 ? undefined : decode(xml.slice(open.end, end));
}

function openingTag(xml: string, name: string, from: number): { end: number; empty: boolean } | undefined {
  const start = `<${name}`;
  for (let at = xml.indexOf(start, from); at !== -1; at = xml.indexOf(start, at + 1)) {
    const next = xml[at + start.length];
    if (next === '>') return { end: at + start.length + 1, empty: false };
    // `<KeyCount>` begins with `<Key` too.
    if (next !== ' ' && next !== '/') continue;
    const end = xml.indexOf('>', at);
    return end === -1 ? undefined : { end: end + 1, empty: xml[end - 1] === '/' };
  }
  return undefined;
}

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decode(raw: string): string {
  if (!raw.includes('&')) return raw;
  return raw.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return named[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Escapes text. Line ends become numbers, since a parser normalizes them to `\n`. */
export function escapeXml(plain: string): string {
  return plain.replace(/[&<>"'\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** XML 1.0 cannot contain most control characters, U+FFFE and U+FFFF, not even as numbers. */
export function hasXmlForm(plain: string): boolean {
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(plain) && plain.isWellFormed();
}
