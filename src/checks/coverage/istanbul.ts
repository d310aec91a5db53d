import { z } from 'zod';
import type { FileCoverage } from '../model.ts';
import { repoPath } from '../parse/paths.ts';

const report = z.record(
  z.string(),
  z.looseObject({
    path: z.string(),
    statementMap: z.record(z.string(), z.looseObject({ start: z.looseObject({ line: z.number() }) })),
    s: z.record(z.string(), z.number()),
  }),
);

/**
 * Reads coverage-final.json of Istanbul, nyc, jest and vitest. As in Istanbul's own summary a line counts by the
 * statements that begin on it, and is covered when one of them ran.
 *
 * @param folder that relative paths are from. Files outside the repository and in node_modules are left out.
 * @throws if the text is not such a report.
 */
export function readIstanbul(text: string, root: string, folder: string): readonly FileCoverage[] {
  return Object.values(report.parse(JSON.parse(text))).flatMap(({ path, statementMap, s }) => {
    const file = repoPath(root, folder, path);
    if (file === undefined || /(?:^|\/)node_modules\//.test(file)) return [];
    const hits = new Map<number, number>();
    for (const [id, { start }] of Object.entries(statementMap)) {
      hits.set(start.line, Math.max(hits.get(start.line) ?? 0, s[id] ?? 0));
    }
    return [fileCoverage(file, hits)];
  });
}

/** @param hits how often each line ran that holds code. */
export function fileCoverage(file: string, hits: ReadonlyMap<number, number>): FileCoverage {
  const lines = [...hits.keys()].filter((line) => Number.isInteger(line) && line > 0).sort((a, b) => a - b);
  return {
    file,
    covered: lines.filter((line) => (hits.get(line) ?? 0) > 0),
    missed: lines.filter((line) => (hits.get(line) ?? 0) <= 0),
  };
}
