import { posix } from 'node:path';
import type { Repo } from '../repo.ts';

/** A place in the source that reads a variable of the environment. */
export interface EnvUse {
  readonly name: string;
  /** `required` fails without it; `optional` has a default; of `open` the source does not say. */
  readonly need: 'required' | 'open' | 'optional';
  readonly file: string;
  readonly line: number;
}

type Need = EnvUse['need'];
/** @param rest what stands behind the name: a default, an operator. */
type Judge = (rest: string) => Need;
type Pattern = readonly [pattern: RegExp, need: Judge];

const name = '([A-Za-z_][A-Za-z0-9_]*)';
const quoted = `["'\`]${name}["'\`]`;

/** A second argument is a default, but for a type to cast to. */
function byArgument(rest: string): Need {
  return /^\s*,/.test(rest) && !/^\s*,\s*cast\s*=\s*\w+\s*\)/.test(rest) ? 'optional' : 'required';
}

/** What is compared, or stands before `??` and `||`, may be missing. */
function byOperator(rest: string): Need {
  const provided = /^\s*(?:\?\?|\|\||\?|===?|!==?|&&|\)\s*(?:\{|\?\?|\|\||\?))/;
  return provided.test(rest) ? 'optional' : 'open';
}

/** For functions that give nothing for what is missing, and do not fail. */
function softly(rest: string): Need {
  return byArgument(rest) === 'optional' ? 'optional' : 'open';
}

const patterns: Readonly<Record<string, readonly Pattern[]>> = {
  py: [
    [new RegExp(`\\bos\\.environ\\[\\s*${quoted}\\s*\\](?!\\s*=[^=])`, 'g'), () => 'required'],
    [new RegExp(`\\b(?:os\\.environ|environ|env|environment)\\.get\\(\\s*${quoted}`, 'g'), softly],
    [new RegExp(`\\b(?:os\\.)?getenv\\(\\s*${quoted}`, 'g'), softly],
    // django-environ, environs, python-decouple
    [
      new RegExp(
        `(?<![\\w.])(?:env|config)(?:\\.(?:str|int|bool|float|list|json|url|db|cache))?\\(\\s*${quoted}`,
        'g',
      ),
      byArgument,
    ],
  ],
  js: [
    [new RegExp(`\\b(?:process|Bun)\\.env\\.${name}(?!\\s*=[^=])`, 'g'), byOperator],
    [new RegExp(`\\bprocess\\.env\\[\\s*${quoted}\\s*\\](?!\\s*=[^=])`, 'g'), byOperator],
    [new RegExp(`\\bimport\\.meta\\.env\\.${name}`, 'g'), byOperator],
    [new RegExp(`\\bDeno\\.env\\.get\\(\\s*${quoted}\\s*\\)`, 'g'), byOperator],
  ],
  rb: [
    [new RegExp(`\\bENV\\[\\s*${quoted}\\s*\\]`, 'g'), byOperator],
    [new RegExp(`\\bENV\\.fetch\\(\\s*${quoted}`, 'g'), byArgument],
  ],
  php: [[new RegExp(`\\b(?:getenv|env)\\(\\s*${quoted}`, 'g'), softly]],
  go: [[new RegExp(`\\bos\\.(?:Getenv|LookupEnv)\\(\\s*${quoted}\\s*\\)`, 'g'), () => 'open']],
};
const languages: Readonly<Record<string, string>> = {
  ...{ py: 'py', rb: 'rb', php: 'php', go: 'go' },
  ...Object.fromEntries(
    ['js', 'mjs', 'cjs', 'jsx', 'ts', 'mts', 'cts', 'tsx', 'vue', 'svelte', 'astro'].map((each) => [
      each,
      'js',
    ]),
  ),
};
/** What does not run in production. */
const aside =
  /(?:^|\/)(?:tests?|__tests__|e2e|spec|fixtures|examples?|docs?|bench(?:marks)?|scripts|tools|\.storybook|\.github|node_modules|vendor|migrations|alembic)\/|(?:^|\/)(?:conftest\.py|test_[^/]*\.py|[^/]*_test\.(?:py|go)|[^/]*\.(?:test|spec|stories)\.\w+|(?:vite|vitest|playwright|cypress|jest|eslint|webpack|rollup|tailwind|postcss|drizzle|next|nuxt|svelte|astro)\.config\.\w+|setup\.py|noxfile\.py|tasks\.py|fabfile\.py)$/;
const maxFiles = 5_000;
const maxLength = 400_000;

/** All variables that the source reads. */
export function envUses(repo: Repo): EnvUse[] {
  const sources = repo.files.filter((file) => extensionOf(file) in languages && !aside.test(file));
  return sources.slice(0, maxFiles).flatMap((file) => {
    const text = repo.read(file);
    return text === undefined || text.length > maxLength ? [] : usesIn(file, text);
  });
}

function extensionOf(file: string): string {
  return posix.extname(file).slice(1);
}

function usesIn(file: string, text: string): EnvUse[] {
  const language = languages[extensionOf(file)] ?? '';
  const lineAt = lineCounter(text);
  const found = (patterns[language] ?? []).flatMap(([pattern, need]) =>
    [...text.matchAll(pattern)].map((match): EnvUse => {
      const rest = text.slice(match.index + match[0].length, match.index + match[0].length + 80);
      return { name: match[1] ?? '', need: need(rest), file, line: lineAt(match.index) };
    }),
  );
  const lines = text.split('\n');
  const isComment = ({ line }: EnvUse) => /^\s*(?:#|\/\/|\/?\*)/.test(lines[line - 1] ?? '');
  const more = language === 'py' ? pydanticFields(text) : language === 'js' ? destructured(text) : [];
  const all = [...found, ...more.map(({ offset, ...use }) => ({ ...use, file, line: lineAt(offset) }))];
  return all.filter((use) => !isComment(use));
}

type Found = Pick<EnvUse, 'name' | 'need'> & { readonly offset: number };

/** `class Settings(BaseSettings)`: each field is the variable of its name in upper case, behind the prefix. */
function pydanticFields(text: string): Found[] {
  const found: Found[] = [];
  for (const { 0: head, index } of text.matchAll(/^class\s+\w+\([^)]*\bBaseSettings\b[^)]*\):[^\n]*\n/gm)) {
    const start = index + head.length;
    const whole = /^(?:[ \t]+[^\n]*\n?|[ \t]*\n|[)\]}][^\n]*\n?)*/.exec(text.slice(start))?.[0] ?? '';
    // What a docstring says with a colon is no field.
    const body = whole.replaceAll(/(["'])\1\1.*?(?:\1\1\1|$)/gs, (text) => text.replaceAll(/[^\n]/g, ' '));
    const prefix = /\benv_prefix\s*=\s*["'](\w*)["']/.exec(body)?.[1] ?? '';
    const nested = /env_nested_delimiter/.test(body);
    for (const field of body.matchAll(
      /^(?: {4}|\t)([a-zA-Z]\w*)[ \t]*:[ \t]*([^=\n]+?)([ \t]*=[ \t]*[^\n]*)?$/gm,
    )) {
      const [, own = '', type = '', value] = field;
      if (own === 'model_config' || /\bClassVar\b/.test(type)) continue;
      const alias = /\b(?:validation_alias|alias)\s*=\s*["'](\w+)["']/.exec(value ?? '')?.[1];
      const isRequired =
        value === undefined ||
        (/=\s*(?:Field\(\s*(?:\.\.\.|(?!default)[a-z_]+\s*=)|\.\.\.)/.test(value) && !/default/.test(value));
      // A model within the settings is many variables, or one with JSON: nothing is claimed about it.
      const isPlain = !nested || /^(?:str|int|bool|float|SecretStr|\w*Url|\w*Dsn)\b/.test(type.trim());
      found.push({
        name: alias ?? `${prefix}${own}`.toUpperCase(),
        need: isRequired && isPlain && !/\bNone\b|Optional/.test(type) ? 'required' : 'optional',
        offset: start + (field.index ?? 0),
      });
    }
  }
  return found;
}

/** `const { A, B = 'x' } = process.env`. */
function destructured(text: string): Found[] {
  return [...text.matchAll(/\{([^{}]{1,500})\}\s*=\s*(?:process|import\.meta)\.env\b/g)].flatMap((match) =>
    (match[1] ?? '').split(',').flatMap((part): Found[] => {
      const [, own, fallback] = /^\s*([A-Z][A-Z0-9_]*)\s*(?::\s*\w+\s*)?(=.*)?$/s.exec(part) ?? [];
      return own === undefined
        ? []
        : [{ name: own, need: fallback === undefined ? 'open' : 'optional', offset: match.index }];
    }),
  );
}

function lineCounter(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}

/** All words of the repository that could be names of variables, in upper case; without docs and env files. */
export function wordsOf(repo: Repo): ReadonlySet<string> {
  const skipped =
    /\.(?:md|rst|adoc|lock|svg|csv|ipynb|map|po)$|(?:^|\/)(?:package-lock\.json|pnpm-lock\.yaml|node_modules\/.*|\.?env[^/]*|[^/]*\.env)$/i;
  const words = new Set<string>();
  for (const file of repo.files.filter((each) => !skipped.test(each)).slice(0, maxFiles)) {
    const text = repo.read(file);
    if (text === undefined || text.length > maxLength) continue;
    for (const [word] of text.matchAll(/[A-Za-z_][A-Za-z0-9_]{1,80}/g)) words.add(word.toUpperCase());
    // `env_prefix="APP_"` is put before the names that stand in the file.
    for (const [, prefix = ''] of text.matchAll(/env_prefix\s*=\s*["'](\w+)["']/g))
      words.add(`${prefix.toUpperCase()}*`);
  }
  return words;
}
