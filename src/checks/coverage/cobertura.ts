import { isAbsolute, relative, resolve } from 'node:path';
import type { FileCoverage } from '../model.ts';
import { descendants, readXml, type XmlElement } from '../parse/xml.ts';
import { inFolder, type Repo } from '../repo.ts';

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
