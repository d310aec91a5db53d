import type { FileCoverage } from '../model.ts';
import { repoPath } from '../parse/paths.ts';
import { fileCoverage } from './istanbul.ts';

/**
 * Reads an LCOV trace file (geninfo(1)): records from `SF:path` to `end_of_record`, with a `DA:line,hits` for each line.
 * A file may have several records, one for each test.
 *
 * @param folder that relative paths are from. Files outside the repository and in node_modules are left out.
 * @returns undefined if the trace file is invalid or incomplete.
 */
export function readLcov(text: string, root: string, folder: string): readonly FileCoverage[] | undefined {
  const files = new Map<string, Map<number, number>>();
  let open: Map<number, number> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const [, key, value = ''] = /^([A-Z]+):(.*)$/.exec(line) ?? [];
    if (key === 'SF') {
      const file = repoPath(root, folder, value.trim());
      const isOurs = file !== undefined && !/(?:^|\/)node_modules\//.test(file);
      open = (file === undefined ? undefined : files.get(file)) ?? new Map();
      if (isOurs) files.set(file, open);
    } else if (key === 'DA') {
      const [, row, hits] = /^(\d+),(-?\d+)/.exec(value) ?? [];
      if (open === undefined || row === undefined) return undefined;
      open.set(Number(row), Math.max(open.get(Number(row)) ?? 0, Number(hits)));
    } else if (line === 'end_of_record') {
      open = undefined;
    }
  }
  if (open !== undefined || (files.size === 0 && text.trim() !== '' && !text.includes('end_of_record')))
    return undefined;
  return [...files].map(([file, hits]) => fileCoverage(file, hits));
}

/** An LCOV trace file with these lines, each run once or not at all: no more is known. */
export function writeLcov(files: readonly FileCoverage[]): string {
  const records = files.map(({ file, covered, missed }) => {
    const hits = [...covered.map((line) => [line, 1] as const), ...missed.map((line) => [line, 0] as const)];
    const lines = hits.sort(([a], [b]) => a - b).map(([line, count]) => `DA:${line},${count}\n`);
    return `TN:\nSF:${file}\n${lines.join('')}end_of_record\n`;
  });
  return records.join('');
}
