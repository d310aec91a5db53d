import type { CheckSettings } from '../config/model.ts';
import type { ProcessResult } from '../kernel/process/process.ts';
import type { ChangedLines } from './change/model.ts';
import type { Category, CheckOutput } from './model.ts';
import type { Repo } from './repo.ts';

/**
 * A tool that checks repositories: one file each in tools/. It finds out by itself whether it is of use here. Its plan is
 * data but for the functions in it; nothing runs before the runner says so.
 */
export interface Tool {
  readonly name: string;
  readonly category: Category;
  /** One check for each project it is for, none when the repository gives it nothing to do. */
  plan(repo: Repo, settings: CheckSettings): readonly PlannedCheck[];
}

/** What a program or a download needs of the machine while it runs. */
export interface Cost {
  /** Cores it keeps busy; `any` for what is told how many it may use, `all` for what takes each core unasked. */
  readonly cores: number | 'any' | 'all';
  /** Bytes, roughly. */
  readonly memory: number;
  /** How long it takes for a usual repository, in seconds: what takes longest begins first. */
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
  /** What in the repository it runs for: `backend/pyproject.toml has [tool.ruff]`. */
  readonly why: string;
  /** As a person would type it. */
  readonly command: string;
  readonly needs: readonly Preparation<unknown>[];
  readonly cost: Cost;
  /** A check that is not at its end by then did not run; sluice.yml may say otherwise. */
  readonly timeoutMs: number;
  run(context: CheckContext): Promise<CheckOutput>;
}

/**
 * What must be there before checks can run: an environment with the repository's packages, a tool that the repository
 * lacks, a database. The runner makes each once, by its id, and hands its result to the checks. When it fails, the checks
 * that need it did not run.
 */
export interface Preparation<T> {
  /** `python backend`, `node frontend`, `trivy`; unique. */
  readonly id: string;
  /** What it does, for plan and progress: `npm ci in frontend`. */
  readonly what: string;
  readonly needs: readonly Preparation<unknown>[];
  readonly cost: Cost;
  readonly timeoutMs: number;
  /** @throws UserError when it can't be made. */
  make(context: RunContext): Promise<T>;
}

export interface SpawnOptions {
  /** From the top of the repository; default: the check's own folder. */
  readonly folder?: string;
  /** Over the environment of the run. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** What it prints is an answer that is read and not shown in its group of the log. */
  readonly quiet?: boolean;
}

/** What a program printed, of each stream at most the limit of the runner (16 MiB). */
export interface ToolRun extends ProcessResult {
  /** Whether more was printed than was kept: such output must not be parsed as if it were whole. */
  readonly truncated: boolean;
}

/** What preparations and checks may use. */
export interface RunContext {
  readonly repo: Repo;
  readonly settings: CheckSettings;
  /** What tools get: nothing that opens anything. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Folder for what is worth keeping from one run to the next (tools, environments), below the user's cache folder. */
  readonly cache: string;
  /** An empty folder of its own, outside the repository, removed afterwards. */
  readonly scratch: string;
  /**
   * Runs a program without a shell, in a process group that ends with the run. What it prints goes into the group of the
   * check in the log, made harmless.
   *
   * @throws UserError `process.missing`; whatever aborted it.
   */
  spawn(argv: readonly [string, ...string[]], options?: SpawnOptions): Promise<ToolRun>;
  /** What it is doing now, for the line of progress. */
  note(text: string): void;
  /** What a preparation that it needs has made. */
  prepared<T>(preparation: Preparation<T>): T;
}

export interface CheckContext extends RunContext {
  /** Lines that the change touches; undefined when it is not known what the change is compared with. */
  readonly changed: ChangedLines | undefined;
  /** Cores that it may use: for runners that can be told. */
  readonly cores: number;
}
