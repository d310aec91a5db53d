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
export function decodeEntities(value: string): string {
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
