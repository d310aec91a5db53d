/** One import of a module, as it stands in a TypeScript source. */
export interface Import {
  readonly from: string;
  /** Counts from 1: where the module's name stands, which is what one has to edit. */
  readonly line: number;
  /**
   * `value`: loads the module. `type`: erased before anything runs. `dynamic`: loads it later, so it makes no
   * cycle at load time. `import { type A }` is `value`: verbatimModuleSyntax keeps the empty import.
   */
  readonly kind: 'value' | 'type' | 'dynamic';
}

const name = String.raw`[\w$]+`;
const clause = String.raw`(?:${name}\s*,\s*)?(?:\{[^{}]*\}|\*(?:\s*as\s+${name})?)|${name}`;
const statement = new RegExp(
  String.raw`(?<![\w$.])(?:import|export)\s*(type\s+)?(?:${clause})\s*\bfrom\s*"(\d+)"` +
    String.raw`|(?<![\w$.])import\s*"(\d+)"` +
    String.raw`|(\btypeof\s+)?(?<![\w$.])import\s*\(\s*"(\d+)"`,
  'g',
);

/**
 * All imports and re-exports of a source. Not a parser: comments, texts and regular expressions are blanked out
 * first, so that what is left to match is code.
 */
export function importsOf(source: string): Import[] {
  const { code, texts } = blank(source);
  return [...code.matchAll(statement)].map((match): Import => {
    const [all, type, from, bare, typeOf, called] = match;
    const erased = type !== undefined || typeOf !== undefined;
    return {
      from: texts[Number(from ?? bare ?? called)] ?? '',
      line: code.slice(0, match.index + all.length).split('\n').length,
      kind: erased ? 'type' : called === undefined ? 'value' : 'dynamic',
    };
  });
}

/** Where an expression may begin, so that a slash begins a regular expression and does not divide. */
const beforeExpression =
  /(?:^|[([{,;:=!&|?+\-*%<>~^}]|\b(?:return|typeof|case|in|of|do|else|void|await|yield))\s*$/;

const patterns = {
  lineComment: /\/\/[^\n]*/y,
  blockComment: /\/\*[\s\S]*?(?:\*\/|$)/y,
  single: /'(?:[^'\\\n]|\\[\s\S])*'?/y,
  double: /"(?:[^"\\\n]|\\[\s\S])*"?/y,
  regex: /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y,
  /** From the opening backtick, or from the brace that ends an inserted expression, to the next insertion or the end. */
  template: /[`}](?:[^\\`$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y,
};

/** A regular expression as it stands in a source. */
export interface Literal {
  readonly source: string;
  readonly flags: string;
  readonly line: number;
}

/** All regular expressions of a source, and the lines where one is built of texts. */
export function patternsOf(source: string): { readonly literals: Literal[]; readonly built: number[] } {
  const { code, regexes } = blank(source);
  const lineOf = (text: string, at: number) => text.slice(0, at).split('\n').length;
  const literals = regexes.map(({ text, at }) => {
    const end = text.lastIndexOf('/');
    return { source: text.slice(1, end), flags: text.slice(end + 1), line: lineOf(source, at) };
  });
  return { literals, built: [...code.matchAll(/\bRegExp\s*\(/g)].map(({ index }) => lineOf(code, index)) };
}

/** The code with each text replaced by its number in double quotes, without comments, patterns and templates. */
function blank(source: string): { code: string; texts: string[]; regexes: { text: string; at: number }[] } {
  const texts: string[] = [];
  const regexes: { text: string; at: number }[] = [];
  /** One entry for each `${` that is open: how many braces are open inside it. */
  const inserted: number[] = [];
  let code = '';
  let at = 0;

  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0] ?? source.slice(at, at + 1);
    at += text.length;
    return text;
  };
  // What is left out keeps its line breaks: line numbers must survive.
  const skip = (pattern: RegExp): string => take(pattern).replace(/[^\n]/g, '');

  while (at < source.length) {
    const char = source[at] ?? '';
    const next = source[at + 1];
    const depth = inserted.at(-1);
    if (char === '/' && next === '/') code += skip(patterns.lineComment);
    else if (char === '/' && next === '*') code += ` ${skip(patterns.blockComment)}`;
    else if (char === "'" || char === '"') {
      const text = take(char === "'" ? patterns.single : patterns.double);
      code += `"${texts.push(text.slice(1, -1)) - 1}"${text.replace(/[^\n]/g, '')}`;
    } else if (char === '/' && beforeExpression.test(code.slice(-200))) {
      const begin = at;
      const text = take(patterns.regex);
      regexes.push({ text, at: begin });
      code += '0';
    } else if (char === '`' || (char === '}' && depth === 0)) {
      if (char === '}') inserted.pop();
      const text = take(patterns.template);
      // A template is a value: a slash after it divides.
      code += `0${text.replace(/[^\n]/g, '')}`;
      if (text.endsWith('${')) {
        inserted.push(0);
        code += '(';
      }
    } else {
      if (depth !== undefined && char === '{') inserted[inserted.length - 1] = depth + 1;
      if (depth !== undefined && char === '}') inserted[inserted.length - 1] = depth - 1;
      code += char;
      at += 1;
    }
  }
  return { code, texts, regexes };
}
