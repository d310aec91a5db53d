import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ActionFile, actionFiles } from './action-files.ts';

/** Pages with the inputs and outputs of an action between markers, and what makes each whole again. */
export function actionPages(root: string): Readonly<Record<string, () => string>> {
  return Object.fromEntries(
    actionFiles(root).map((action) => {
      const page = action.folder === '.' ? 'docs/actions.md' : join(action.folder, 'README.md');
      return [page, () => withTables(readFileSync(join(root, page), 'utf8'), action)];
    }),
  );
}

/** @throws Error for a page without markers. */
export function withTables(page: string, action: ActionFile): string {
  const inputs = Object.entries(action.inputs).map(([name, { description, default: fallback }]) => [
    `\`${name}\``,
    cell(description),
    fallback === undefined || fallback === '' ? '' : `\`${cell(fallback)}\``,
  ]);
  const outputs = Object.entries(action.outputs).map(([name, { description }]) => [
    `\`${name}\``,
    cell(description),
  ]);
  const filled = between(page, 'inputs', table(['input', 'purpose', 'default'], inputs));
  return between(filled, 'outputs', table(['output', 'what it is'], outputs));
}

function between(page: string, name: string, text: string): string {
  const [open, close] = [
    `<!-- ${name} (made by scripts/generate.ts from action.yml) -->`,
    `<!-- /${name} -->`,
  ];
  const [begin, end] = [page.indexOf(open), page.indexOf(close)];
  if (begin < 0 || end < begin) throw new Error(`no place for ${name}: put it between ${open} and ${close}`);
  return `${page.slice(0, begin + open.length)}\n${text}\n${page.slice(end)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
}
