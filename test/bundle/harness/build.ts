import { resolve } from 'node:path';
import { runProcess } from '../../../src/kernel/process/process.ts';

const root = resolve(import.meta.dirname, '../../..');

/** What is tested is the bundle of these very sources. Called by vitest before the first file. */
export async function setup(): Promise<void> {
  const { code, stdout, stderr } = await runProcess([process.execPath, resolve(root, 'scripts/build.ts')]);
  if (code !== 0) throw new Error(`scripts/build.ts failed:\n${stdout}${stderr}`);
}
