/**
 * What separates two texts in a file of which only its texts are left. Never part of a text, so no pattern that is made
 * of words and spaces reaches from one text into the next.
 */
const gap = '\0';

/** Where an expression may begin, so that a slash begins a regular expression and does not divide. */
const beforeExpression =
  /(?:^|[([{,;:=!&|?+\-*%<>~^}]|\b(?:return|typeof|case|in|of|do|else|void|await|yield))\s*$/;

const lineComment = /\/\/[^\n]*/y;
const blockComment = /\/\*[\s\S]*?(?:\*\/|$)/y;
const single = /'(?:[^'\\\n]|\\[\s\S])*'?/y;
const double = /"(?:[^"\\\n]|\\[\s\S])*"?/y;
const regex = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
/** From the opening backtick, or from the brace that ends an inserted expression, to the next insertion or the end. */
const template = /[`}](?:[^\\`$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y;

/** Which parts of a source are of interest besides its texts. */
export interface Kinds {
  readonly comments: boolean;
  /** Texts without a space: names and values. */
  readonly names: boolean;
}

/**
 * The source with nothing but its comments and texts: everything else is a gap, character by character, so that
 * positions and lines stay. `kinds` can hide comments, and show names and values.
 */
export function textsOfSource(source: string, kinds: Kinds = { comments: true, names: false }): string {
  /** One entry for each `${` that is open: how many braces are open inside it. */
  const inserted: number[] = [];
  let out = '';
  let at = 0;
  /** The last code before `at`, without texts: tells whether a slash divides. */
  let code = '';

  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0] ?? source.slice(at, at + 1);
    at += text.length;
    return text;
  };

  const comment = (text: string) => (kinds.comments ? withoutMarks(text) : hidden(text));
  const spoken = (text: string) => textOf(text, kinds.names);

  while (at < source.length) {
    const char = source[at] ?? '';
    const next = source[at + 1];
    const depth = inserted.at(-1);
    if (char === '/' && next === '/') out += comment(take(lineComment));
    else if (char === '/' && next === '*') out += comment(take(blockComment));
    else if (char === "'" || char === '"') {
      out += spoken(take(char === "'" ? single : double));
      code = '0';
    } else if (char === '/' && beforeExpression.test(code)) {
      out += hidden(take(regex));
      code = '0';
    } else if (char === '`' || (char === '}' && depth === 0)) {
      if (char === '}') inserted.pop();
      const text = take(template);
      out += spoken(text);
      // A template is a value: a slash after it divides.
      code = '0';
      if (text.endsWith('${')) {
        inserted.push(0);
        code = '(';
      }
    } else {
      if (depth !== undefined && char === '{') inserted[inserted.length - 1] = depth + 1;
      if (depth !== undefined && char === '}') inserted[inserted.length - 1] = depth - 1;
      code = (code + char).slice(-20);
      out += char === '\n' ? '\n' : gap;
      at += 1;
    }
  }
  return out;
}

/** A text with gaps in place of its quotes and escapes. */
function textOf(literal: string, areNamesShown: boolean): string {
  if (!areNamesShown && !/\S\s+\S|^\W\s\S|\S\s\W*$/.test(literal)) return hidden(literal);
  const ends = /\$\{$/.test(literal) ? 2 : 1;
  const inner = literal.slice(1, -ends).replace(/\\(['"`])/g, ' $1');
  return gap + inner.replace(/\\[^\n]/g, gap + gap) + gap.repeat(ends);
}

/** A comment with spaces in place of `//`, `/**` and the stars of its lines. */
function withoutMarks(comment: string): string {
  return comment
    .replace(/^\/\*+|\*+\/$/g, (mark) => gap.repeat(mark.length))
    .replace(/^\/\//, '  ')
    .replace(/\n\s*\*(?=\s)/g, (mark) => mark.replace('*', ' '));
}

/** Comments of a file whose comments begin with one sign, such as `#` of YAML or `--` of Lua; the rest is a gap. */
export function lineCommentsOf(source: string, sign: string): string {
  return source
    .split('\n')
    .map((line) => {
      const at = line.search(new RegExp(`(?:^|\\s)${sign}(?=[\\s!]|$)`));
      if (at < 0) return hidden(line);
      const mark = line.indexOf(sign, at);
      const alone = line.slice(0, mark).trim() === '';
      // A comment that goes on in the next line stays one text.
      return (alone ? ' ' : gap).repeat(mark + sign.length) + line.slice(mark + sign.length);
    })
    .join('\n');
}

export function hidden(text: string): string {
  return text.replace(/[^\n]/g, gap);
}
