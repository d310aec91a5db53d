/** Alphabets of hashes: webpack, Parcel and old Rollup · esbuild · Bun and .NET · Rollup 4 and Vite 5. */
type Alphabet = 'hex' | 'base32' | 'base36' | 'base64url';

/** A part of a name that looks like a content hash. */
export interface HashToken {
  /** Alphabet and length, common to files of one tool. */
  readonly style: string;
  /** Whether it is the whole name: `1a2b3c4d5e6f.css`. */
  readonly whole: boolean;
  /**
   * `certain`: not written by a person. `likely`: a hash, if other files of its folder have one. `weak`: the
   * same, only for code (`main-OVXWKZQE.js`, `app.12345678.js`).
   */
  readonly trust: 'certain' | 'likely' | 'weak';
}

/** The 200 most frequent pairs of letters in words and file names, by first letter. */
const pairs = new Set(
  'abcdgiklmnprstu baeilosu cacehiklorstu dadeiosu eacdefglmnprstvx faefior gaeinr haeio iabcdefglmnoprstvz ke ladeilostuy mabeilops nacdefgiostu obcdglmnoprstuvw paeiloprstu qu racdeikmorstuy sacehilmopstuy tacehiloprstuy ubeilmnprst vaei wai xt yp ze'
    .split(' ')
    .flatMap(([first = '', ...seconds]) => seconds.map((second) => first + second)),
);

/**
 * Share of frequent pairs among adjacent letters. Of eight random letters 62 % have at most 2/7 and 17 % at
 * least 4/7; of words 0.6 % and 97 %.
 */
function wordiness(text: string): number {
  const lower = text.toLowerCase();
  let letters = 0;
  let frequent = 0;
  for (let at = 0; at + 1 < lower.length; at++) {
    const pair = lower.slice(at, at + 2);
    if (!/^[a-z]{2}$/.test(pair)) continue;
    letters++;
    if (pairs.has(pair)) frequent++;
  }
  return letters === 0 ? 0 : frequent / letters;
}
const random = 2 / 7 + 1e-9;
const word = 4 / 7 - 1e-9;

/** Runs of one kind; a capital belongs to the small letters after it. Words have few, hashes many. */
function runsOf(text: string): number {
  return text.match(/[A-Z]?[a-z]+|[A-Z]+|[0-9]+/g)?.length ?? 0;
}

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;

/**
 * Finds a hash in the name of a file, without its folder: `name-HASH.js`, `name.HASH.chunk.js`, `HASH.css`,
 * `name.HASH_size.webp`. A UUID is not a content hash.
 */
export function hashTokenOf(name: string): HashToken | undefined {
  const parts = name.split('.');
  if (parts.length < 2 || parts[0] === '' || uuid.test(name)) return undefined;
  for (let index = parts.length - 2; index >= 0; index--) {
    const part = parts[index] ?? '';
    const token = tokenIn(part, index === 0);
    if (token !== undefined) return token;
    // `chunk`, `min`, `bundle`, `lean` may appear between the hash and the extension.
    if (!/^[a-z]{1,7}$/.test(part)) return undefined;
  }
  return undefined;
}

function tokenIn(part: string, isFirst: boolean): HashToken | undefined {
  const whole = judged(part, isFirst);
  if (whole !== undefined) return whole;
  const tail = /[-_]([A-Za-z0-9_-]{8})$/.exec(part)?.[1];
  const behind = /[-_]([A-Za-z0-9]{8,})$/.exec(part)?.[1];
  // Astro adds the hash of its transformation after that of the image.
  const front = isFirst ? undefined : /^([A-Za-z0-9_-]{8})_[A-Za-z0-9]+$/.exec(part)?.[1];
  for (const text of [tail, behind, front]) {
    const token = text === undefined ? undefined : judged(text, false);
    if (token !== undefined) return token;
  }
  return undefined;
}

function judged(text: string, whole: boolean): HashToken | undefined {
  const alphabet = alphabetOf(text);
  const trust = alphabet === undefined ? undefined : judges[alphabet](text);
  return trust === undefined ? undefined : { style: `${alphabet} ${text.length}`, whole, trust };
}

function alphabetOf(text: string): Alphabet | undefined {
  if (/^[0-9a-f]{8,64}$/.test(text)) return 'hex';
  if (/^[A-Z2-7]{8}$/.test(text)) return 'base32';
  if (/^(?:[0-9a-z]{8}|[0-9a-z]{10})$/.test(text)) return 'base36';
  const isMixed = /[a-z]/.test(text) && /[A-Z]/.test(text);
  return isMixed && /^(?:[A-Za-z0-9_-]{8}|[A-Za-z0-9]{9,22})$/.test(text) ? 'base64url' : undefined;
}

type Trust = HashToken['trust'] | undefined;

const judges: Readonly<Record<Alphabet, (text: string) => Trust>> = {
  hex(text) {
    if (/^\d+$/.test(text)) return text.length === 8 && !isDate(text) ? 'weak' : undefined;
    // 05dec2024, 20feb2024
    if (/^\d{1,4}(?:dec|feb)\d{1,4}$/.test(text)) return undefined;
    if (/^[a-f]+$/.test(text)) return wordiness(text) >= word ? undefined : 'weak';
    return runsOf(text) >= 3 && (text.length >= 12 || !hasYear(text)) ? 'certain' : 'likely';
  },
  base32(text) {
    const letters = text.replace(/\d+/g, '');
    if (letters === text) return wordiness(text) >= word ? undefined : 'weak';
    if (runsOf(text) >= 3) return hasYear(text) ? 'likely' : 'certain';
    // CHAPTER2
    if (wordiness(letters) >= word) return /^\d/.test(text) ? 'weak' : undefined;
    return 'likely';
  },
  base36(text) {
    const runs = runsOf(text);
    // 1024x768, html2pdf
    if (!/\d/.test(text) || runs < 3 || /^(?:\d+x\d+|[a-z]+\d[a-z]+)$/.test(text)) return undefined;
    return runs >= 5 && !hasYear(text) ? 'certain' : 'likely';
  },
  base64url(text) {
    const runs = runsOf(text);
    const isWord = wordiness(text) >= word;
    const separators = text.match(/[-_]/g)?.length ?? 0;
    if (!/\d/.test(text)) {
      // Eight letters in four runs are not words.
      if (isWord) return runs >= 4 ? 'likely' : separators > 0 || camelCase.test(text) ? undefined : 'weak';
      return runs >= 3 && separators === 0 && wordiness(text) <= random ? 'certain' : 'likely';
    }
    if (hasYear(text) || separators > 1) return 'likely';
    // Version2
    if (runs <= 2) return isWord ? undefined : 'likely';
    const enough = text.length === 8 ? 4 + separators : text.length / 2;
    return runs >= enough && !isWord ? 'certain' : 'likely';
  },
};

/** DropDown, DomUtils, portrait */
const camelCase = /^[A-Z]?[a-z]+(?:[A-Z][a-z]+)*$/;

function hasYear(text: string): boolean {
  return /(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)(?:19|20)\d{6}(?!\d)/.test(text);
}

/** Eight digits that are a day: 20240131, 31012024, 01312024. */
function isDate(digits: string): boolean {
  return /^(?:(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])|(?:[0-2]\d|3[01])(?:[0-2]\d|3[01])(?:19|20)\d\d)$/.test(
    digits,
  );
}
