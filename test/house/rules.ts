import { type Import, importsOf } from './scan.ts';

/** A source of this repository; `path` counts from its root and has forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** `src/x.ts:12` and what is wrong there. */
export interface Problem {
  readonly at: string;
  readonly message: string;
}

/** The house from the top down: code may import what is below it, its own folder, and nothing else. */
const layers: readonly (readonly string[])[] = [
  ['actions', 'cli'],
  ['operations'],
  ['checks', 'build', 'deploy', 'cdn', 'init'],
  ['report', 'host', 'config'],
  ['kernel'],
];
const arrow = layers.map((layer) => layer.join(', ')).join(' → ');

/** These know each other's data only: `import type` from model.ts, so that none of them needs another to run. */
const sharedModels: readonly string[] = ['report', 'host', 'config'];

const maxLines = 300;
/** TypeScript files of a folder, beside its subfolders: more are looked for by subject. */
const maxFiles = 15;
/** Tables and sample data, not code: they grow by entries. */
const longByNature = /^src\/kernel\/catalogue\.ts$|[-/]fixtures\.ts$/;
const emptyNames = /^(?:utils?|helpers?|common|misc)$/i;

/** Everything that breaks the rules of the house, by file and line. */
export function problemsOf(sources: readonly Source[]): Problem[] {
  const imports = sources.map((source) => ({ source, imports: importsOf(source.text) }));
  return [
    ...sources.flatMap(nameProblems),
    ...sources.flatMap(lengthProblems),
    ...imports.flatMap((imported) =>
      imported.imports.flatMap((found) => directionProblems(imported.source.path, found)),
    ),
    ...folderProblems(sources),
    ...cycleProblems(imports),
  ];
}

function nameProblems({ path }: Source): Problem[] {
  const empty = path.split('/').find((part) => emptyNames.test(part.replace(/\..*$/, '')));
  if (empty === undefined) return [];
  return [
    { at: `${path}:1`, message: `"${empty}" says nothing: name the file after what its code is about` },
  ];
}

function lengthProblems({ path, text }: Source): Problem[] {
  const lines = text.replace(/\n$/, '').split('\n').length;
  if (lines <= maxLines || longByNature.test(path)) return [];
  const message = `${lines} lines, at most ${maxLines}: does it still have one subject? Split it by subject`;
  return [{ at: `${path}:${maxLines + 1}`, message }];
}

function folderProblems(sources: readonly Source[]): Problem[] {
  const folders = Map.groupBy(sources, ({ path }) => path.slice(0, path.lastIndexOf('/')));
  return [...folders]
    .filter(([, files]) => files.length > maxFiles)
    .map(([folder, files]) => ({
      at: `${folder}:1`,
      message: `${files.length} files, at most ${maxFiles} beside subfolders: group them by subject`,
    }));
}

function directionProblems(path: string, found: Import): Problem[] {
  const to = resolve(path, found.from);
  if (to === undefined || !path.startsWith('src/')) return [];
  const problem = (message: string) => [{ at: `${path}:${found.line}`, message }];
  const from = folderOf(path);
  const target = folderOf(to);
  if (from === undefined) return problem(`src/ has no place for it: one of ${arrow}`);
  if (target === undefined) return problem(`"${found.from}" lies outside the house: ${arrow}`);
  if (from === target) return [];
  const [above, below] = [layerOf(from), layerOf(target)];
  if (above < below) return [];
  if (above > below) return problem(`${from} must not import ${target}, which stands above it: ${arrow}`);
  if (!sharedModels.includes(from)) {
    return problem(
      `${from} must not import ${target}: they stand side by side (${arrow}), the skins compose them`,
    );
  }
  if (found.kind === 'type' && to === `src/${target}/model.ts`) return [];
  return problem(`${from} may only \`import type\` from ${target}/model.ts: they stand side by side`);
}

/** Folder of src/ that a file belongs to, if it is one of the house. */
function folderOf(path: string): string | undefined {
  const [root, folder = '', file] = path.split('/');
  return root === 'src' && file !== undefined && layerOf(folder) >= 0 ? folder : undefined;
}

function layerOf(folder: string): number {
  return layers.findIndex((layer) => layer.includes(folder));
}

/** Path that a relative import means, from the root of the repository; undefined for a package. */
function resolve(path: string, from: string): string | undefined {
  if (!from.startsWith('.')) return undefined;
  return new URL(from, `file:///${path}`).pathname.slice(1);
}

/** Modules that need each other, if only by a type. Reported once, at the import that closes the circle. */
function cycleProblems(all: readonly { source: Source; imports: readonly Import[] }[]): Problem[] {
  const edges = new Map(
    all.map(({ source, imports }) => {
      const loads = imports.filter((found) => found.kind !== 'dynamic');
      return [
        source.path,
        loads.map((found) => ({ to: resolve(source.path, found.from), line: found.line })),
      ];
    }),
  );
  const problems: Problem[] = [];
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    if (done.has(path)) return;
    for (const { to, line } of edges.get(path) ?? []) {
      if (to === undefined || !edges.has(to)) continue;
      const begin = [...way, path].indexOf(to);
      if (begin < 0) visit(to, [...way, path]);
      else {
        const circle = [...way, path].slice(begin).concat(to);
        problems.push({ at: `${path}:${line}`, message: `import cycle: ${circle.join(' → ')}` });
      }
    }
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return problems;
}
