import { posix } from 'node:path';
import type { Repo } from '../../repo.ts';
import { isAsideFolder } from '../aside.ts';
import { aside, languages, type Need, patterns } from './patterns.ts';

/** A place in the source that reads a variable of the environment. */
interface EnvUse {
  readonly name: string;
  /** `required` fails without it; `optional` has a default; `open` is unclear from the source. */
  readonly need: Need;
  readonly file: string;
  readonly line: number;
}

const maxFiles = 5_000;
const maxLength = 400_000;

/** All variables that the source reads. */
export function envUses(repo: Repo): EnvUse[] {
  const sources = repo.files.filter(
    (file) => extensionOf(file) in languages && !aside.test(file) && !isAsideFolder(file),
  );
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
  const lines = text.split('\n');
  const found = (patterns[language] ?? []).flatMap(([pattern, need]) =>
    [...text.matchAll(pattern)].map((match): EnvUse => {
      const end = match.index + match[0].length;
      const line = lineAt(match.index);
      // A minified file is one line.
      const before = text.slice(
        Math.max(match.index - 200, text.lastIndexOf('\n', match.index - 1) + 1),
        match.index,
      );
      return { name: match[1] ?? '', need: need(text.slice(end, end + 80), before), file, line };
    }),
  );
  const isComment = ({ line }: EnvUse) => /^\s*(?:#|\/\/|\/?\*|--)/.test(lines[line - 1] ?? '');
  const more = language === 'py' ? pydanticFields(text) : language === 'js' ? destructured(text) : [];
  const all = [...found, ...more.map(({ offset, ...use }) => ({ ...use, file, line: lineAt(offset) }))];
  return withProvision(all.filter((use) => !isComment(use)));
}

/** A file that checks for a variable, or has a default for it, handles its absence elsewhere, too. */
function withProvision(uses: readonly EnvUse[]): EnvUse[] {
  const provided = new Set(uses.filter(({ need }) => need === 'optional').map(({ name }) => name));
  return uses.map((use) => (provided.has(use.name) ? { ...use, need: 'optional' } : use));
}

type Found = Pick<EnvUse, 'name' | 'need'> & { readonly offset: number };

/** `class Settings(BaseSettings)`: each field is the variable of its name in upper case, after the prefix. */
function pydanticFields(text: string): Found[] {
  const found: Found[] = [];
  for (const { 0: head, index } of text.matchAll(
    /^class\s+\w+\([^()]{0,500}\bBaseSettings\b[^()]{0,500}\):[^\n]*\n/gm,
  )) {
    const start = index + head.length;
    const whole = /^(?:[ \t]+[^\n]*\n?|[ \t]*\n|[)\]}][^\n]*\n?)*/.exec(text.slice(start))?.[0] ?? '';
    // Lines of a docstring with a colon are not fields.
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
      // A model within the settings means many variables, or one with JSON: it counts as optional.
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
    /\.(?:md|rst|adoc|lock|svg|csv|ipynb|map|po)$|(?:^|\/)(?:package-lock\.json|pnpm-lock\.yaml|node_modules\/[\s\S]*|\.?env[^/]*|[^/]*\.env)$/i;
  const words = new Set<string>();
  for (const file of repo.files.filter((path) => !skipped.test(path)).slice(0, maxFiles)) {
    const text = repo.read(file);
    if (text === undefined || text.length > maxLength) continue;
    for (const [word] of text.matchAll(/[A-Za-z_][A-Za-z0-9_]{1,80}/g)) words.add(word.toUpperCase());
    // `env_prefix="APP_"` prefixes the names in the file.
    for (const [, prefix = ''] of text.matchAll(/env_prefix\s*=\s*["'](\w+)["']/g))
      words.add(`${prefix.toUpperCase()}*`);
  }
  return words;
}
