/** A line that is kept (` `), removed (`-`) or added (`+`). */
type Edit = readonly [mark: ' ' | '-' | '+', line: string];

const context = 3;
/** The table grows with the product of the line counts. */
const maxLines = 3_000;

/** The changes as `diff -u` prints them; empty for equal texts. */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return '';
  const edits = editsBetween(linesOf(before), linesOf(after));
  const lines = [`--- ${path}`, `+++ ${path} (sluice init)`];
  for (const [start, end] of hunks(edits)) {
    const [oldStart, newStart] = [countBefore(edits, start, '+'), countBefore(edits, start, '-')];
    const hunk = edits.slice(start, end);
    const [oldCount, newCount] = [
      hunk.filter(([mark]) => mark !== '+').length,
      hunk.filter(([mark]) => mark !== '-').length,
    ];
    lines.push(`@@ -${range(oldStart, oldCount)} +${range(newStart, newCount)} @@`);
    lines.push(...hunk.map(([mark, line]) => `${mark}${line}`));
  }
  return lines.join('\n');
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
}

/** An empty range names the line before it. */
function range(before: number, count: number): string {
  return `${count === 0 ? before : before + 1},${count}`;
}

function countBefore(edits: readonly Edit[], end: number, not: '+' | '-'): number {
  return edits.slice(0, end).filter(([mark]) => mark !== not).length;
}

/** The longest common subsequence, from a table of its lengths. */
function editsBetween(a: readonly string[], b: readonly string[]): Edit[] {
  if (a.length > maxLines || b.length > maxLines) {
    return [...a.map((line): Edit => ['-', line]), ...b.map((line): Edit => ['+', line])];
  }
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push([' ', a[i++] ?? '']);
      j++;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1)))
      edits.push(['-', a[i++] ?? '']);
    else edits.push(['+', b[j++] ?? '']);
  }
  return edits;
}

/** Stretches of changes with the lines around them; those that touch are one. */
function hunks(edits: readonly Edit[]): [number, number][] {
  const found: [number, number][] = [];
  for (const [index, [mark]] of edits.entries()) {
    if (mark === ' ') continue;
    const last = found.at(-1);
    const [start, end] = [Math.max(0, index - context), Math.min(edits.length, index + context + 1)];
    if (last !== undefined && start <= last[1]) last[1] = end;
    else found.push([start, end]);
  }
  return found;
}
