import { copyFile, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RunContext } from '../tool.ts';

const largestCopied = 2 ** 20;

/** Copies what git knows of the repository, except large files, which no build of a package needs. */
export async function copyRepository(context: RunContext, to: string): Promise<void> {
  for (const file of context.repo.files) {
    const from = join(context.repo.root, file);
    const found = await stat(from).catch(() => undefined);
    if (found?.isFile() !== true || found.size > largestCopied) continue;
    await mkdir(dirname(join(to, file)), { recursive: true });
    await copyFile(from, join(to, file));
  }
}
