/**
 * The lines that a patch without context (`git diff -U0`) adds or alters, by file. Files without added lines, and binary
 * files, are left out.
 */
export function addedLines(patch: string): Map<string, Set<number>> {
  const files = new Map<string, Set<number>>();
  const lines = patch.split('\n');
  let file: string | undefined;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (line.startsWith('diff --git ')) file = undefined;
    else if (line.startsWith('+++ ')) file = fileOf(line.slice(4));
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (hunk === null) continue;
    const [, removed = '1', first = '0', added = '1'] = hunk;
    // A line of a file may look like a header, so lines within a hunk are counted and not parsed.
    index = endOfHunk(lines, index, Number(removed), Number(added));
    if (file === undefined || added === '0') continue;
    const numbers = files.get(file) ?? new Set();
    for (let number = 0; number < Number(added); number++) numbers.add(Number(first) + number);
    files.set(file, numbers);
  }
  return files;
}

/** The last line of a hunk. `\ No newline at end of file` counts for neither side. */
function endOfHunk(lines: readonly string[], start: number, removed: number, added: number): number {
  let index = start;
  let left = removed + added;
  while (left > 0 && index + 1 < lines.length) {
    index++;
    if (!lines[index]?.startsWith('\\')) left--;
  }
  return index;
}

/** `b/path`, quoted as in C when the name holds what git finds unusual, followed by a tab when it holds blanks. */
function fileOf(name: string): string | undefined {
  const path = name.startsWith('"') ? unquoted(name) : name.replace(/\t$/, '');
  return path.startsWith('b/') ? path.slice(2) : undefined;
}

const escapes: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
};

function unquoted(name: string): string {
  const inner = name.slice(1, name.lastIndexOf('"'));
  const bytes = [...inner.matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs)].map(([, octal, mark, text]) => {
    if (octal !== undefined) return Buffer.from([Number.parseInt(octal, 8)]);
    return Buffer.from(mark === undefined ? (text ?? '') : (escapes[mark] ?? mark));
  });
  return Buffer.concat(bytes).toString();
}
