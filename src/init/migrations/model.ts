import type { Tree } from '../study/tree.ts';

/** A way to bring the database up to date that the image of a service holds. */
export interface Migration {
  readonly tool: string;
  /** The file that shows it, from the repository's folder. */
  readonly at: string;
  /** For the shell, in the working directory of the container. */
  readonly command: string;
  /** One sentence: what has to change before the command works; undefined: it works as it is. */
  readonly gap: string | undefined;
}

/** What a rule makes of one file, before it is known where the image has it. */
export interface Draft {
  readonly tool: string;
  readonly at: string;
  /** Folder of the repository that the command runs in. */
  readonly home: string;
  readonly command: string;
  /** The command for another working directory, where the tool itself takes a path; default: `cd` comes first. */
  readonly from?: (folder: string) => string;
  /** What else the image must hold, from the repository's folder. */
  readonly needs?: readonly string[];
  readonly gap?: string | undefined;
  /** The build makes what runs it, such as a release: the file that shows it stays out of the image. */
  readonly isBuilt?: boolean;
}

/** A RUN line of the image, with the variables that hold there. */
export interface ImageRun {
  readonly text: string;
  readonly variables: ReadonlyMap<string, string | undefined>;
}

/** What a rule may consult: the sources of one service, and its image as far as its Dockerfile shows it. */
export interface Sources {
  readonly tree: Tree;
  /** Build context, from the repository's folder. */
  readonly context: string;
  /** Files of the context. */
  readonly files: readonly string[];
  /** Base image of the final stage. */
  readonly from: string | undefined;
  /** The container's working directory; undefined: its base image decides. */
  readonly workdir: string | undefined;
  /** RUN lines of the final image and of the stages that it copies files from. */
  readonly runs: readonly ImageRun[];
  /** The same, only of the final stages and of those that node_modules come from. */
  readonly packageRuns: readonly ImageRun[];
  /** Sources of all COPY lines from other stages and images: `/go/bin/goose`, `migrate/migrate:/usr/bin/migrate`. */
  readonly copied: readonly string[];
  /** Targets in the image of those copies. */
  readonly copiedTo: readonly string[];
  /** Variables that the container gets: those of the image, and `environment` of the service over them. */
  readonly variables: Readonly<Record<string, string | null>>;
  /** All that the container runs at its start. */
  readonly start: string;
}

/** One tool: the files that show it, and the command for one of them; undefined: it is something else. */
export interface MigrationRule {
  readonly marker: RegExp;
  draft(sources: Sources, at: string): Promise<Draft | undefined>;
}
