/** Ways a program may write a text: what tools, apps and shells print of a secret they were given. */

const utf8 = (text: string) => Buffer.from(text);
const escapeEach = (text: string, pattern: RegExp, write: (code: number, character: string) => string) =>
  text.replace(pattern, (character) => write(character.charCodeAt(0), character));
const hex2 = (code: number) => code.toString(16).padStart(2, '0');
const hex4 = (code: number) => code.toString(16).padStart(4, '0');
const json = (text: string) => JSON.stringify(text).slice(1, -1);
const behind = (text: string, bytes: number, encoding: 'base64' | 'base64url') =>
  Buffer.concat([Buffer.from('ab:'.slice(0, bytes)), utf8(text)]).toString(encoding);

export const forms: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  JSON: json,
  'JSON in JSON': (text) => json(json(text)),
  'JSON of Python: only ASCII': (text) =>
    escapeEach(json(text), /[\u007f-\uffff]/g, (code) => `\\u${hex4(code)}`),
  'JSON of Go: no HTML': (text) => escapeEach(json(text), /[<>&]/g, (code) => `\\u${hex4(code)}`),
  'JSON of PHP: no slashes': (text) => json(text).replaceAll('/', '\\/'),
  'a part of a URL': encodeURIComponent,
  'a part of a URL, in lower case': (text) =>
    encodeURIComponent(text).replace(/%../g, (percent) => percent.toLowerCase()),
  'a URL where little is escaped': (text) => encodeURI(text),
  'a URL where all is escaped': (text) => [...utf8(text)].map((byte) => `%${hex2(byte)}`).join(''),
  'a URL in a URL': (text) => encodeURIComponent(encodeURIComponent(text)),
  'a form': (text) => new URLSearchParams({ '': text }).toString().slice(1),
  HTML: (text) => escapeEach(text, /[&<>"']/g, (code) => `&#${code};`),
  'HTML by names': (text) =>
    text
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      .replace(/>/g, '&gt;')
      .replace(/"/g, '&quot;')
      .replace(/'/g, '&apos;'),
  'XML in hexadecimal': (text) => escapeEach(text, /[^\w\s]/g, (code) => `&#x${code.toString(16)};`),
  'HTML of a URL': (text) => encodeURIComponent(text).replaceAll('%', '&#37;'),
  'a word of a shell': (text) => text.replaceAll("'", "'\\''"),
  'a word of a shell, as Python quotes it': (text) => text.replaceAll("'", `'"'"'`),
  'a word of a shell in double quotes': (text) => text.replace(/["\\$`]/g, '\\$&'),
  'what printf %q prints': (text) => text.replace(/[^\w\n]/g, '\\$&'),
  SQL: (text) => text.replaceAll("'", "''"),
  CSV: (text) => text.replaceAll('"', '""'),
  'C, by its bytes': (text) => [...utf8(text)].map((byte) => `\\x${hex2(byte)}`).join(''),
  // With core.quotePath: quote_c_style_counted of git's quote.c also escapes the backslash and the quotation mark.
  'octal, as git does': (text) =>
    [...utf8(text)]
      .map((byte) =>
        byte < 0x80 ? String.fromCharCode(byte).replace(/["\\]/, '\\$&') : `\\${byte.toString(8)}`,
      )
      .join(''),
  base64: (text) => behind(text, 0, 'base64'),
  'base64 behind one byte': (text) => behind(text, 1, 'base64'),
  'base64 behind two bytes (basic authentication)': (text) => behind(text, 2, 'base64'),
  'base64 for URLs behind one byte': (text) => behind(text, 1, 'base64url'),
  'base64 in a URL': (text) => encodeURIComponent(behind(text, 2, 'base64')),
  'base64 of base64': (text) => utf8(behind(text, 3, 'base64')).toString('base64'),
  'base64 of JSON': (text) => utf8(`{"k":"${json(text)}"}`).toString('base64'),
  'base64 in lines': (text) => behind(text, 0, 'base64').replace(/.{64}/g, '$&\n'),
  hex: (text) => utf8(text).toString('hex'),
  HEX: (text) => utf8(text).toString('hex').toUpperCase(),
  'in two colors': (text) => text.replace(/[A-Za-z0-9]{5}/, '$&\u001b[31m'),
  'in colors, in JSON': (text) => json(text.replace(/[A-Za-z0-9]{5}/, '$&\u001b[1;31m')),
  'around a link of a terminal': (text) => text.replace(/[A-Za-z0-9]{5}/, '$&\u001b]8;;x\u0007'),
  'around marks that nobody sees': (text) =>
    text.replace(
      /[A-Za-z0-9]{5}/g,
      (part, at: number) => `${part}${'\u200b\u202e\u0000\u00ad'.charAt((at / 5) % 4)}`,
    ),
  'HTML by all names there are': (text) =>
    text.replace(
      /[|=$+%/!]/g,
      (sign) =>
        `&${{ '|': 'verbar', '=': 'equals', $: 'dollar', '+': 'plus', '%': 'percnt', '/': 'sol', '!': 'excl' }[sign]};`,
    ),
  'lines of Windows': (text) => text.replaceAll('\n', '\r\n'),
};

/** How many characters of a secret in a row nobody may read. */
const readable = 8;

/** A part of the secret that somebody who tries can read in the text; undefined: there is none. */
export function readIn(text: string, secret: string): string | undefined {
  const parts = secret
    .split('\n')
    .flatMap((line) =>
      Array.from({ length: Math.max(0, line.length - readable + 1) }, (_, at) =>
        line.slice(at, at + readable),
      ),
    );
  return readings(text, 3)
    .map((reading) => parts.find((part) => reading.includes(part)))
    .find((part) => part !== undefined);
}

/** The text and what it means where it is escaped or encoded, some levels deep. */
function readings(text: string, depth: number): string[] {
  const next =
    depth === 0
      ? []
      : decoders.map((decode) => decode(text)).filter((candidate) => candidate !== text && candidate !== '');
  return [text, ...[...new Set(next)].flatMap((form) => readings(form, depth - 1))];
}

const decoders: readonly ((text: string) => string)[] = [
  (text) =>
    text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString()),
  (text) =>
    text
      .replace(
        /&(verbar|equals|dollar|plus|percnt|sol|excl);/g,
        (_, name: string) =>
          ({ verbar: '|', equals: '=', dollar: '$', plus: '+', percnt: '%', sol: '/', excl: '!' })[name] ??
          '',
      )
      .replace(
        /&(amp|lt|gt|quot|apos);/g,
        (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" })[name] ?? '',
      )
      .replace(/&#(x?)([0-9a-f]+);/gi, (_, x: string, digits: string) =>
        String.fromCodePoint(Number.parseInt(digits, x ? 16 : 10) % 0x10ffff),
      ),
  (text) =>
    text
      .replace(/(?:\\x[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('\\x', ''), 'hex').toString())
      .replace(/\\u([0-9a-f]{4})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
      .replace(/\\n/g, '\n')
      .replace(/\\([^\w])/g, '$1'),
  (text) => text.replace(/\u001b\[[\d;]*m|\u001b\]8;;[^\u0007]*\u0007|[\u0000\u00ad\u200b\u202e]/g, ''),
  (text) =>
    text.replaceAll("'\\''", "'").replaceAll(`'"'"'`, "'").replaceAll("''", "'").replaceAll('""', '"'),
  (text) => (text.match(/[\w+/-]{12,}/g) ?? []).flatMap(bytesOf).join('\n'),
];

/** What a run of characters means as base64, from each place where it may begin, and as hex. */
function bytesOf(run: string): string[] {
  const starts = [0, 1, 2, 3].map((start) => Buffer.from(run.slice(start), 'base64').toString());
  return /^[0-9a-f]+$/i.test(run) ? [...starts, Buffer.from(run, 'hex').toString()] : starts;
}
