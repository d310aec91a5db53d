import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UserError } from '../kernel/errors.ts';
import type { Mask } from '../kernel/masking/mask.ts';
import { htmlReport } from './html/page.ts';
import { markdownSummary } from './markdown/summary.ts';
import { type DeployReport, scrubReport } from './model.ts';
import { appendSummary } from './summary-file.ts';

export interface WriteOptions {
  /** Folder of sluice.yml; the reports go below it. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly mask: Mask;
}

/**
 * Writes `.sluice/reports/<deploy>.html` and `.json`, readable only for the user, and appends the Markdown to the job
 * summary if GITHUB_STEP_SUMMARY is set. A failure of one does not prevent the others.
 *
 * @returns the paths of both files.
 * @throws UserError `report.write` if one cannot be written: a reason to warn, not to fail a deploy.
 */
export async function writeReports(
  report: DeployReport,
  { dir, env, mask }: WriteOptions,
): Promise<{ readonly html: string; readonly json: string }> {
  const clean = scrubReport(report, mask);
  const folder = join(dir, '.sluice', 'reports');
  const name = fileName(clean.deploy);
  const html = join(folder, `${name}.html`);
  const json = join(folder, `${name}.json`);
  const summary = env.GITHUB_STEP_SUMMARY;
  const results = await Promise.allSettled([
    writePrivate(folder, { [html]: htmlReport(clean), [json]: `${JSON.stringify(clean, null, 2)}\n` }),
    summary ? appendSummary(summary, (room) => markdownSummary(clean, room)) : undefined,
  ]);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw writeError(failure.reason, folder);
  return { html, json };
}

/** A deploy's id as a file name, which can neither leave the folder nor hide the file. */
function fileName(deploy: string): string {
  return (
    deploy
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .replace(/^\.+/, '_')
      .slice(0, 120) || 'deploy'
  );
}

async function writePrivate(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  // Keep reports out of `git add .`.
  await writeFile(join(folder, '.gitignore'), '*\n', { flag: 'wx', mode: 0o600 }).catch(ignoreExisting);
  for (const [path, text] of Object.entries(files)) {
    // Write a temporary file and rename it: never half a file, and never through an existing link.
    const beside = `${path}.${randomUUID()}`;
    try {
      await writeFile(beside, text, { flag: 'wx', mode: 0o600 });
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

function writeError(cause: unknown, folder: string): UserError {
  return new UserError({
    code: 'report.write',
    message: `Cannot write the report: ${messageOf(cause)}`,
    hint: `Free disk space, or allow writing to ${folder}. The deploy itself is not affected.`,
    cause,
  });
}
