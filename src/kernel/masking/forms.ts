/** Shorter texts are not masked: they would blank ordinary words. */
export const shortest = 6;

/** Longer forms are searched in pieces, so that a hostile text costs no more than its length. */
const piece = 128;
/** base64(1), PEM, and what Python's `encodebytes` writes. */
const wraps = [76, 64];
/** Texts that contain another encoded text (a Docker login within a Kubernetes secret) are short. */
const longestTwice = 2048;

/**
 * The spellings of a secret after escapes are resolved (views.ts): itself, its lines, quotes doubled or split as shells and
 * SQL write them, hex, and base64 at each of the three offsets within other bytes.
 */
export function formsOf(value: string): Set<string> {
  const forms = new Set<string>();
  for (const plain of plainOf(value)) {
    for (const form of [plain, ...quoted(plain), ...hex(plain), ...base64(plain)]) {
      for (const part of pieces(form)) forms.add(part);
    }
  }
  return forms;
}

/** The value and each of its lines, including those after an escaped line end. */
export function plainOf(value: string): string[] {
  const lines = value.split(/\r\n|\r|\n|\\r\\n|\\n/).map((line) => line.trim());
  return [...new Set([value, value.trim(), ...lines])].filter((plain) => plain.length >= shortest);
}

function quoted(plain: string): string[] {
  const forms = [
    // A form's blanks.
    plain.replaceAll(' ', '+'),
    // SQL, YAML, PowerShell; CSV.
    plain.replaceAll("'", "''"),
    plain.replaceAll('"', '""'),
    // 'it'\''s' and 'it'"'"'s' in a shell.
    plain.replaceAll("'", "'''"),
    plain.replaceAll("'", `'"'"'`),
    // The same if a backslash stays one, as between single quotes.
    plain.replaceAll("'", "'\\''"),
    // Its bytes, each as a character: Python's b'\xc3\xa9', git's "\303\251".
    Buffer.from(plain).toString('latin1'),
    plain.toWellFormed(),
    // Resolving misses these after a text whose end looks like the beginning of an escape.
    JSON.stringify(plain).slice(1, -1),
    encodeURIComponent(plain.toWellFormed()),
    new URLSearchParams({ '': plain }).toString().slice(1),
  ];
  return forms.filter((form) => form !== plain);
}

function hex(plain: string): string[] {
  const digits = Buffer.from(plain).toString('hex');
  return [digits, digits.toUpperCase()];
}

function base64(plain: string): string[] {
  const escaped = JSON.stringify(plain).slice(1, -1);
  const texts = escaped === plain ? [plain] : [plain, escaped];
  const once = texts.flatMap((text) => shifted(Buffer.from(text)));
  const twice = plain.length > longestTwice ? [] : once.flatMap((text) => shifted(Buffer.from(text)));
  const whole = Buffer.from(plain).toString('base64');
  const wrapped = wraps.flatMap((width) => (whole.length <= width ? [] : cut(whole, width)));
  return [...once, ...twice, ...wrapped];
}

/**
 * The characters of an encoding that represent only these bytes, after 0, 1 or 2 other bytes: characters shared with
 * neighbors are omitted, at most four bits at either end.
 */
function shifted(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    const own = text.slice(Math.ceil((shift * 4) / 3), Math.floor(((shift + bytes.length) * 4) / 3));
    const forUrls = own.replaceAll('+', '-').replaceAll('/', '_');
    return own === forUrls ? [own] : [own, forUrls];
  });
}

function pieces(form: string): string[] {
  if (form.length < shortest) return [];
  return form.length <= piece ? [form] : cut(form, piece);
}

/** In parts of one length; the last one is never too short to be masked. */
function cut(text: string, length: number): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length; at += length) {
    const end = at + length;
    parts.push(text.slice(text.length - at < shortest ? text.length - shortest : at, end));
  }
  return parts;
}
