import { readFile, stat } from 'node:fs/promises';

/** Text of a file's bytes without its byte order mark, or what is wrong with them. */
export function decodeUtf8(bytes: Uint8Array): { readonly text: string } | { readonly fault: string } {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return { fault: 'The file is UTF-16 and must be UTF-8' };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? { fault: 'The file contains NUL bytes, so it is not text' } : { text };
  } catch {
    return { fault: 'The file is not UTF-8 text' };
  }
}

const maxBytes = 256 * 1024;

/** Text that a person has written; undefined if there is none, or if it is larger than 256 KiB. */
export async function readSmallText(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true || found.size > maxBytes) return undefined;
  const decoded = decodeUtf8(await readFile(file));
  return 'text' in decoded ? decoded.text : undefined;
}
