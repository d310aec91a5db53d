import { readdirSync, readFileSync } from 'node:fs';

/** Programs that run in a step's environment, told by a variable that no other step has. */
export function programsWith(variable: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(variable)) return [];
      return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()];
    } catch {
      // It has ended, or is another user's.
      return [];
    }
  });
}
