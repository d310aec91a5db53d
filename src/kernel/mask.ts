/** Replaces secret values wherever text leaves the process: log lines, summaries, journals, notifications. */
export interface Mask {
  /** Registers a secret, its lines, and the forms it takes in JSON, URLs and base64. Values under 6 characters are ignored: they would blank ordinary text. */
  add(value: string): void;
  scrub(text: string): string;
  /** The registered values themselves, for `::add-mask::`. */
  values(): readonly string[];
}

const shortest = 6;

export function createMask(onAdd?: (value: string) => void): Mask {
  const known = new Set<string>();
  let longestFirst: string[] = [];

  function add(value: string): void {
    for (const form of formsOf(value)) {
      if (form.length < shortest || known.has(form)) continue;
      known.add(form);
      onAdd?.(form);
    }
    // A secret that contains another must be replaced first, or its rest would stay readable.
    longestFirst = [...known].sort((a, b) => b.length - a.length);
  }

  function scrub(text: string): string {
    let clean = text;
    for (const value of longestFirst) if (clean.includes(value)) clean = clean.replaceAll(value, '***');
    return clean;
  }

  return { add, scrub, values: () => longestFirst };
}

function formsOf(value: string): string[] {
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  return [
    ...new Set(
      [value, ...lines].flatMap((plain) => [plain, ...json(plain), ...url(plain), ...base64(plain)]),
    ),
  ];
}

/** In a JSON text, and in a JSON text that stands in another one. */
function json(plain: string): string[] {
  const once = JSON.stringify(plain).slice(1, -1);
  return [once, JSON.stringify(once).slice(1, -1)];
}

/** As JavaScript, RFC 3986, Python and forms write it; encodeURIComponent throws on lone surrogates. */
function url(plain: string): string[] {
  const loose = encodeURIComponent(plain.toWellFormed());
  const strict = loose.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams({ '': plain }).toString().slice(1);
  return [loose, strict, strict.replaceAll('%20', '+'), form];
}

/** Without padding, which not everybody writes. */
function base64(plain: string): string[] {
  const bytes = Buffer.from(plain);
  return [bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')];
}
