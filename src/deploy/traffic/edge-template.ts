/** Values of `@name@`. */
export type Values = Readonly<Record<string, string>>;

/** Returns the values of each repetition of a block. */
export type Repetitions = (block: string, outer: Values) => readonly Values[];

/**
 * Fills in a template: `@name@` by its value, and the lines between `#for <block>` (or `#if <block>`) and `#end` once
 * per repetition. Lines that begin with `#:` are comments on the template. Double spaces after empty values are removed.
 * @throws Error for a name without a value and for a block without an end.
 */
export function fill(template: string, values: Values, repetitions: Repetitions): string {
  const lines = template.split('\n');
  const [text, rest] = fillLines(lines, values, repetitions);
  if (rest.length > 0) throw new Error('the template has an #end without a #for or #if');
  return text.join('\n').replace(/\n{3,}/g, '\n\n');
}

/** Fills in lines up to an `#end`, and returns the lines after it. */
function fillLines(lines: readonly string[], values: Values, repetitions: Repetitions): [string[], string[]] {
  const text: string[] = [];
  let rest = [...lines];
  for (let line = rest.shift(); line !== undefined; line = rest.shift()) {
    if (/^\s*#end$/.test(line)) return [text, rest];
    if (/^\s*#:/.test(line)) continue;
    const block = /^\s*#(?:for|if) (.+)$/.exec(line)?.[1];
    if (block === undefined) {
      text.push(fillLine(line, values));
      continue;
    }
    const inside = rest;
    rest = afterBlock(inside, block);
    for (const inner of repetitions(block, values)) text.push(...fillLines(inside, inner, repetitions)[0]);
  }
  return [text, rest];
}

function afterBlock(lines: readonly string[], block: string): string[] {
  let depth = 1;
  for (const [index, line] of lines.entries()) {
    if (/^\s*#(?:for|if) /.test(line)) depth += 1;
    if (/^\s*#end$/.test(line)) depth -= 1;
    if (depth === 0) return lines.slice(index + 1);
  }
  throw new Error(`the template's block "${block}" does not end`);
}

function fillLine(line: string, values: Values): string {
  const filled = line.replace(/@([a-z-]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the template's @${name}@ has no value`);
    return value;
  });
  return filled.replace(/(\S) {2,}(?=\S)/g, '$1 ');
}
