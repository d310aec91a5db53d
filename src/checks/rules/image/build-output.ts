import { posix } from 'node:path';

/** Files that a build can read: those of a folder of the image. */
export interface Beside {
  /** Names of the files in the folder itself. */
  readonly names: readonly string[];
  /** @param path from the folder. */
  read(path: string): string | undefined;
}

/** Where a build writes to. */
interface BuildOutput {
  readonly tool: string;
  /** Folders and files from the folder of the build; they may begin with `..` or be absolute. */
  readonly paths: readonly string[];
}

interface Builder {
  readonly tool: string;
  readonly command: RegExp;
  /** Files that may override the fallback. */
  readonly config?: RegExp;
  /** Its keys that move the output. */
  readonly keys?: readonly string[];
  /** A match in its configuration makes the output unknowable. */
  readonly unknown?: RegExp;
  readonly flag?: RegExp;
  readonly fallback: readonly string[];
  /** Options that change more than the output folder. */
  readonly otherFlags?: RegExp;
}

/** Vite's outDir is relative to its root; frameworks on Vite have different outputs. */
const viteUnknown =
  /\b(?:sveltekit|solidStart|qwikCity|reactRouter|remix|analog|tanstackStart|laravel|vike|redwood|mergeConfig)\b|\b(?:root|dir|builder|environments|lib)\s*:|\bbuild\s*(?:[,}]|:\s*(?:[^{\s]|\{\s*\.\.\.))/;

const builders: readonly Builder[] = [
  {
    tool: 'vite',
    command: /^vite\s+build(?:\s+-|$)/,
    config: /^vite\.config\.\w+$/,
    keys: ['outDir'],
    unknown: viteUnknown,
    flag: /--outDir[= ](\S+)/,
    otherFlags: /\s(?:-c|--config|--ssr|--app)\b/,
    fallback: ['dist'],
  },
  { tool: 'react-scripts', command: /^react-scripts\s+build$/, fallback: ['build'] },
  {
    tool: 'next',
    command: /^next\s+build(?:\s+-|$)/,
    config: /^next\.config\.\w+$/,
    keys: ['distDir'],
    fallback: ['.next', 'out'],
  },
  {
    tool: 'nuxt',
    command: /^nu(?:xt|xi)\s+(?:build|generate)(?:\s+-|$)/,
    config: /^nuxt\.config\.\w+$/,
    unknown: /\bbuildDir\s*:|\bnitro\s*:|\bpreset\s*:|\bsrcDir\s*:|\brootDir\s*:/,
    fallback: ['.output', '.nuxt', 'dist'],
  },
  {
    tool: 'vue-cli-service',
    command: /^vue-cli-service\s+build(?:\s+-|$)/,
    config: /^vue\.config\.\w+$/,
    keys: ['outputDir'],
    flag: /--dest[= ](\S+)/,
    fallback: ['dist'],
  },
  {
    tool: 'astro',
    command: /^astro\s+build(?:\s+-|$)/,
    config: /^astro\.config\.\w+$/,
    keys: ['outDir'],
    unknown: /\broot\s*:|\badapter\s*:|\bbuild\s*:/,
    flag: /--outDir[= ](\S+)/,
    otherFlags: /\s(?:--config|--root)\b/,
    fallback: ['dist'],
  },
  { tool: 'gatsby', command: /^gatsby\s+build(?:\s+-|$)/, fallback: ['public', '.cache'] },
  {
    tool: 'parcel',
    command: /^parcel\s+build\b/,
    config: /^package\.json$/,
    unknown: /"(?:targets|main|module|browser|types)"\s*:/,
    flag: /(?:--dist-dir|-d)[= ](\S+)/,
    otherFlags: /\s--target\b/,
    fallback: ['dist'],
  },
  {
    tool: 'ng',
    command: /^ng\s+build(?:\s+|$)/,
    config: /^angular\.json$/,
    keys: ['outputPath', 'base'],
    flag: /--output-path[= ](\S+)/,
    fallback: ['dist'],
  },
  {
    tool: 'webpack',
    command: /^webpack(?:\s+(?:build|bundle|b))?(?:\s+-|$)/,
    config: /^webpack[\w.-]*\.\w+$/,
    keys: ['path'],
    unknown: /(?:require\(|from)\s*['"]\.|\bmerge\(/,
    flag: /(?:--output-path|-o)[= ](\S+)/,
    otherFlags: /\s(?:-c|--config)\b/,
    fallback: ['dist'],
  },
];

/** The output of TypeScript's compilers is set in their configuration files. */
const compiler = /^(?:tsc|vue-tsc)(?:\s+|$)/;

/**
 * The output of a front-end build, if its command and the configuration beside it are unambiguous.
 *
 * @param command one simple command: `vite build --outDir ../static`.
 * @returns undefined for unknown tools and for paths that are computed.
 */
export function outputOf(
  command: string,
  beside: Beside,
  variables: ReadonlyMap<string, string | undefined>,
): BuildOutput | undefined {
  const text = command
    .replace(/^(?:npx|bunx|pnpm\s+exec|pnpm\s+dlx|yarn\s+run|yarn)\s+(?:--?\w[\w-]*\s+)*/, '')
    .trim();
  if (compiler.test(text)) return compiled(text, beside);
  const builder = builders.find(({ command: pattern }) => pattern.test(text));
  if (builder === undefined || builder.otherFlags?.test(text) === true) return undefined;
  const flag = builder.flag === undefined ? undefined : builder.flag.exec(text)?.[1];
  if (flag !== undefined)
    return /^[\w./@-]+$/.test(plain(flag)) ? made(builder.tool, [plain(flag)]) : undefined;
  if (builder.tool === 'react-scripts') return reactScripts(beside, variables);
  const configuredPaths = configuredIn(builder, beside);
  if (configuredPaths.computed) return undefined;
  return made(
    builder.tool,
    configuredPaths.values.length === 0 ? builder.fallback : withExport(builder, configuredPaths.values),
  );
}

function plain(word: string): string {
  return word.replace(/^(["'])(.*)\1$/, '$2');
}

function made(tool: string, paths: readonly string[]): BuildOutput {
  return { tool, paths: paths.map((path) => posix.normalize(path).replace(/(?<=.)\/$/, '')) };
}

/** Next's distDir does not move its static export. */
function withExport({ tool }: Builder, values: readonly string[]): readonly string[] {
  return tool === 'next' ? [...values, 'out'] : values;
}

function configuredIn({ config, keys, unknown }: Builder, beside: Beside): ConfiguredValues {
  const texts = beside.names.filter((name) => config?.test(name) === true).map((name) => beside.read(name));
  if (texts.some((text) => text === undefined)) return { values: [], computed: true };
  return configured(texts.join('\n'), keys ?? [], unknown);
}

/** Create React App reads its output folder from a variable, also in an env file. */
function reactScripts(
  beside: Beside,
  variables: ReadonlyMap<string, string | undefined>,
): BuildOutput | undefined {
  const inFiles = beside.names
    .filter((name) => /^\.env(?:\.|$)/.test(name))
    .flatMap((name) => /^[ \t]*BUILD_PATH[ \t]*=[ \t]*(\S+)/m.exec(beside.read(name) ?? '')?.[1] ?? []);
  if (variables.has('BUILD_PATH') && variables.get('BUILD_PATH') === undefined) return undefined;
  const paths = [...inFiles, variables.get('BUILD_PATH')].filter((path) => path !== undefined).map(plain);
  return made('react-scripts', paths.length === 0 ? ['build'] : paths);
}

function compiled(text: string, beside: Beside): BuildOutput | undefined {
  if (/\s--outDir\b|\s--outFile\b|\s-p\b|\s--project\b/.test(text)) {
    const flag = /\s--outDir[= ]([\w./@-]+)/.exec(text)?.[1];
    return flag === undefined ? undefined : made('tsc', [flag]);
  }
  if (/\s--noEmit\b/.test(text)) return made('tsc', []);
  const files = beside.names.filter((name) => /^tsconfig[\w.-]*\.json$/.test(name));
  // Without a configuration here tsc uses one from a folder above, or fails.
  if (files.length === 0 && !/\s(?:-b|--build)\b/.test(text)) return undefined;
  const texts = files.map((name) => beside.read(name) ?? '').join('\n');
  const settings = configured(
    texts,
    ['outDir', 'outFile', 'declarationDir', 'tsBuildInfoFile'],
    /"extends"\s*:\s*(?:\[|"(?!\.\/tsconfig[\w.-]*\.json|@tsconfig\/))|"path"\s*:\s*"(?!\.\/tsconfig)/,
  );
  // Without an outDir each file is compiled beside its source.
  const isBeside = files.length > 0 && settings.values.length === 0 && !/"noEmit"\s*:\s*true/.test(texts);
  return settings.computed || isBeside ? undefined : made('tsc', settings.values);
}

/** The values of a key in a configuration. */
interface ConfiguredValues {
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
function configured(text: string, keys: readonly string[], unknown: RegExp | undefined): ConfiguredValues {
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
