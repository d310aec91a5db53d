import { counted } from '../../report/figures.ts';

/** The number of files a check has read, for its summary; a check without files must not look like a normal pass. */
export function filesSeen(count: number): string {
  return count === 0 ? 'no files to read' : counted(count, 'file');
}
