import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { exampleFolder } from '../bed/app/tree.ts';
import { monotonic } from '../bed/load/clock.ts';
import { trivyDatabase } from '../support/checks/trivy-database.ts';
import { publish, say, seconds, show, spread } from './output.ts';

const cli = join(import.meta.dirname, '../../dist/cli.js');

/** A tool as somebody runs it by hand, once its project's packages are there. */
interface ByHand {
  readonly name: string;
  readonly folder: 'backend' | 'frontend' | '.';
  readonly argv: readonly [string, ...string[]];
}

const tools: readonly ByHand[] = [
  { name: 'ruff', folder: 'backend', argv: ['ruff', 'check', '.'] },
  { name: 'black', folder: 'backend', argv: ['black', '--check', '.'] },
  { name: 'mypy', folder: 'backend', argv: ['mypy'] },
  { name: 'pytest', folder: 'backend', argv: ['pytest', '-q'] },
  { name: 'eslint', folder: 'frontend', argv: ['eslint', '.'] },
  { name: 'tsc', folder: 'frontend', argv: ['tsc', '--noEmit'] },
  { name: 'vitest', folder: 'frontend', argv: ['vitest', 'run'] },
  { name: 'build', folder: 'frontend', argv: ['npm', 'run', 'build'] },
  {
    name: 'trivy',
    folder: '.',
    argv: [
      'trivy',
      'fs',
      '--quiet',
      '--skip-db-update',
      '--skip-java-db-update',
      '--offline-scan',
      '--scanners',
      'vuln',
      '.',
    ],
  },
  {
    name: 'trufflehog',
    folder: '.',
    argv: ['trufflehog', 'git', 'file://.', '--no-verification', '--no-update'],
  },
];

/**
 * `sluice check` on the example beside the same tools by hand: the slowest alone, all one after another, and a job for each
 * with the set-up that a job begins with. Packages come from warm caches for everybody; results of earlier runs (MyPy,
 * pytest, ESLint) are removed before each run.
 */
export async function benchChecks(rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-checks-'));
  const repo = join(folder, 'bookreader');
  try {
    copyExample(repo);
    const database = await trivyDatabase();
    const cache = join(homedir(), '.cache/sluice-bed/bench-checks');
    const env = {
      ...process.env,
      TRIVY_CACHE_DIR: database,
      XDG_CACHE_HOME: cache,
      CI: 'true',
      NO_COLOR: '1',
    };
    const setUps = { backend: [] as number[], frontend: [] as number[], '.': [0] };
    const alone = new Map<string, number[]>(tools.map(({ name }) => [name, []]));
    const together: number[] = [];
    const pairs: number[] = [];
    say('The first run fetches what is not there yet; it does not count.');
    sluice(repo, env);
    for (let round = 0; round < rounds; round++) {
      setUps.backend.push(timed(() => setUpPython(folder, repo)));
      setUps.frontend.push(timed(() => setUpNode(repo)));
      const path = `${join(folder, 'venv/bin')}:${join(repo, 'frontend/node_modules/.bin')}:${process.env.PATH}`;
      for (const { name, folder: place, argv } of tools) {
        clean(repo, cache);
        const took = timed(() => runIn(join(repo, place), argv, { ...env, PATH: path }));
        alone.get(name)?.push(took);
      }
      clean(repo, cache);
      pairs.push(timed(() => runIn(join(repo, 'frontend'), twice(['eslint', '.']), { ...env, PATH: path })));
      clean(repo, cache);
      together.push(timed(() => sluice(repo, env)));
      say(`round ${round + 1} of ${rounds}`);
    }
    report(alone, setUps, together, pairs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(
  alone: ReadonlyMap<string, readonly number[]>,
  setUps: Readonly<Record<ByHand['folder'], readonly number[]>>,
  together: readonly number[],
  pairs: readonly number[],
): void {
  const perTool = tools.map(({ name, folder }) => ({
    ...{ name, folder, alone: spread(alone.get(name) ?? []), setUp: spread(setUps[folder]).median },
  }));
  const slowest = perTool.reduce((worst, one) => (one.alone.median > worst.alone.median ? one : worst));
  const sum = perTool.reduce((total, one) => total + one.alone.median, 0);
  const jobs = perTool.map((one) => one.setUp + one.alone.median);
  const cores = availableParallelism();
  // Cores share memory, caches and often a core: what two of a kind do at once says how much more two do than one.
  const one = spread(alone.get('eslint') ?? []).median;
  const speed = (2 * one) / spread(pairs).median;
  // Nothing ends before its slowest part, and the work of all is done by the cores there are.
  const bound = Math.max(slowest.alone.median, sum / (1 + (speed - 1) * (cores - 1)));
  const own = spread(together);
  const against = (ms: number) => `${(own.median / ms).toFixed(2)} x`;
  const text = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  show(
    ['alone', 'time'],
    perTool.map((one) => [one.name, seconds(one.alone)]),
  );
  show(
    ['what', 'time', 'sluice check against it'],
    [
      ['sluice check', seconds(own), ''],
      [`the slowest alone (${slowest.name})`, seconds(slowest.alone), against(slowest.alone.median)],
      [
        `what ${cores} cores allow: two do ${speed.toFixed(2)} times the work of one`,
        text(bound),
        against(bound),
      ],
      ['one after another', text(sum), against(sum)],
      ['a job for each, with set-up: the longest job', text(Math.max(...jobs)), against(Math.max(...jobs))],
      ['the same: minutes of all jobs', text(jobs.reduce((a, b) => a + b, 0)), ''],
    ],
  );
  publish('checks', {
    cores,
    speed,
    sluice: own,
    slowest: slowest.name,
    bound,
    sum,
    jobs: Math.max(...jobs),
    each: perTool,
  });
}

function copyExample(repo: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '.'], { cwd: exampleFolder }).toString();
  for (const file of listed.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(repo, file)), { recursive: true });
    cpSync(join(exampleFolder, file), join(repo, file));
  }
  const git = (...args: string[]) => execFileSync('git', ['-C', repo, ...args], { stdio: 'pipe' });
  git('init', '-q', '-b', 'main');
  git('add', '--all');
  git('-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', 'commit', '-qm', 'The app');
}

function setUpPython(folder: string, repo: string): void {
  rmSync(join(folder, 'venv'), { recursive: true, force: true });
  execFileSync('python3', ['-m', 'venv', join(folder, 'venv')], { stdio: 'pipe' });
  const wanted = join(repo, 'backend/requirements-dev.txt');
  execFileSync(join(folder, 'venv/bin/pip'), ['install', '-q', '-r', wanted], { stdio: 'pipe' });
}

function setUpNode(repo: string): void {
  rmSync(join(repo, 'frontend/node_modules'), { recursive: true, force: true });
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: join(repo, 'frontend'), stdio: 'pipe' });
}

/** What a fresh checkout does not have, and what would make the next run quicker. */
function clean(repo: string, cache: string): void {
  for (const name of ['black', 'mypy', 'pytest', 'ruff'])
    for (const folder of [cache, join(cache, 'sluice/checks')])
      rmSync(join(folder, name), { recursive: true, force: true });
  for (const name of ['.mypy_cache', '.pytest_cache', '.ruff_cache', '.coverage', '.coverage.xml'])
    rmSync(join(repo, 'backend', name), { recursive: true, force: true });
  rmSync(join(repo, 'frontend/dist'), { recursive: true, force: true });
  rmSync(join(repo, 'frontend/node_modules/.cache'), { recursive: true, force: true });
}

function sluice(repo: string, env: Readonly<Record<string, string | undefined>>): void {
  if (!existsSync(cli)) throw new Error(`${cli} is not built`);
  runIn(repo, [process.execPath, cli, 'check'], env);
}

function runIn(
  cwd: string,
  [program, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
): void {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stdout}\n${stderr}`);
}

/** Two of a kind at once. */
function twice(argv: readonly string[]): readonly [string, ...string[]] {
  return ['sh', '-c', '"$@" & "$@" & wait', 'sh', ...argv];
}

function timed(work: () => void): number {
  const began = monotonic();
  work();
  return monotonic() - began;
}
