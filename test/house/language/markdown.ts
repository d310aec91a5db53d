import { hidden } from './source.ts';
import { withoutFences, withoutGenerated } from './texts.ts';

/** A paragraph, an entry of a list or a cell of a table. */
export interface Block {
  readonly text: string;
  readonly line: number;
}

const breaksBefore = /^\s*(?:[-*+]\s|\d+[.)]\s|>|\|)/;

/** The prose of a page in blocks, without titles, code and generated tables. */
export function blocksOf(page: string, isGenerated: boolean): Block[] {
  const lines = withoutGenerated(withoutFences(page, hidden)).split('\n');
  const blocks: { text: string; line: number }[] = [];
  let open: { text: string; line: number } | undefined;
  for (const [index, line] of lines.entries()) {
    const isTitle = /^#{1,6}\s/.test(line);
    if (/^[\s\0]*$/.test(line) || isTitle) open = undefined;
    else if (/^\s*\|/.test(line)) {
      open = undefined;
      if (isGenerated || /^\s*\|[\s|:-]+$/.test(line)) continue;
      for (const cell of line.split(/(?<!\\)\|/)) {
        if (cell.trim() !== '') blocks.push({ text: cell.trim(), line: index + 1 });
      }
    } else if (open === undefined || breaksBefore.test(line)) {
      open = { text: line.replace(/^\s*(?:[-*+]|\d+[.)]|>)\s+/, ''), line: index + 1 };
      blocks.push(open);
    } else open.text += `\n${line}`;
  }
  return blocks;
}

/** Code between fences; `line` is that of its first line. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

export function codeBlocksOf(page: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { fence: string; indent: number; language: string; lines: string[]; line: number } | undefined;
  for (const [index, line] of page.split('\n').entries()) {
    const [, indent = '', fence, language = ''] = /^(\s*)(`{3,}|~{3,})\s*([\w-]*)/.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== undefined) open = { fence, indent: indent.length, language, lines: [], line: index + 2 };
    } else if (fence?.startsWith(open.fence) && language === '') {
      blocks.push({ language: open.language, text: open.lines.join('\n'), line: open.line });
      open = undefined;
    } else open.lines.push(line.slice(Math.min(open.indent, line.search(/\S|$/))));
  }
  return blocks;
}
