import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const day = 24 * 3_600_000;
const unusedDays = 30;
const marker = 'ready';

/**
 * A folder that is made once and found again by later runs. Whoever makes it works in a folder of its own; the marker,
 * written last, names the one that is complete. So runs at the same time, or one that is killed, never leave half of it.
 *
 * @param place folder that stands for exactly this content: its name is made of all that the content depends on.
 * @param open what is to be done with the folder; undefined when its content does not work (any more).
 */
export async function kept<T>(
  place: string,
  make: (folder: string) => Promise<void>,
  open: (folder: string) => Promise<T | undefined>,
): Promise<T | undefined> {
  const found = await complete(place);
  const opened = found === undefined ? undefined : await open(found);
  if (opened !== undefined) return opened;
  await prune(place);
  const name = randomBytes(4).toString('hex');
  const folder = join(place, name);
  await mkdir(folder, { recursive: true });
  try {
    await make(folder);
    await writeFile(join(folder, marker), name);
    await rename(join(folder, marker), join(place, marker));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return open(folder);
}

/** The folder that the marker names, which is then known to be in use. */
async function complete(place: string): Promise<string | undefined> {
  const name = await readFile(join(place, marker), 'utf8').catch(() => undefined);
  if (name === undefined || !/^[\da-f]{8}$/.test(name)) return undefined;
  const now = new Date();
  for (const used of [marker, name]) await utimes(join(place, used), now, now).catch(() => {});
  return join(place, name);
}

/** Removes what nobody has asked for lately beside it, and what a killed run has left in it. */
async function prune(place: string): Promise<void> {
  const around = join(place, '..');
  for (const name of await readdir(around).catch(() => [])) {
    const age = await ageOf(join(around, name, marker));
    if (age !== undefined && age > unusedDays * day)
      await rm(join(around, name), { recursive: true, force: true });
  }
  for (const name of await readdir(place).catch(() => [])) {
    const age = await ageOf(join(place, name));
    if (age !== undefined && age > day) await rm(join(place, name), { recursive: true, force: true });
  }
}

async function ageOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? undefined : Date.now() - found.mtimeMs;
}
