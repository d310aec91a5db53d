import { readFile } from 'node:fs/promises';
import { parseDuration } from '../config/sluice-yml/human.ts';
import { messageOf, UserError } from '../kernel/errors.ts';

/** A value on the command line that Sluice cannot use. */
export function wrongArgument(argument: string, why: string, hint?: string): UserError {
  const message = `${argument}: ${why}`;
  return new UserError({ code: 'usage.argument', message, ...(hint === undefined ? {} : { hint }) });
}

/** Explains an error of a file that was named on the command line. */
export function fileFault(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'the file or its folder does not exist';
  if (code === 'EISDIR') return 'this is a folder, not a file';
  if (code === 'EEXIST') return 'this is a file, not a folder';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return messageOf(error);
}

/** Reads `--watch`; ms. @throws UserError `usage.argument`. */
export function parseWatch(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms <= 3_600_000) return ms;
  throw wrongArgument(`--watch ${text}`, 'expected a duration up to an hour, such as 30s or 5m');
}

/**
 * Image references from `--image service=reference` and `--images FILE`; the options take precedence over the file.
 *
 * @throws UserError `usage.argument`.
 */
export async function imageArguments(
  pairs: readonly string[],
  file: string | undefined,
): Promise<Readonly<Record<string, string>>> {
  const images = file === undefined ? {} : await readImages(file);
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1 || at === pair.length - 1) {
      const hint = 'For example --image backend=ghcr.io/acme/app/backend:v1.2.3';
      throw wrongArgument(`--image ${pair}`, 'expected SERVICE=REFERENCE', hint);
    }
    images[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return images;
}

async function readImages(file: string): Promise<Record<string, string>> {
  const argument = `--images ${file}`;
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw wrongArgument(argument, fileFault(error), 'Write it with `sluice build --images FILE`.');
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrongArgument(argument, messageOf(error));
  }
  const expected = 'expected a JSON object of service → image reference';
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrongArgument(argument, expected);
  const wrong = Object.entries(value).find(([, reference]) => typeof reference !== 'string');
  if (wrong !== undefined)
    throw wrongArgument(argument, `${expected}, but ${wrong[0]} is a ${typeof wrong[1]}`);
  return value as Record<string, string>;
}
