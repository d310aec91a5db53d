import { posix } from 'node:path';
import type { DockerfileImage } from '../../config/dockerfile/image.ts';
import { withImage } from '../../config/images/built-images.ts';
import type { ComposeService } from '../../config/model.ts';
import { commandLine } from '../../config/services/programs.ts';
import { isIn, type Tree } from '../study/tree.ts';
import { migrationAtStart, migrationInCode, type SelfMigration } from './at-start.ts';
import { compiledRules } from './compiled.ts';
import { homeIn, type ImageFiles, imageFiles, unknown } from './image-files.ts';
import type { Draft, Migration, MigrationRule, Sources } from './model.ts';
import { nodeRules } from './node.ts';
import { phpRules, rubyRules } from './php-ruby.ts';
import { pythonRules } from './python.ts';
import { sqlRules } from './sql.ts';
import { startTexts } from './start-texts.ts';

export interface MigrationSight {
  /** Tools that its image holds, the one nearest to the top first. */
  readonly migrations: readonly Migration[];
  readonly atStart: SelfMigration | undefined;
  readonly inCode: SelfMigration | undefined;
}

/** The sources of a service's image, as far as the repository has them. */
export interface BuiltFrom {
  /** Build context, from the repository's folder. */
  readonly context: string;
  readonly dockerfile: string | undefined;
  readonly target: string | undefined;
  readonly args: Readonly<Record<string, string>>;
}

/**
 * @param built undefined: the service is not built here, and only its compose definition is known.
 * @param known facts of its image, including that of another service it is based on.
 */
export async function studyMigrations(
  tree: Tree,
  service: ComposeService,
  built: BuiltFrom | undefined,
  known: DockerfileImage | undefined,
): Promise<MigrationSight> {
  const context = built?.context ?? '';
  // An image that is built elsewhere does not contain the files of the repository.
  const files = built === undefined ? [] : tree.files.filter((file) => isIn(file, context));
  const within = context === '' ? files : files.map((file) => file.slice(context.length + 1));
  const image =
    built?.dockerfile === undefined
      ? undefined
      : imageFiles(built.dockerfile, within, built.target, built.args);
  const config = known ?? image?.image;
  const whole = withImage(service, config);
  const line = commandLine(whole);
  const texts = await startTexts(tree, { line, from: 'its command', files, image });
  const variables = whole.environment ?? {};
  const sources: Sources = {
    tree,
    context,
    files,
    from: config?.from,
    workdir: plain(workdirOf(service) ?? config?.workdir),
    runs: image?.runs ?? [],
    packageRuns: image?.packageRuns ?? [],
    copied: image?.copies.flatMap(({ sources: all }) => all) ?? [],
    copiedTo: image?.copies.flatMap(({ sources: all, target = '' }) => all.map(() => target)) ?? [],
    variables,
    start: texts.map(({ text }) => text).join('\n'),
  };
  return {
    migrations: built === undefined ? [] : await findMigrations(sources, image),
    atStart: migrationAtStart(texts, variables),
    inCode: built === undefined ? undefined : await migrationInCode(sources),
  };
}

function workdirOf(service: ComposeService): string | undefined {
  const own = service['working_dir'];
  return typeof own === 'string' ? own : undefined;
}

/** `/app/` → `/app` */
function plain(path: string | undefined): string | undefined {
  return path === undefined || path === '/' ? path : path.replace(/(?<!\/)\/+$/, '');
}

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
async function findMigrations(sources: Sources, files: ImageFiles | undefined): Promise<Migration[]> {
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

function shellGap({ from = '' }: Sources): string | undefined {
  const isBare =
    from === 'scratch' || /(?:^|\/)distroless\/|(?:^|\/)(?:static|wolfi-base-static)(?::|$)/.test(from);
  return isBare && !/:(?:\w+-)?debug/.test(from)
    ? `Its image has no shell (${from}), but the command needs one.`
    : undefined;
}

function byDepth(a: string, b: string): number {
  return a.split('/').length - b.split('/').length || (a < b ? -1 : 1);
}
