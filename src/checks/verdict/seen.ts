import { counted } from '../../kernel/figures.ts';

/** What a check has read, for its summary: one that read nothing says so, and does not look like a pass over files. */
export function filesSeen(count: number): string {
  return count === 0 ? 'no files to read' : counted(count, 'file');
}
