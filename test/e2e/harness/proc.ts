import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Seen {
  readonly samples: number;
  /** Programs that were seen, so that a watcher that looked at nothing is found out. */
  readonly programs: readonly string[];
  /** Programs with a secret among their arguments. */
  readonly leaks: readonly string[];
}

/** Looks at the arguments of all processes of this machine, again and again, until it is stopped. */
export function watchArguments(secrets: readonly string[]): { stop(): Promise<Seen> } {
  const programs = new Set<string>();
  const leaks = new Set<string>();
  let samples = 0;
  let stopped = false;
  const look = () => {
    samples += 1;
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      const text = argumentsOf(pid);
      const [program = ''] = text.split('\0');
      if (program === '') continue;
      programs.add(basename(program));
      if (secrets.some((secret) => text.includes(secret))) leaks.add(program);
    }
  };
  const watching = (async () => {
    while (!stopped) {
      look();
      await sleep(5);
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await watching;
      return { samples, programs: [...programs], leaks: [...leaks] };
    },
  };
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has ended.
    return '';
  }
}
