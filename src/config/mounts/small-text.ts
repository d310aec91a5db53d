import { readFile, stat } from 'node:fs/promises';
import { decodeUtf8 } from '../sluice-yml/text.ts';

const maxBytes = 256 * 1024;

/** Text that a person has written; undefined if there is none, or if it is larger than 256 KiB. */
export async function readSmallText(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true || found.size > maxBytes) return undefined;
  const decoded = decodeUtf8(await readFile(file));
  return 'text' in decoded ? decoded.text : undefined;
}
