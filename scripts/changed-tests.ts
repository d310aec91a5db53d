import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importsOf } from '../test/house/scan.ts';

/*
 * The test files that a change can reach, for `scripts/test --changed`. Prints `<part> <file>`, a line each.
 *
 *   node scripts/changed-tests.ts [REF]     changes since REF (default: origin/main, else main), committed or not
 *
 * A test is reached if it imports a changed file, through others too, or starts a program that does. The
 * folder of any other file names the tests that read it.
 */

/** Programs that a test starts: the words by which a source names one, and its source. */
const programs: readonly (readonly [name: RegExp, source: string])[] = [
  [/bin\/sluice\b/, 'src/cli/main.ts'],
  [/\bdist\/|actions\/main\.ts/, 'src/actions/main.ts'],
  [/\bdist\/|cli\/main\.ts/, 'src/cli/main.ts'],
  [/edge\/(?:haproxy\.cfg|guard\.lua|watch\.lua)|edge-config\.ts/, 'src/deploy/traffic/edge-config.ts'],
];

/** Other files than TypeScript, by the beginning of their path: the first line that fits counts. */
const readers: readonly (readonly [path: RegExp, tests: RegExp])[] = [
  [/^edge\//, /^test\/(?:unit\/deploy|contract\/(?:deploy|edge)|bundle|e2e)\//],
  [/^test\/fixtures\/checks\//, /^test\/(?:unit|contract)\/checks\//],
  [/^test\/corpus\//, /^test\/unit\/corpus/],
  [
    /^(?:docs\/|schema\/|README\.md|CONTRIBUTING\.md|CHANGELOG\.md|[^/]*\.md$)/,
    /^test\/(?:unit\/|contract\/workflows\/)/,
  ],
  [
    /^(?:action\.yml|actions\/|workflows\/|\.github\/)/,
    /^test\/(?:unit\/|contract\/(?:workflows|hostile|release)\/|bundle\/|e2e\/(?:github|cdn|pull-requests))/,
  ],
  [/^test\/bed\//, /^test\/(?:contract|bundle|e2e)\//],
  [/^\.|^LICENSE$/, /^test\/unit\/house\//],
  // examples/, scripts/, package-lock.json and all others: everything.
  [/^/, /^/],
];

/** @returns the test files of all parts that `changed` can reach, sorted. Paths are from the top of the repository. */
export function reachedBy(changed: readonly string[], root: string): string[] {
  const sources = globSync(['src/**/*.ts', 'scripts/**/*.ts', 'test/**/*.ts'], { cwd: root });
  const tests = sources.filter((path) => path.endsWith('.test.ts'));
  const users = usersOf(sources, root);
  const reached = new Set(changed.filter((path) => users.has(path)));
  for (const path of reached) for (const user of users.get(path) ?? []) reached.add(user);
  const read = changed
    // A source that is gone is imported by none that is left: the compiler sees to that.
    .filter((path) => !/^(?:src|scripts|test)\/.*\.ts$/.test(path))
    .map((path) => readers.find(([fits]) => fits.test(path))?.[1] ?? /^/);
  // The rules of the house hold for every file.
  return tests
    .filter(
      (test) =>
        reached.has(test) ||
        read.some((readBy) => readBy.test(test)) ||
        (changed.length > 0 && test.startsWith('test/unit/house/')),
    )
    .sort();
}

/** By source, the sources that import it or start it. */
function usersOf(sources: readonly string[], root: string): Map<string, string[]> {
  const users = new Map<string, string[]>(sources.map((path) => [path, []]));
  for (const path of sources) {
    const text = readFileSync(join(root, path), 'utf8');
    const imported = importsOf(text)
      .filter(({ from }) => from.startsWith('.'))
      .map(({ from }) => new URL(from, `file:///${path}`).pathname.slice(1));
    const started = path.startsWith('test/')
      ? programs.filter(([name]) => name.test(text)).map(([, source]) => source)
      : [];
    // The global set-up of a part belongs to all of its tests.
    for (const used of [...imported, ...started]) users.get(used)?.push(path);
    const harness = /^test\/(bundle|e2e)\/harness\//.exec(path);
    if (harness) {
      for (const test of sources)
        if (test.startsWith(`test/${harness[1]}/`) && test.endsWith('.test.ts')) users.get(path)?.push(test);
    }
  }
  return users;
}

/** Files that differ from where this branch left `ref`, and files that git does not know yet. */
function changedSince(ref: string | undefined, root: string): string[] {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const known = (name: string) => {
    try {
      return git('rev-parse', '--verify', '--quiet', `${name}^{commit}`).trim();
    } catch {
      return undefined;
    }
  };
  const since = ref === undefined ? (known('origin/main') ?? known('main')) : known(ref);
  if (since === undefined) throw new Error(`git knows no commit ${JSON.stringify(ref ?? 'origin/main')}`);
  const base = git('merge-base', since, 'HEAD').trim();
  const lists = [
    git('diff', '--name-only', '--no-renames', '-z', base),
    git('ls-files', '--others', '--exclude-standard', '-z'),
  ];
  return [...new Set(lists.flatMap((list) => list.split('\0')).filter((path) => path !== ''))];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(import.meta.dirname, '..');
  try {
    const tests = reachedBy(changedSince(process.argv[2], root), root).filter((path) =>
      existsSync(join(root, path)),
    );
    for (const path of tests) console.log(`${path.split('/')[1]} ${path}`);
  } catch (error) {
    console.error(`scripts/test --changed: ${(error as Error).message}`);
    process.exitCode = 2;
  }
}
