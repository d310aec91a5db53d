import { appendFile, stat } from 'node:fs/promises';
import { summaryLimit } from './markdown/summary.ts';

/** GitHub drops a larger step summary. */
const githubLimit = 1024 * 1024;

/** Current size of a step's summary, in bytes. */
export async function summarySize(path: string): Promise<number> {
  return await stat(path).then(
    (file) => file.size,
    () => 0,
  );
}

/** Appends to a job summary; `render` gets the remaining space, in bytes. */
export async function appendSummary(path: string, render: (room: number) => string): Promise<void> {
  const used = await summarySize(path);
  const room = Math.min(summaryLimit, githubLimit - used - 1024);
  if (room < 1024) return;
  const separator = used === 0 ? '' : '\n\n';
  await appendFile(path, `${separator}${render(room)}\n`);
}
