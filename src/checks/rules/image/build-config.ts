/** The values of a key in a configuration. */
export interface ConfiguredValues {
  /** Literal texts, and paths beside the file. */
  readonly values: readonly string[];
  /** A value is computed, or another setting decides about it as well. */
  readonly computed: boolean;
}

const quoted = `(['"\`])([^'"\`$\\n]*)`;
/** Ways to name a folder beside the file: the last argument counts. */
const forms: readonly RegExp[] = [
  new RegExp(`^\\s*${quoted}\\1\\s*(?=[,}\\]\\n;)]|$)`),
  new RegExp(
    `^\\s*(?:path\\.)?(?:resolve|join)\\(\\s*(?:__dirname|import\\.meta\\.dirname|process\\.cwd\\(\\))\\s*,\\s*${quoted}\\1\\s*\\)`,
  ),
  new RegExp(`^\\s*(?:fileURLToPath\\(\\s*)?new URL\\(\\s*${quoted}\\1\\s*,\\s*import\\.meta\\.url\\s*\\)`),
];

/**
 * The values of a key in the text of a configuration in any language; the file is not executed.
 *
 * @param unknown a pattern that makes the value unknowable anywhere in the file.
 */
export function configured(
  text: string,
  keys: readonly string[],
  unknown: RegExp | undefined,
): ConfiguredValues {
  const code = withoutComments(text);
  const names = keys.join('|');
  // A shorthand (`{ outDir }`) takes a value from elsewhere.
  const isShort = keys.length > 0 && new RegExp(`[{,]\\s*(?:${names})\\s*[,}]`).test(code);
  if (isShort || unknown?.test(code) === true) return { values: [], computed: true };
  const values: string[] = [];
  const pattern = new RegExp(`(?<![\\w.$])["']?(?:${names})["']?\\s*:`, 'g');
  for (const match of keys.length === 0 ? [] : code.matchAll(pattern)) {
    const rest = code.slice(match.index + match[0].length);
    // A map of paths: its keys match by themselves.
    if (/^\s*\{/.test(rest)) continue;
    const found = forms.map((form) => form.exec(rest)?.[2]).find((value) => value !== undefined);
    if (found === undefined) return { values: [], computed: true };
    values.push(found);
  }
  return { values, computed: false };
}

/** Globs such as `src/*` look like comments. */
function withoutComments(text: string): string {
  return text.replaceAll(/(^|\s)\/\*.*?(?:\*\/|$)/gs, '$1').replaceAll(/(^|[^:'"`\w])\/\/[^\n]*/g, '$1');
}
