import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ChangedLines, CheckOutput } from '../../../src/checks/model.ts';
import { openRepo, type Repo } from '../../../src/checks/repo.ts';
import type {
  CheckContext,
  PlannedCheck,
  Preparation,
  SpawnOptions,
  Tool,
} from '../../../src/checks/tool.ts';
import type { CheckSettings } from '../../../src/config/model.ts';
import { exactEnv } from '../../../src/kernel/process/child-env.ts';
import { runProcess } from '../../../src/kernel/process/process.ts';

/** What is installed for contract tests stays here, so that the next run finds it. */
export const checksCache = join(homedir(), '.cache/sluice-bed/checks');

const outputLimit = 16 * 2 ** 20;

/** `checks:` of sluice.yml as it is without the file. */
export const defaultSettings: CheckSettings = {
  skip: {},
  ignore: {},
  baseline: '.sluice-baseline.json',
  timeoutMs: 600_000,
  timeouts: {},
  tools: 'auto',
  env: [],
  scan: { failOn: 'HIGH', unfixed: 'review', history: false, verifySecrets: false, images: false },
  coverage: { total: undefined, changed: undefined, codecov: false },
};

/** A git repository of its own in a temporary folder, with one commit. */
export interface CheckedRepo extends Disposable {
  readonly root: string;
  put(path: string, text: string): void;
  remove(path: string): void;
  git(...args: string[]): string;
  /** As it is now. */
  open(): Promise<Repo>;
}

/** @param from a folder whose files it begins with. */
export function checkedRepo(files: Readonly<Record<string, string>>, from?: string, to = ''): CheckedRepo {
  const root = mkdtempSync(join(tmpdir(), 'checks-repo-'));
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const author = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, ...author, ...args], { encoding: 'utf8' });
  const isSource = (path: string) => !/\/(?:node_modules|\.venv|__pycache__|\.\w+_cache|dist)$/.test(path);
  if (from !== undefined) cpSync(from, join(root, to), { recursive: true, filter: isSource });
  for (const [path, text] of Object.entries(files)) put(path, text);
  git('init', '-q', '-b', 'main');
  git('add', '--all');
  git('commit', '-qm', 'all', '--allow-empty');
  return {
    root,
    put,
    remove: (path) => rmSync(join(root, path), { recursive: true, force: true }),
    git,
    open: () => openRepo(root, new AbortController().signal),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

export interface ContextOptions {
  readonly settings?: CheckSettings;
  /** Over ours. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  readonly cache?: string;
  readonly changed?: ChangedLines;
  readonly cores?: number;
}

/** Runs checks and what they need, one after another and without a runner: each preparation is made once. */
export interface CheckBench extends Disposable {
  make<T>(preparation: Preparation<T>): Promise<T>;
  run(check: PlannedCheck): Promise<CheckOutput>;
  /** Plans the tool and runs its only check. */
  runOnly(tool: Tool): Promise<CheckOutput>;
}

export function checkBench(repo: Repo, options: ContextOptions = {}): CheckBench {
  const made = new Map<string, unknown>();
  const scratches = mkdtempSync(join(tmpdir(), 'checks-scratch-'));
  const settings = options.settings ?? defaultSettings;
  const cache = options.cache ?? checksCache;
  mkdirSync(cache, { recursive: true });

  function contextIn(folder: string): CheckContext {
    const env = { ...process.env, ...options.env };
    const signal = options.signal ?? new AbortController().signal;
    return {
      repo,
      settings,
      env,
      signal,
      cache,
      scratch: mkdtempSync(join(scratches, 'one-')),
      changed: options.changed,
      cores: options.cores ?? 2,
      note: () => {},
      spawn: (argv, spawned = {}) => spawnIn(argv, folder, env, signal, spawned),
      prepared: <T>(preparation: Preparation<T>) => {
        if (!made.has(preparation.id)) throw new Error(`${preparation.id} is not among its needs`);
        return made.get(preparation.id) as T;
      },
    };
  }

  async function spawnIn(
    argv: readonly [string, ...string[]],
    folder: string,
    env: Readonly<Record<string, string | undefined>>,
    signal: AbortSignal,
    spawned: SpawnOptions,
  ) {
    const result = await runProcess(argv, {
      cwd: join(repo.root, spawned.folder ?? folder),
      env: exactEnv({ ...env, ...spawned.env }),
      signal,
      ...(spawned.stdin === undefined ? {} : { stdin: spawned.stdin }),
    });
    const truncated = Math.max(result.stdout.length, result.stderr.length) > outputLimit;
    const [stdout, stderr] = [result.stdout.slice(0, outputLimit), result.stderr.slice(0, outputLimit)];
    return { code: result.code, stdout, stderr, truncated };
  }

  async function make<T>(preparation: Preparation<T>): Promise<T> {
    for (const need of preparation.needs) await make(need);
    if (!made.has(preparation.id)) made.set(preparation.id, await preparation.make(contextIn('')));
    return made.get(preparation.id) as T;
  }

  async function run(check: PlannedCheck): Promise<CheckOutput> {
    for (const need of check.needs) await make(need);
    return check.run(contextIn(check.folder));
  }

  return {
    make,
    run,
    async runOnly(tool) {
      const [check, ...more] = tool.plan(repo, settings);
      if (check === undefined || more.length > 0) throw new Error(`${tool.name} plans ${more.length} more`);
      return await run(check);
    },
    [Symbol.dispose]: () => rmSync(scratches, { recursive: true, force: true }),
  };
}
