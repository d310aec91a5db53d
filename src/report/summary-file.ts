import { appendFile, stat } from 'node:fs/promises';
import { summaryLimit } from './markdown/summary.ts';

/** GitHub loses a step's summary that is larger. */
const githubLimit = 1024 * 1024;

/** How much a step's summary holds already, in bytes. */
export async function summarySize(path: string): Promise<number> {
  return await stat(path).then(
    (file) => file.size,
    () => 0,
  );
}

/** Appends to a job summary what `render` makes of the room that earlier writers have left, in bytes. */
export async function appendSummary(path: string, render: (room: number) => string): Promise<void> {
  const used = await summarySize(path);
  const room = Math.min(summaryLimit, githubLimit - used - 1024);
  if (room < 1024) return;
  const separator = used === 0 ? '' : '\n\n';
  await appendFile(path, `${separator}${render(room)}\n`);
}
