import { relative } from 'node:path';
import type { UserError } from '../../kernel/errors.ts';
import { objectKey } from '../compose/written.ts';
import { type GitEffects, type GitSight, readGitFiles } from '../env/git-files.ts';
import type { CarriedFile, ComposeModel, Env } from '../model.ts';
import { badLink, ignored, missing, tooLarge, type Wrong } from './faults.ts';
import { readMountTree, type TreeFault, withoutLinks } from './folder-content.ts';
import type { Checkout, Judgement } from './judge.ts';

const keepers = /(?:^|\/)\.(?:gitignore|gitkeep|keep)$/;

/** The files of each source that a release includes. */
interface Trees {
  readonly git: GitSight;
  of(
    judgement: Judgement & { kind: 'carry' },
    name: string,
  ): {
    readonly files?: readonly CarriedFile[];
    readonly fault?: UserError;
    readonly warnings: readonly string[];
  };
}

/** Lists what is carried, and asks git about all of it at once. */
export async function treesOf(
  judged: readonly { readonly judgement: Judgement }[],
  checkout: Checkout,
  effects: GitEffects,
): Promise<Trees> {
  const read = new Map<string, { tree: readonly CarriedFile[] | TreeFault; asked: string }>();
  for (const { judgement } of judged) {
    if (judgement.kind !== 'carry' || read.has(judgement.source)) continue;
    const tree = await readMountTree(judgement.source, checkout.top);
    read.set(judgement.source, { tree, asked: await withoutLinks(judgement.source) });
  }
  const asked = [...read.values()].flatMap((folder) => [
    folder.asked,
    ...(isFault(folder.tree) ? [] : folder.tree.map(({ file }) => file)),
  ]);
  const git = await readGitFiles(asked, effects);
  return {
    git,
    of: ({ source, wrong }, name) => {
      const { tree, asked: path } = read.get(source) ?? { tree: { kind: 'missing' } as const, asked: source };
      if (git.ignored.has(path)) return { fault: ignored(wrong), warnings: [] };
      if (isFault(tree)) return { fault: treeFault(tree, wrong, source), warnings: [] };
      const files = tree.filter(({ file }) => !git.ignored.has(file));
      const isHollow = files.every((file) => keepers.test(file.path)) && files.length < tree.length;
      if (isHollow) return { fault: ignored(wrong), warnings: [] };
      return { files, warnings: cloneWarnings(tree, git, `${name}: ${wrong.shown}`) };
    },
  };
}

/** How the files here differ from those of a fresh clone. */
function cloneWarnings(tree: readonly CarriedFile[], git: GitSight, owner: string): string[] {
  const among = (set: ReadonlySet<string>) => tree.filter(({ file }) => set.has(file));
  const [ignoredHere, untracked] = [among(git.ignored), among(git.untracked)];
  const left =
    ignoredHere.length === 0
      ? []
      : [
          `${owner}: git ignores ${named(ignoredHere)}, so a release does not include ${ignoredHere.length === 1 ? 'it' : 'them'}`,
        ];
  if (untracked.length === 0) return left;
  const what = untracked.length === tree.length ? '' : ` ${named(untracked)}`;
  return [
    ...left,
    `${owner}:${what || ' it'} is not committed, so a fresh clone does not have ${untracked.length === 1 ? 'it' : 'them'}`,
  ];
}

function named(files: readonly CarriedFile[]): string {
  const first = files.slice(0, 3).map(({ path }) => path);
  return `${first.join(', ')}${files.length > 3 ? ` and ${files.length - 3} more` : ''}`;
}

function treeFault(fault: TreeFault, wrong: Wrong, source: string): UserError {
  if (fault.kind === 'missing') return missing(wrong);
  if (fault.kind === 'large') return tooLarge(wrong);
  const below = relative(source, fault.path);
  return badLink(wrong, below === '' ? wrong.shown : `${wrong.shown}/${below}`);
}

function isFault(tree: readonly CarriedFile[] | TreeFault): tree is TreeFault {
  return !Array.isArray(tree);
}

/** Secrets and configs whose content is a variable: the server does not have it, so they travel as files. */
export function filesOfVariables(model: ComposeModel, values: Env): Record<string, readonly CarriedFile[]> {
  const kinds = ['secrets', 'configs'] as const;
  const all = kinds.flatMap((kind) =>
    Object.entries(model[kind] ?? {}).flatMap(([name, { environment }]) => {
      const content = environment === undefined ? undefined : values[environment];
      if (environment === undefined || content === undefined) return [];
      const size = Buffer.byteLength(content);
      const file: CarriedFile = { path: environment, file: '', mode: 0o644, size, content };
      return [[objectKey(kind, name), [file]] as const];
    }),
  );
  return Object.fromEntries(all);
}
