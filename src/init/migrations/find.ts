import { posix } from 'node:path';
import { isIn } from '../study/tree.ts';
import { compiledRules } from './compiled.ts';
import { homeIn, type ImageFiles, unknown } from './image-files.ts';
import type { Draft, Migration, MigrationRule, Sources } from './model.ts';
import { nodeRules } from './node.ts';
import { phpRules } from './php-ruby.ts';
import { pythonRules } from './python.ts';
import { rubyRules } from './ruby.ts';
import { sqlRules } from './sql.ts';

const rules: readonly MigrationRule[] = [
  ...pythonRules,
  ...nodeRules,
  ...rubyRules,
  ...phpRules,
  ...compiledRules,
  ...sqlRules,
];
/** A repository can have hundreds of migrations; the first few identify the tool. */
const maxMarkers = 5;

/**
 * Migration tools of a service, the one nearest to the top of its sources first: those that its image holds, with the
 * command as it runs in the image's working directory.
 *
 * @param files undefined: without a Dockerfile, the image is assumed to hold the whole context.
 */
export async function findMigrations(sources: Sources, files: ImageFiles | undefined): Promise<Migration[]> {
  const drafts: Draft[] = [];
  for (const { marker, draft } of rules) {
    const markers = sources.files.filter((file) => marker.test(file)).sort(byDepth);
    for (const at of markers.slice(0, maxMarkers)) {
      const found = await draft(sources, at);
      if (found === undefined) continue;
      drafts.push(found);
      break;
    }
  }
  return drafts.flatMap((draft) => placed(draft, sources, files) ?? []).sort((a, b) => byDepth(a.at, b.at));
}

/** @returns undefined: the image does not hold the tool's files. */
function placed(draft: Draft, sources: Sources, files: ImageFiles | undefined): Migration | undefined {
  const { tool, at, command, needs = [] } = draft;
  const below = (path: string) => (sources.context === '' ? path : path.slice(sources.context.length + 1));
  if (files === undefined || draft.isBuilt === true) {
    const folder = draft.isBuilt === true ? '' : posix.relative(sources.context, draft.home);
    return { tool, at, command: inFolder(draft, folder), gap: draft.gap ?? shellGap(sources) };
  }
  const place = files.at(below(at));
  if (place === undefined) return undefined;
  const missing = needs.find((path) => files.at(below(path)) === undefined);
  const gap =
    draft.gap ??
    shellGap(sources) ??
    (missing === undefined ? undefined : `The image has ${at}, but no COPY adds ${missing}.`);
  if (place === unknown) return { tool, at, command: inFolder(draft, ''), gap };
  const home = homeIn(below(at), place, below(draft.home));
  const folder = home === sources.workdir ? '' : fromWorkdir(home, sources.workdir);
  return { tool, at, command: folder === '' ? command : inFolder(draft, folder), gap };
}

function fromWorkdir(home: string, workdir: string | undefined): string {
  if (workdir === undefined || !isIn(home, workdir === '/' ? '' : workdir)) return home;
  return posix.relative(workdir, home);
}

function inFolder({ command, from }: Draft, folder: string): string {
  if (folder === '') return command;
  const word = /^[\w./@-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", `'\\''`)}'`;
  return from?.(word) ?? `cd ${word} && ${command}`;
}

/** The shell of the image runs the migration. */
function shellGap({ from = '' }: Sources): string | undefined {
  const isBare =
    from === 'scratch' || /(?:^|\/)distroless\/|(?:^|\/)(?:static|wolfi-base-static)(?::|$)/.test(from);
  return isBare && !/:(?:\w+-)?debug/.test(from)
    ? `Its image has no shell (${from}), but the command needs one.`
    : undefined;
}

/** The fewest folders first, then by name. */
export function byDepth(a: string, b: string): number {
  return a.split('/').length - b.split('/').length || (a < b ? -1 : 1);
}
