/** How the source treats the absence of a variable: it fails, it has a default, or neither is visible. */
export type Need = 'required' | 'open' | 'optional';
/**
 * @param rest the text after the name: a default, an operator.
 * @param before the text before it in its line.
 */
type Judge = (rest: string, before: string) => Need;
type Pattern = readonly [pattern: RegExp, need: Judge];

const name = '([A-Za-z_][A-Za-z0-9_]*)';
const quoted = `["'\`]${name}["'\`]`;

/** Expressions that end the program or the request instead of a default. */
const failing = /^\s*(?:\(\s*)?(?:raise|throw|abort|die|exit|fail|panic|process\.exit|sys\.exit)\b/;
/** Conditions that check for a variable before its use. */
const condition =
  /(?:^|[^\w.])(?:if|unless|elsif|elif|while|not|and|or|assert|defined\?|isset|empty|any\?|all\?)\b[^;{]*$|!\s*$|\?\s*$|&&\s*$|\|\|\s*$/;

/** A second argument is a default, except a type to cast to. */
function byArgument(rest: string): Need {
  return /^\s*,/.test(rest) && !/^\s*,\s*cast\s*=\s*\w+\s*\)/.test(rest) ? 'optional' : 'required';
}

/** A variable in a comparison, in a condition, or before `??`, `||` and `or` is optional. */
function byOperator(rest: string, before: string): Need {
  const operator =
    /^(?:\s*(?:,\s*(?:10|16)\s*)?\)|\s*!(?!=)|\s+as\s+\w+|\s*\.(?:presence|to_s|strip|trim\(\)))*\s*(?:\?\?=?|\|\|=?|or\s|\?:|\?(?![.\w])|===?|!==?|&&|\{|\.(?:nil\?|blank\?|present\?|empty\?|orElse\w*|getOrElse))/.exec(
      rest,
    );
  if (operator === null) return condition.test(before) ? 'optional' : 'open';
  return failing.test(rest.slice(operator[0].length)) ? 'required' : 'optional';
}

/** For functions that return nothing for a missing variable instead of failing. */
function softly(rest: string, before: string): Need {
  return byArgument(rest) === 'optional' ? 'optional' : byOperator(rest.replace(/^\s*\)/, ''), before);
}

/** `ENV.fetch("X") { … }`, `ENV.fetch("X") do … end`. */
function byBlock(rest: string): Need {
  return /^\s*(?:\)\s*)?(?:\{|do\b)/.test(rest) &&
    !failing.test(rest.replace(/^\s*(?:\)\s*)?(?:\{|do\b)\s*/, ''))
    ? 'optional'
    : byArgument(rest);
}

/** `cmp.Or(os.Getenv("X"), …)`, `if v := os.Getenv("X"); v != ""`. */
function inGo(rest: string, before: string): Need {
  if (/\bcmp\.Or\([^)]*$|\bgetEnvOr\w*\([^)]*$/i.test(before) || /^\s*;/.test(rest)) return 'optional';
  return byOperator(rest, before);
}

const optional: Judge = () => 'optional';
const required: Judge = () => 'required';

const jvm: readonly Pattern[] = [
  [new RegExp(`\\bSystem\\.getenv\\(\\s*${quoted}\\s*\\)`, 'g'), byOperator],
  [new RegExp(`\\bSystem\\.getenv\\(\\)\\s*\\.getOrDefault\\(\\s*${quoted}`, 'g'), optional],
  [new RegExp(`\\bSystem\\.getenv\\(\\)\\s*(?:\\.get\\(|\\[)\\s*${quoted}\\s*[)\\]]`, 'g'), byOperator],
];

/** By language; the first group is the name. */
export const patterns: Readonly<Record<string, readonly Pattern[]>> = {
  py: [
    [new RegExp(`\\bos\\.environ\\[\\s*${quoted}\\s*\\](?!\\s*=[^=])`, 'g'), required],
    [new RegExp(`\\b(?:os\\.environ|environ|env|environment)\\.(?:get|pop)\\(\\s*${quoted}`, 'g'), softly],
    [new RegExp(`\\benviron\\.setdefault\\(\\s*${quoted}`, 'g'), optional],
    [new RegExp(`\\b(?:os\\.)?getenv\\(\\s*${quoted}`, 'g'), softly],
    [new RegExp(`${quoted}\\s+(?:not\\s+)?in\\s+(?:os\\.)?environ\\b`, 'g'), optional],
    // django-environ, environs, python-decouple
    [
      new RegExp(
        `(?<![\\w.])(?:env|config)(?:\\.(?:str|int|bool|float|list|json|url|db|cache))?\\(\\s*${quoted}`,
        'g',
      ),
      byArgument,
    ],
    // environ.Env(DEBUG=(bool, False))
    [/\b([A-Z][A-Z0-9_]*)\s*=\s*\(\s*(?:bool|str|int|float|list|dict|tuple)\s*,/g, optional],
  ],
  js: [
    [new RegExp(`\\b(?:process|Bun)\\.env\\.${name}\\b(?!\\s*=[^=])`, 'g'), byOperator],
    [new RegExp(`\\bprocess\\.env\\[\\s*${quoted}\\s*\\](?!\\s*=[^=])`, 'g'), byOperator],
    [new RegExp(`\\bimport\\.meta\\.env\\.${name}\\b`, 'g'), byOperator],
    [new RegExp(`\\bDeno\\.env\\.get\\(\\s*${quoted}\\s*\\)`, 'g'), byOperator],
    [new RegExp(`${quoted}\\s+in\\s+process\\.env\\b`, 'g'), optional],
  ],
  rb: [
    [new RegExp(`\\bENV\\[\\s*${quoted}\\s*\\]`, 'g'), byOperator],
    [new RegExp(`\\bENV\\.fetch\\(?\\s*${quoted}`, 'g'), byBlock],
    [new RegExp(`\\bENV\\.(?:key|has_key|include|member)\\?\\(?\\s*${quoted}`, 'g'), optional],
  ],
  php: [
    [new RegExp(`(?<!\\w)(?:getenv|env)\\(\\s*${quoted}`, 'g'), softly],
    [new RegExp(`\\$_(?:ENV|SERVER)\\[\\s*${quoted}\\s*\\]`, 'g'), byOperator],
  ],
  go: [
    [new RegExp(`\\bos\\.Getenv\\(\\s*${quoted}\\s*\\)`, 'g'), inGo],
    [new RegExp(`\\bos\\.LookupEnv\\(\\s*${quoted}\\s*\\)`, 'g'), optional],
    [new RegExp(`\\bSetDefault\\(\\s*${quoted}`, 'g'), optional],
  ],
  ex: [
    [new RegExp(`\\bSystem\\.get_env\\(\\s*${quoted}`, 'g'), softly],
    [new RegExp(`\\bSystem\\.fetch_env!\\(\\s*${quoted}`, 'g'), required],
    [new RegExp(`\\bSystem\\.fetch_env\\(\\s*${quoted}`, 'g'), optional],
  ],
  jvm,
};

/** Endings of files, and the patterns that read them. */
export const languages: Readonly<Record<string, string>> = {
  ...{ py: 'py', rb: 'rb', php: 'php', go: 'go', ex: 'ex', exs: 'ex', java: 'jvm', kt: 'jvm' },
  ...Object.fromEntries(
    'js mjs cjs jsx ts mts cts tsx vue svelte astro'.split(' ').map((word) => [word, 'js']),
  ),
};

/** Files that do not run in production. */
export const aside =
  /(?:^|\/)(?:scripts|tools|bin|\.storybook|migrations|alembic|src\/test)\/|(?:^|\/)(?:conftest\.py|test_[^/]*\.py|[^/]*_(?:test|spec)\.(?:py|go|rb|exs)|[^/]*Tests?\.(?:java|kt|php)|[^/]*\.(?:test|spec|stories|e2e)\.\w+|(?:[\w.-]*)\.config\.(?:[cm]?[jt]s)|(?:dev|test|development)\.(?:exs|rb|py)|mix\.exs|setup\.py|noxfile\.py|tasks\.py|fabfile\.py)$/;
