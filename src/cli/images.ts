import { readFile } from 'node:fs/promises';
import { messageOf, UserError } from '../kernel/errors.ts';

/**
 * Image references from `--image service=reference` and `--images FILE`; the options win over the file.
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
      throw new UserError({
        code: 'usage.argument',
        message: `--image ${pair}: expected SERVICE=REFERENCE`,
        hint: 'For example --image backend=ghcr.io/acme/app/backend:v1.2.3',
      });
    }
    images[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return images;
}

async function readImages(file: string): Promise<Record<string, string>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new UserError({ code: 'usage.argument', message: `--images ${file}: ${messageOf(error)}` });
  }
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = isMap ? Object.entries(value as object) : [];
  const wrong = entries.find(([, reference]) => typeof reference !== 'string');
  if (!isMap || wrong !== undefined) {
    throw new UserError({
      code: 'usage.argument',
      message: `--images ${file}: expected an object of service → image reference${wrong === undefined ? '' : `, but ${wrong[0]} is ${typeof wrong[1]}`}`,
    });
  }
  return Object.fromEntries(entries) as Record<string, string>;
}
