import type { CheckSettings } from '../config/model.ts';
import type { ProcessResult } from '../kernel/process/process.ts';
import type { Category, ChangedLines, CheckOutput } from './model.ts';
import type { Repo } from './repo.ts';

/**
 * A tool that checks repositories: one file each in tools/, listed in the all.ts of its folder. It decides itself whether it
 * applies to a repository. Planning runs nothing.
 */
export interface Tool {
  readonly name: string;
  readonly category: Category;
  /** One check for each project it applies to. */
  plan(repo: Repo, settings: CheckSettings): readonly PlannedCheck[];
}

/** Resources that a program or a download needs. */
export interface Cost {
  /** Cores it keeps busy; `any`: their number can be set; `all`: it takes all cores without an option. */
  readonly cores: number | 'any' | 'all';
  /** Bytes, roughly. */
  readonly memory: number;
  /** Duration for a usual repository; the longest begin first. */
  readonly seconds: number;
}

/** One run of a tool on one project. */
export interface PlannedCheck {
  /** `ruff`, or `ruff backend` where several projects have it; unique. */
  readonly id: string;
  readonly tool: string;
  readonly category: Category;
  /** Folder it runs in, from the top of the repository; `''` is the top. */
  readonly folder: string;
  /** The reason in the repository: `backend/pyproject.toml has [tool.ruff]`. */
  readonly why: string;
  /** As a person types it. */
  readonly command: string;
  readonly needs: readonly Preparation<unknown>[];
  readonly cost: Cost;
  /** A check that takes longer did not run; sluice.yml may override it. */
  readonly timeoutMs: number;
  run(context: CheckContext): Promise<CheckOutput>;
}

/**
 * A prerequisite of checks: an environment with the repository's packages, a tool that the repository lacks, a database. The
 * runner makes each once, by its id, and passes its result to the checks. If it fails, the checks that need it did not run.
 */
export interface Preparation<T> {
  /** `python backend`, `node frontend`, `trivy`; unique. */
  readonly id: string;
  /** Its action, for plan and progress: `npm ci in frontend`. */
  readonly what: string;
  readonly needs: readonly Preparation<unknown>[];
  readonly cost: Cost;
  readonly timeoutMs: number;
  /** @throws UserError if it cannot be made. */
  make(context: RunContext): Promise<T>;
}

export interface SpawnOptions {
  /** From the top of the repository; default: the check's own folder. */
  readonly folder?: string;
  /** Overrides the environment of the run. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** Its output is parsed, and not shown in its group of the log. */
  readonly quiet?: boolean;
}

/** The output of a program, of each stream at most the limit of the runner (16 MiB). */
export interface ToolRun extends ProcessResult {
  /** Whether output was dropped: it must not be parsed as if it were complete. */
  readonly truncated: boolean;
}

/** The interface of the runner for preparations and checks. */
export interface RunContext {
  readonly repo: Repo;
  readonly settings: CheckSettings;
  /** Environment of tools, without credentials. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Folder for tools and environments that later runs reuse, below the user's cache folder. */
  readonly cache: string;
  /** A separate empty folder outside the repository, removed afterwards. */
  readonly scratch: string;
  /**
   * Runs a program without a shell, in a process group that ends with the run. Its output goes into the group of the
   * check in the log, sanitized.
   *
   * @throws UserError `process.missing`; the reason of an abort.
   */
  spawn(argv: readonly [string, ...string[]], options?: SpawnOptions): Promise<ToolRun>;
  /** Sets the text of the progress line. */
  note(text: string): void;
  /** The result of a preparation that it needs. */
  prepared<T>(preparation: Preparation<T>): T;
}

export interface CheckContext extends RunContext {
  /** Lines that the change touches; undefined if the base of the change is unknown. */
  readonly changed: ChangedLines | undefined;
  /** Cores that it may use, for tools with an option for it. */
  readonly cores: number;
}
