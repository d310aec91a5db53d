import { folderOf, isOverrideExample, purposeOf } from './names.ts';
import { type ComposeCandidate, isWhole, partsOf } from './overlay.ts';

/** A compose file that production is not made of. */
export interface UnusedFile {
  readonly path: string;
  /**
   * `alternative`: it could be deployed in place of the chosen ones; `overlay`: it goes over another file;
   * `development`: by its name; `override-example`: an override to copy and fill in; `part`: the chosen ones include or extend it; `elsewhere`: in another folder.
   */
  readonly role: 'alternative' | 'overlay' | 'development' | 'override-example' | 'part' | 'elsewhere';
}

/** The role of each file that was not chosen. */
export function unusedOf(
  all: readonly ComposeCandidate[],
  chosen: readonly ComposeCandidate[],
): UnusedFile[] {
  const folder = folderOf(chosen[0]?.path ?? '');
  const parts = reachable(all, chosen);
  return all
    .filter((file) => !chosen.some(({ path }) => path === file.path))
    .map((file): UnusedFile => {
      const { path } = file;
      if (parts.has(path)) return { path, role: 'part' };
      if (isOverrideExample(path)) return { path, role: 'override-example' };
      if (purposeOf(path) === 'development') return { path, role: 'development' };
      const isBelow = folder === '' || path.startsWith(`${folder}/`);
      const isPart = !isWhole(file) || /(?:^|\/)(?:override|overlay)s?\//.test(path);
      if (isBelow && purposeOf(path) !== 'example' && isPart) return { path, role: 'overlay' };
      if (folderOf(path) !== folder) return { path, role: 'elsewhere' };
      return { path, role: isWhole(file) ? 'alternative' : 'overlay' };
    });
}

/** All files that the chosen ones include and extend, and those that these do. */
function reachable(
  all: readonly ComposeCandidate[],
  chosen: readonly ComposeCandidate[],
): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (file: ComposeCandidate): void => {
    const { included, extended } = partsOf(file);
    for (const path of [...included, ...extended]) {
      const next = all.find((composeCandidate) => composeCandidate.path === path);
      if (next === undefined || found.has(path)) continue;
      found.add(path);
      visit(next);
    }
  };
  for (const file of chosen) visit(file);
  return found;
}
