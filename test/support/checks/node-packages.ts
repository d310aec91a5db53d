import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checksCache } from './context.ts';

/**
 * Packages that npm installed for these two files, kept from one run to the next: only the first takes the network.
 *
 * @param lock undefined: whatever versions there are now.
 * @returns the folder that holds node_modules.
 */
export function installedPackages(manifest: string, lock?: string): string {
  const key = createHash('sha256')
    .update(manifest)
    .update(lock ?? '')
    .digest('hex')
    .slice(0, 16);
  const place = join(checksCache, `node-${key}`);
  if (existsSync(place)) return place;
  mkdirSync(checksCache, { recursive: true });
  const made = mkdtempSync(join(checksCache, 'making-'));
  writeFileSync(join(made, 'package.json'), manifest);
  if (lock !== undefined) writeFileSync(join(made, 'package-lock.json'), lock);
  const how = lock === undefined ? 'install' : 'ci';
  execFileSync('npm', [how, '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: made, stdio: 'pipe' });
  // Another run may have been quicker.
  if (existsSync(place)) rmSync(made, { recursive: true });
  else renameSync(made, place);
  return place;
}

/** Puts such packages into a project, which then finds them installed. Files are linked where the disk is the same. */
export function putPackages(from: string, project: string): void {
  const to = join(project, 'node_modules');
  rmSync(to, { recursive: true, force: true });
  mkdirSync(project, { recursive: true });
  const copy = (...how: string[]) =>
    execFileSync('cp', [...how, join(from, 'node_modules'), to], { stdio: 'pipe' });
  try {
    copy('-al');
  } catch {
    rmSync(to, { recursive: true, force: true });
    copy('-a');
  }
}
