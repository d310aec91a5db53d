import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

/** A copy of these sources, as they are now, in a repository of its own whose remote is a bare one. */
export interface Checkout {
  readonly folder: string;
  readonly remote: string;
  git(...args: string[]): string;
  inRemote(...args: string[]): string;
  /** What scripts/test does when all of it has passed. */
  markTested(): void;
}

/** @param more files to add, by path. */
export function copyCheckout(folder: string, more: Readonly<Record<string, string>> = {}): Checkout {
  const checkout = join(folder, 'checkout');
  const remote = join(folder, 'remote.git');
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
  });
  for (const file of listed
    .toString()
    .split('\0')
    .filter((field) => field !== '')) {
    mkdirSync(dirname(join(checkout, file)), { recursive: true });
    cpSync(join(root, file), join(checkout, file), { verbatimSymlinks: true });
  }
  for (const [file, text] of Object.entries(more)) {
    mkdirSync(dirname(join(checkout, file)), { recursive: true });
    writeFileSync(join(checkout, file), text);
  }
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: checkout, encoding: 'utf8', stdio: 'pipe' }).trim();
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', remote]);
  git('init', '-q', '-b', 'main');
  mkdirSync(join(checkout, '.git/info'), { recursive: true });
  writeFileSync(join(checkout, '.git/info/exclude'), '/node_modules\n');
  git('config', 'user.name', 'Test');
  git('config', 'user.email', 'test@example.com');
  git('remote', 'add', 'origin', remote);
  git('add', '--all');
  git('commit', '-qm', 'Begin with all of it');
  return {
    folder: checkout,
    remote,
    git,
    inRemote: (...args) =>
      execFileSync('git', ['--git-dir', remote, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim(),
    markTested: () => {
      mkdirSync(join(checkout, 'build/passed'), { recursive: true });
      for (const part of ['unit', 'contract', 'bundle', 'e2e'])
        writeFileSync(join(checkout, 'build/passed', part), `${git('rev-parse', 'HEAD^{tree}')}\n`);
    },
  };
}
