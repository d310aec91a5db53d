import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const day = 24 * 3_600_000;
const unusedDays = 30;
const marker = 'ready';

/**
 * A folder that is made once and reused by later runs. Each maker works in a new folder; the marker, written last, names
 * the complete one. So concurrent or killed runs never leave a half-made folder in use.
 *
 * @param place folder for exactly this content: its name is derived from all that the content depends on.
 * @param open uses the folder; returns undefined if its content does not work.
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

/** The folder that the marker names; its timestamp is renewed, which keeps it from being pruned. */
async function complete(place: string): Promise<string | undefined> {
  const name = await readFile(join(place, marker), 'utf8').catch(() => undefined);
  if (name === undefined || !/^[\da-f]{8}$/.test(name)) return undefined;
  const now = new Date();
  for (const used of [marker, name]) await utimes(join(place, used), now, now).catch(() => {});
  return join(place, name);
}

/** Removes unused folders beside it, and the leftovers of killed runs in it. */
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
