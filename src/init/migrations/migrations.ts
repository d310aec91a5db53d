import type { DockerfileImage } from '../../config/dockerfile/image.ts';
import { withImage } from '../../config/images/built-images.ts';
import type { ComposeService } from '../../config/model.ts';
import { commandLine } from '../../config/services/programs.ts';
import { isIn, type Tree } from '../study/tree.ts';
import { migrationAtStart, migrationInCode, type SelfMigration } from './at-start.ts';
import { findMigrations } from './find.ts';
import { imageFiles } from './image-files.ts';
import type { Migration, Sources } from './model.ts';
import { startTexts } from './start-texts.ts';

/** The migrations of one service, from its sources. */
export interface MigrationSight {
  /** Tools that its image holds, the one nearest to the top first. */
  readonly migrations: readonly Migration[];
  /** The start of its container migrates. */
  readonly atStart: SelfMigration | undefined;
  /** The app's own code migrates. */
  readonly inCode: SelfMigration | undefined;
}

/** The sources of a service's image, as far as the repository has them. */
export interface BuiltFrom {
  /** Build context, from the repository's folder. */
  readonly context: string;
  /** Text of the Dockerfile; undefined: missing. */
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
