import { isAbsolute, relative, resolve } from 'node:path';
import { z } from 'zod';
import type { FileCoverage } from '../model.ts';
import { descendants, readXml, type XmlElement } from '../parse/xml.ts';
import { inFolder, type Repo, repoPath } from '../repo.ts';

/**
 * Reads coverage in Cobertura's XML (coverage.py, and many more). Files that are not in the repository are left out.
 *
 * @param folder of the project, from the top of the repository: what the paths in it may be relative to.
 * @returns undefined if the report is invalid or incomplete.
 */
export function readCobertura(
  xml: string,
  repo: Pick<Repo, 'root' | 'files'>,
  folder: string,
): FileCoverage[] | undefined {
  const top = readXml(xml);
  if (top?.name !== 'coverage') return undefined;
  const sources = descendants(top, 'source').map(({ text }) => text.trim());
  const known = new Set(repo.files);
  const hits = new Map<string, Map<number, boolean>>();
  for (const element of descendants(top, 'class')) {
    const file = placeOf(element.attributes['filename'] ?? '', sources, repo.root, folder, known);
    if (file === undefined) continue;
    // Some tools write an element for each class of a file.
    const lines = hits.get(file) ?? new Map<number, boolean>();
    hits.set(file, lines);
    for (const [line, isHit] of linesOf(element)) lines.set(line, isHit || lines.get(line) === true);
  }
  return [...hits].map(([file, lines]) => {
    const of = (wanted: boolean) =>
      [...lines].flatMap(([line, isHit]) => (isHit === wanted ? [line] : [])).sort((a, b) => a - b);
    return { file, covered: of(true), missed: of(false) };
  });
}

function linesOf(element: XmlElement): (readonly [line: number, isHit: boolean])[] {
  return descendants(element, 'line').flatMap(({ attributes }) => {
    const line = Number(attributes['number']);
    return Number.isInteger(line) && line > 0 ? [[line, Number(attributes['hits']) > 0] as const] : [];
  });
}

/** The file in the repository: its path counts from one of the sources, the project's folder or the top. */
function placeOf(
  filename: string,
  sources: readonly string[],
  root: string,
  folder: string,
  known: ReadonlySet<string>,
): string | undefined {
  const path = filename.replaceAll('\\', '/');
  const bases = [...sources.map((source) => resolve(root, folder, source)), resolve(root, folder), root];
  const places = isAbsolute(path) ? [path] : bases.map((base) => resolve(base, path));
  const found = places.map((place) => relative(root, place)).find((place) => known.has(place));
  return found ?? (known.has(inFolder(folder, path)) ? inFolder(folder, path) : undefined);
}

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
function fileCoverage(file: string, hits: ReadonlyMap<number, number>): FileCoverage {
  const lines = [...hits.keys()].filter((line) => Number.isInteger(line) && line > 0).sort((a, b) => a - b);
  return {
    file,
    covered: lines.filter((line) => (hits.get(line) ?? 0) > 0),
    missed: lines.filter((line) => (hits.get(line) ?? 0) <= 0),
  };
}

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
