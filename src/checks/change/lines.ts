import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plainEnv } from '../../kernel/process/child-env.ts';
import { runProcess } from '../../kernel/process/process.ts';
import type { ChangedLines } from '../model.ts';
import { findBase, type Git } from './base.ts';

/** The change that a run is about. */
export interface Change {
  readonly lines: ChangedLines | undefined;
  /** For people, a whole sentence: why the change is unknown. */
  readonly why?: string;
  /** The change exists but cannot be read here, so gates on it cannot be judged; false for a run without a change. */
  readonly isLost?: boolean;
}

/** New files beyond this are not source, and their lines are not counted; in bytes. */
const largest = 4 * 1024 * 1024;

/**
 * The lines that the change touches, as they are in the working folder: committed or not, new files included. Removed
 * lines are not counted.
 *
 * @param root top of the repository.
 * @param since the base of the comparison; default: from GitHub's event or the default branch.
 * @param env has GITHUB_EVENT_PATH on GitHub.
 * @throws UserError `checks.since`; the signal's reason.
 */
export async function readChangedLines(
  root: string,
  since: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Change> {
  const git: Git = async (...args) => {
    const options = {
      signal,
      timeoutMs: 120_000,
      env: plainEnv(env, { GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' }),
    };
    const result = await runProcess(['git', '-C', root, ...args], options).catch(() => undefined);
    signal.throwIfAborted();
    return result?.code === 0 ? result.stdout : undefined;
  };
  const base = await findBase(git, since, env);
  if ('why' in base) return unknown(base.why, base.isLost);
  const files = await changedSince(git, root, base.commit);
  if (files === undefined) return unknown(`git failed to compare it with ${base.commit.slice(0, 12)}`, true);
  return { lines: { base: base.commit, files } };
}

function unknown(why: string, isLost: boolean): Change {
  return { lines: undefined, why: `Cannot determine what this run changes: ${why}.`, isLost };
}

async function changedSince(
  git: Git,
  root: string,
  base: string,
): Promise<Map<string, ReadonlySet<number>> | undefined> {
  // The user's own diff settings must not change the result.
  const diff = [
    'diff',
    '--no-ext-diff',
    '--no-textconv',
    '--no-color',
    '--no-relative',
    '--find-renames',
    '--submodule=short',
  ];
  const names = await git(...diff, '--name-only', '-z', '--diff-filter=d', base, '--');
  const patch = await git(
    ...['-c', 'core.quotePath=false'],
    ...diff,
    ...['--unified=0', '--inter-hunk-context=0', '--src-prefix=a/', '--dst-prefix=b/', base, '--'],
  );
  const untracked = await git('ls-files', '-z', '--others', '--exclude-standard');
  if (names === undefined || patch === undefined) return undefined;
  const added = addedLines(patch);
  const files = new Map<string, ReadonlySet<number>>();
  for (const name of namesIn(names)) files.set(name, added.get(name) ?? new Set());
  for (const name of namesIn(untracked ?? '')) files.set(name, await allLines(join(root, name)));
  return files;
}

function namesIn(list: string): string[] {
  // A repository within this one is listed with a slash at its end.
  return list.split('\0').filter((name) => name !== '' && !name.endsWith('/'));
}

async function allLines(path: string): Promise<ReadonlySet<number>> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts === undefined || !facts.isFile() || facts.size > largest) return new Set();
  const text = await readFile(path, 'utf8').catch(() => '');
  if (text === '' || text.includes('\0')) return new Set();
  const count = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return new Set(Array.from({ length: count }, (_, index) => index + 1));
}

/**
 * The lines that a patch without context (`git diff -U0`) adds or alters, by file. Files without added lines, and binary
 * files, are left out.
 */
export function addedLines(patch: string): Map<string, Set<number>> {
  const files = new Map<string, Set<number>>();
  const lines = patch.split('\n');
  let file: string | undefined;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (line.startsWith('diff --git ')) file = undefined;
    else if (line.startsWith('+++ ')) file = fileOf(line.slice(4));
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (hunk === null) continue;
    const [, removed = '1', first = '0', added = '1'] = hunk;
    // A line of a file may look like a header, so lines within a hunk are counted and not parsed.
    index = endOfHunk(lines, index, Number(removed), Number(added));
    if (file === undefined || added === '0') continue;
    const numbers = files.get(file) ?? new Set();
    for (let number = 0; number < Number(added); number++) numbers.add(Number(first) + number);
    files.set(file, numbers);
  }
  return files;
}

/** The last line of a hunk. `\ No newline at end of file` counts for neither side. */
function endOfHunk(lines: readonly string[], start: number, removed: number, added: number): number {
  let index = start;
  let left = removed + added;
  while (left > 0 && index + 1 < lines.length) {
    index++;
    if (!lines[index]?.startsWith('\\')) left--;
  }
  return index;
}

/** `b/path`, quoted as in C when the name holds what git finds unusual, followed by a tab when it holds blanks. */
function fileOf(name: string): string | undefined {
  const path = name.startsWith('"') ? unquoted(name) : name.replace(/\t$/, '');
  return path.startsWith('b/') ? path.slice(2) : undefined;
}

const escapes: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
};

function unquoted(name: string): string {
  const inner = name.slice(1, name.lastIndexOf('"'));
  const bytes = [...inner.matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs)].map(([, octal, mark, text]) => {
    if (octal !== undefined) return Buffer.from([Number.parseInt(octal, 8)]);
    return Buffer.from(mark === undefined ? (text ?? '') : (escapes[mark] ?? mark));
  });
  return Buffer.concat(bytes).toString();
}
