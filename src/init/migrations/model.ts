import type { Tree } from '../study/tree.ts';

export interface Migration {
  readonly tool: string;
  /** The file that shows it, from the repository's folder. */
  readonly at: string;
  /** For the shell, in the working directory of the container. */
  readonly command: string;
  /** One sentence: the change that the command needs first; undefined: it works as it is. */
  readonly gap: string | undefined;
}

/** The result of a rule for one file, before its location in the image is known. */
export interface Draft {
  readonly tool: string;
  readonly at: string;
  /** Folder of the repository that the command runs in. */
  readonly home: string;
  readonly command: string;
  /** The command for another working directory, where the tool itself takes a path; default: `cd` comes first. */
  readonly from?: (folder: string) => string;
  /** Other files that the image must contain, from the repository's folder. */
  readonly needs?: readonly string[];
  readonly gap?: string | undefined;
  /** The build creates the program that runs it, such as a release: the image does not contain the file at `at`. */
  readonly isBuilt?: boolean;
}

/** A RUN line of the image, with the variables that hold there. */
export interface ImageRun {
  readonly text: string;
  readonly variables: ReadonlyMap<string, string | undefined>;
}

/** The input of a rule: the sources of one service, and its image as far as its Dockerfile shows it. */
export interface Sources {
  readonly tree: Tree;
  /** Build context, from the repository's folder. */
  readonly context: string;
  readonly files: readonly string[];
  readonly from: string | undefined;
  /** The container's working directory; undefined: its base image decides. */
  readonly workdir: string | undefined;
  /** RUN lines of the final image and of the stages that it copies from. */
  readonly runs: readonly ImageRun[];
  /** The same, only of the final stages and of those that node_modules come from. */
  readonly packageRuns: readonly ImageRun[];
  /** Sources of all COPY lines from other stages and images: `/go/bin/goose`, `migrate/migrate:/usr/bin/migrate`. */
  readonly copied: readonly string[];
  readonly copiedTo: readonly string[];
  /** Variables that the container gets: those of the image, and `environment` of the service over them. */
  readonly variables: Readonly<Record<string, string | null>>;
  readonly start: string;
}

/** One tool: the files that show it, and the command for one of them; undefined: another tool. */
export interface MigrationRule {
  readonly marker: RegExp;
  draft(sources: Sources, at: string): Promise<Draft | undefined>;
}
