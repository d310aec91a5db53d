import { type File, sourceOfGenerated } from './model.ts';
import { hidden, lineCommentsOf, textsOfSource } from './source.ts';

/** Stands for code within a text: `code` is one word, whatever is in it. */
const code = '¤';

/**
 * What people read of a file, at its own position: the rest is gaps. Generated parts are empty, because their texts are
 * judged where they are written.
 */
export function readableOf({ path, text }: File): string {
  return hideSpans(readable(path, text));
}

function readable(path: string, text: string): string {
  if (path.endsWith('.ts')) return textsOfSource(text);
  if (path.endsWith('.md')) return proseOf(text);
  if (/\.ya?ml$/.test(path)) return text.replace(/#/g, ' ').replace(/\$\{\{.*?\}\}/g, hidden);
  if (path.endsWith('.lua')) return lineCommentsOf(text, '--');
  return lineCommentsOf(text, '#');
}

/** The prose of a page: without generated parts, the targets of links, and code; comments in code stay. */
function proseOf(text: string): string {
  if (sourceOfGenerated(text) !== undefined) return hidden(text);
  return withoutGenerated(withoutFences(text, commentOf)).replace(/\]\([^)\s]*\)/g, hidden);
}

/** Replaces what is between fences, line by line. */
export function withoutFences(text: string, replace: (line: string) => string): string {
  let fence: string | undefined;
  return text
    .split('\n')
    .map((line) => {
      const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
      if (fence === undefined) {
        fence = mark;
        return mark === undefined ? line : hidden(line);
      }
      if (mark?.startsWith(fence) && line.trim() === mark) {
        fence = undefined;
        return hidden(line);
      }
      return replace(line);
    })
    .join('\n');
}

/** Tables that scripts/generate.ts puts into a page, and HTML comments. */
export function withoutGenerated(text: string): string {
  return text
    .replace(/<!-- (\w+) \(made by [\s\S]*?<!-- \/\1 -->/g, hidden)
    .replace(/<!--[\s\S]*?-->/g, hidden);
}

function commentOf(line: string): string {
  return lineCommentsOf(line, /^\s*\/\/|\s\/\/\s/.test(line) ? '//' : '#');
}

/** A span may go on in the next line of a paragraph, as Markdown has it. */
function hideSpans(text: string): string {
  return text.replace(/(?<!`)(`+)(?!`)(?:(?!\n\s*\n)[^`\0]){1,200}\1(?!`)/g, (span) =>
    span.replace(/[^\n]/g, code),
  );
}
